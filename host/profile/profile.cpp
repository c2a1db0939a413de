#include "profile/profile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/assignment.hpp"
#include "core/file.hpp"
#include "core/text.hpp"
#include "profile/json_fields.hpp"

namespace qtrap::profile {
namespace {

std::int64_t projection_weights_per_layer(const ModelProfile& model) {
  const std::int64_t query = model.heads * model.head_dim;
  const std::int64_t key = model.kv_heads * model.head_dim;
  return model.hidden * (2 * query + 2 * key + 3 * model.ffn);  // q and o, k and v, gate, up and down
}

/// `schema` must be this one; a newer major version is refused before the keys, which it may have renamed.
template <class R>
Status check_header(const Json& object, std::string_view name) {
  const auto schema = object.find("schema");
  if (schema == object.end()) {
    return usage_error(fmt::format("{}: a key is missing", name), "schema",
                       fmt::format("add \"schema\": \"{}\"", schema_name<R>()));
  }
  if (*schema != schema_name<R>()) {
    return usage_error(fmt::format("{} has another schema", name), schema->is_structured() ? "" : schema->dump(),
                       fmt::format("a file with schema {} is needed", schema_name<R>()));
  }
  const auto version = object.find("schema_version");
  if (version == object.end()) return Done{};
  const std::string text = version->is_string() ? version->get<std::string>() : "";
  std::int64_t major = 0;
  const auto [rest, code] = std::from_chars(text.data(), text.data() + text.size(), major);
  if (code != std::errc{} || rest == text.data() + text.size() || *rest != '.') {
    return usage_error(fmt::format("{}: `schema_version` is not MAJOR.MINOR", name),
                       version->is_structured() ? "" : version->dump(), fmt::format("write \"{}\"", kSchemaVersion));
  }
  if (major <= kSchemaMajor) return Done{};
  return usage_error(fmt::format("{}: the schema_version is newer than this program", name), text,
                     fmt::format("use a qtrap that reads version {}; this one reads {}.x", text, kSchemaMajor));
}

template <class R>
Status check_known_keys(const Json& object, std::string_view name) {
  std::vector<std::string_view> known = key_names<R>();
  known.insert(known.begin(), {"schema", "schema_version"});
  for (const auto& [key, value] : object.items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    return usage_error(fmt::format("{}: unknown key", name), key, suggest(key, known));
  }
  return Done{};
}

template <class R>
Result<R> parse_profile(std::string_view text, std::string_view name) {
  auto json = parse_object(text, name);
  if (!json) return json.error();
  const Json& object = json.value();
  if (const Status status = check_header<R>(object, name); !status) return status.error();
  if (const Status status = check_known_keys<R>(object, name); !status) return status.error();
  R profile;
  for (const Key<R>& key : keys<R>()) {
    const auto found = object.find(key.name);
    if (found == object.end()) {
      if (!key.required()) continue;
      return usage_error(fmt::format("{}: a key is missing", name), std::string(key.name),
                         fmt::format("add it: {}", key.doc));
    }
    if (const Status status = store(*found, key, name, profile); !status) return status.error();
  }
  return profile;
}

/// Every key, in the order of the table.
template <class R>
Json make_object(const R& profile) {
  Json object;
  object["schema"] = schema_name<R>();
  object["schema_version"] = kSchemaVersion;
  for (const Key<R>& key : keys<R>()) {
    object[std::string(key.name)] = std::visit(
        [&profile]<class T>(T R::*member) {
          const T& value = profile.*member;
          if constexpr (std::is_same_v<T, std::optional<std::int64_t>>)
            return value ? Json(*value) : Json(nullptr);
          else
            return Json(value);
        },
        key.member);
  }
  return object;
}

Status check_schemes(const Campaign& campaign, std::string_view name, std::span<const std::string_view> allowed) {
  for (const std::string& scheme : campaign.schemes) {
    if (std::find(allowed.begin(), allowed.end(), scheme) != allowed.end()) continue;
    return usage_error(fmt::format("{}: unknown scheme", name), scheme, suggest(scheme, allowed));
  }
  return Done{};
}

/// The file of a profile: the path itself, or the first NAME.json in `folders`.
Result<std::filesystem::path> find_profile(const std::string& name_or_path,
                                           std::span<const std::filesystem::path> folders, std::string_view kind) {
  if (name_or_path.find('/') != std::string::npos || name_or_path.ends_with(".json"))
    return std::filesystem::path(name_or_path);
  std::error_code ignored;
  for (const auto& folder : folders) {
    const auto path = folder / (name_or_path + ".json");
    if (!name_or_path.empty() && std::filesystem::exists(path, ignored)) return path;
  }
  const std::vector<std::string> names = list_profiles(folders);
  if (names.empty()) {
    std::vector<std::string> looked;
    for (const auto& folder : folders) looked.push_back(folder.lexically_normal().string());
    return usage_error(fmt::format("no {} profiles found", kind), name_or_path,
                       fmt::format("looked in {}; set QTRAP_PROFILES to the profiles folder, or give a path that ends "
                                   "in .json",
                                   fmt::join(looked, ", ")));
  }
  const std::vector<std::string_view> known(names.begin(), names.end());
  return usage_error(fmt::format("unknown {}", kind), name_or_path.empty() ? "''" : name_or_path,
                     suggest(name_or_path, known) + "; or give a path that ends in .json");
}

}  // namespace

std::int64_t compute_step_parameters(const ModelProfile& model) {
  return model.layers * projection_weights_per_layer(model);
}

std::int64_t compute_parameters(const ModelProfile& model) {
  const std::int64_t embeddings = (model.tied_embeddings ? 1 : 2) * model.vocab * model.hidden;
  const std::int64_t norms = (2 * model.layers + 1) * model.hidden;
  return embeddings + compute_step_parameters(model) + norms;
}

Result<ModelProfile> parse_model(std::string_view text, std::string_view name) {
  auto model = parse_profile<ModelProfile>(text, name);
  if (!model) return model;
  const ModelProfile& shape = model.value();
  if (shape.heads % shape.kv_heads != 0) {
    return usage_error(fmt::format("{}: `heads` is not a multiple of `kv_heads`", name),
                       fmt::format("{} and {}", shape.heads, shape.kv_heads),
                       "each key head serves the same number of query heads");
  }
  return model;
}

Status check_campaign(const Campaign& campaign, std::string_view name) {
  if (campaign.min_trials > campaign.max_trials) {
    return usage_error(fmt::format("{}: `min_trials` is above `max_trials`", name),
                       fmt::format("{} > {}", campaign.min_trials, campaign.max_trials),
                       "lower the one or raise the other");
  }
  // Lists are short (see kLongestList): the product fits.
  const std::uint64_t cells = campaign.models.size() * campaign.batch.size() * campaign.hops.size() *
                              campaign.tokens_per_hop.size() * campaign.context_tokens.size();
  if (cells > kMostCells) {
    return usage_error(fmt::format("{}: the campaign has too many cells", name), std::to_string(cells),
                       fmt::format("shorten its lists: at most {} combinations", kMostCells));
  }
  return Done{};
}

Result<Campaign> parse_campaign(std::string_view text, std::string_view name,
                                std::span<const std::string_view> schemes) {
  auto campaign = parse_profile<Campaign>(text, name);
  if (!campaign) return campaign;
  if (const Status status = check_schemes(campaign.value(), name, schemes); !status) return status.error();
  if (const Status status = check_campaign(campaign.value(), name); !status) return status.error();
  return campaign;
}

Result<ModelProfile> load_model(const std::string& name_or_path, std::span<const std::filesystem::path> folders) {
  auto path = find_profile(name_or_path, folders, "model");
  if (!path) return path.error();
  auto text = read_file(path.value());
  if (!text) return text.error();
  return parse_model(text.value(), path.value().string());
}

Result<Campaign> load_campaign(const std::string& name_or_path, std::span<const std::filesystem::path> folders,
                               std::span<const std::string_view> schemes) {
  auto path = find_profile(name_or_path, folders, "campaign");
  if (!path) return path.error();
  auto text = read_file(path.value());
  if (!text) return text.error();
  return parse_campaign(text.value(), path.value().string(), schemes);
}

std::vector<std::string> list_profiles(std::span<const std::filesystem::path> folders) {
  std::vector<std::string> names;
  for (const auto& folder : folders) {
    std::error_code code;  // a folder that is not there or not readable has no profiles
    for (std::filesystem::directory_iterator entry(folder, code), end; !code && entry != end; entry.increment(code)) {
      if (entry->path().extension() == ".json") names.push_back(entry->path().stem().string());
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::string to_json(const Campaign& campaign) { return make_object(campaign).dump(); }

std::string to_json(const ModelProfile& model) {
  Json object = make_object(model);
  if (model.family.empty()) object.erase("family");  // an empty text is refused: unnamed is the default
  return object.dump(2) + "\n";
}

Result<TuningProfile> parse_tuning(std::string_view text, std::string_view name) {
  return parse_profile<TuningProfile>(text, name);
}

std::string to_json(const TuningProfile& tuning) {
  Json object = make_object(tuning);
  for (const char* list : {"choices", "measured"}) {
    if (object[list].empty()) object.erase(list);  // an empty list is refused: the default stands for it
  }
  return object.dump(2) + "\n";
}

Status apply_override(Campaign& campaign, std::string_view assignment, std::span<const std::string_view> schemes) {
  if (!is_utf8(assignment)) return usage_error("--set is not UTF-8", "", "give UTF-8 text");
  const auto split = split_assignment(assignment);
  if (!split) return usage_error("--set needs KEY=VALUE", std::string(assignment), "write it like --set batch=1,8");
  const std::string_view name = split->key;
  for (const Key<Campaign>& key : keys<Campaign>()) {
    if (key.name != name) continue;
    Campaign changed = campaign;
    if (Status status = store(parse_assigned(split->value, key), key, "--set", changed); !status) return status;
    if (Status status = check_schemes(changed, "--set", schemes); !status) return status;
    campaign = std::move(changed);
    return Done{};
  }
  return usage_error("--set: unknown key", std::string(name), suggest(name, key_names<Campaign>()));
}

}  // namespace qtrap::profile
