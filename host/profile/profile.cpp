#include "profile/profile.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/assignment.hpp"
#include "core/file.hpp"
#include "core/text.hpp"
#include "profile/cell.hpp"
#include "profile/keys.hpp"
#include "table/codec.hpp"

namespace qtrap::profile {
namespace {

using table::Json;

template <class R>
Result<R> parse_profile(std::string_view text, std::string_view name) {
  constexpr std::size_t kLargestProfile = std::size_t{4} << 20;
  if (text.size() > kLargestProfile) {
    return usage_error(fmt::format("{} is too large for a profile", name), fmt::format("{} bytes", text.size()),
                       fmt::format("at most {} are read", kLargestProfile));
  }
  return table::parse_file<R>(text, name, kSchemaName<R>, kSchemaVersion);
}

Status check_schemes(const Campaign& campaign, std::string_view name, std::span<const std::string_view> allowed) {
  for (const std::string& scheme : campaign.schemes) {
    const std::string_view base = split_cached_name(scheme).base;
    if (std::find(allowed.begin(), allowed.end(), base) != allowed.end()) continue;
    return usage_error(fmt::format("{}: unknown scheme", name), scheme, table::suggest(scheme, allowed));
  }
  return Done{};
}

/// A JSON number, true, false or null where `text` is one, else a string.
Json parse_word(std::string_view text) {
  auto value = Json::parse(text, nullptr, false);
  return value.is_discarded() || value.is_structured() ? Json(text) : value;
}

template <class T>
constexpr bool kIsList = false;
template <class T>
constexpr bool kIsList<std::vector<T>> = true;

/// The value of --set as the JSON that a file would hold: a list for list members, a number where a number is wanted
/// and the text is one, otherwise a string, which is then refused.
template <class T>
Json parse_assigned(std::string_view text, T Campaign::*) {
  constexpr bool kIsText = std::is_same_v<T, std::string> || std::is_same_v<T, std::vector<std::string>>;
  const auto parse = [](std::string_view word) { return kIsText ? Json(word) : parse_word(word); };
  if constexpr (!kIsList<T>) return parse(text);
  Json list = Json::array();
  for (std::size_t begin = 0; begin <= text.size() && !text.empty();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    list.push_back(parse(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return list;
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
                     table::suggest(name_or_path, known) + "; or give a path that ends in .json");
}

}  // namespace

Result<ModelProfile> parse_model(std::string_view text, std::string_view name) {
  auto model = parse_profile<ModelProfile>(text, name);
  if (!model) return model;
  const ModelProfile& shape = model.value();
  if (shape.heads % shape.kv_heads != 0) {
    return usage_error(fmt::format("{}: `heads` is not a multiple of `kv_heads`", name),
                       fmt::format("{} and {}", shape.heads, shape.kv_heads),
                       "each key head serves the same number of query heads");
  }
  if (shape.rope_scaling && shape.rope_scaling->high_freq_factor <= shape.rope_scaling->low_freq_factor) {
    return usage_error(
        fmt::format("{}: `rope_scaling.high_freq_factor` is not above `low_freq_factor`", name),
        fmt::format("{} and {}", shape.rope_scaling->high_freq_factor, shape.rope_scaling->low_freq_factor),
        "raise the one or lower the other");
  }
  return model;
}

namespace {

/// Weights are one model's; losses need them, and one text.
Status check_weights(const Campaign& campaign, std::string_view name) {
  if (campaign.weights && campaign.models.size() != 1) {
    return usage_error(fmt::format("{}: `weights` are those of one model", name),
                       fmt::format("{} models", campaign.models.size()), "name the one with --set models=NAME");
  }
  const auto& text = campaign.text ? campaign.text : campaign.token_ids;
  if (text && !campaign.weights)
    return usage_error(fmt::format("{}: a loss needs a model's `weights`", name), *text, "give --weights too");
  if (campaign.text && campaign.token_ids)
    return usage_error(fmt::format("{}: `text` and `token_ids` exclude each other", name), *text, "give one of them");
  return Done{};
}

}  // namespace

namespace {

/// Keys that would be labels without a cost, for projections have neither caches nor prompts.
Status check_projections(const Campaign& campaign, std::string_view name) {
  const auto context = std::find_if(campaign.context_tokens.begin(), campaign.context_tokens.end(),
                                    [](std::int64_t tokens) { return tokens != 0; });
  if (context != campaign.context_tokens.end()) {
    return usage_error(
        fmt::format("{}: projections read no cache, so `context_tokens` would be a label without a cost", name),
        std::to_string(*context), "give 0, or `workload` decoder");
  }
  if (!campaign.prompt_tokens.empty()) {
    return usage_error(fmt::format("{}: projections have no prompt", name),
                       std::to_string(campaign.prompt_tokens.front()),
                       "leave `prompt_tokens` out, or give `workload` decoder");
  }
  for (const std::string& scheme : schemes_with_anchor(campaign)) {
    if (split_cached_name(scheme).cache == CacheFormat::kF16) continue;
    return usage_error(
        fmt::format("{}: projections read no cache, so its format would be a label without a cost", name), scheme,
        "leave out `kv` and such schemes, or give `workload` decoder");
  }
  return Done{};
}

}  // namespace

Status check_campaign(const Campaign& campaign, std::string_view name) {
  if (campaign.min_trials > campaign.max_trials) {
    return usage_error(fmt::format("{}: `min_trials` is above `max_trials`", name),
                       fmt::format("{} > {}", campaign.min_trials, campaign.max_trials),
                       "lower the one or raise the other");
  }
  if (campaign.workload == Workload::kProjections) {
    if (const Status status = check_projections(campaign, name); !status) return status.error();
  } else if (campaign.layers_limit) {
    return usage_error(fmt::format("{}: `layers_limit` cuts a decoder, whose head is no layer", name),
                       std::to_string(*campaign.layers_limit), "give null, or `workload` projections");
  }
  if (const Status status = check_weights(campaign, name); !status) return status.error();
  // Lists are short (see kLongestList): the product fits.
  const std::uint64_t chains = campaign.hops.size() * campaign.tokens_per_hop.size() * campaign.context_tokens.size() +
                               campaign.prompt_tokens.size();
  const std::uint64_t cells = campaign.models.size() * campaign.batch.size() * chains;
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

std::string to_json(const Campaign& campaign) {
  return table::dump_line(table::encode_file(campaign, kSchemaName<Campaign>, kSchemaVersion).value());
}

std::string to_json(const ModelProfile& model) {
  return table::dump_file(table::encode_file(model, kSchemaName<ModelProfile>, kSchemaVersion).value());
}

Result<TuningProfile> parse_tuning(std::string_view text, std::string_view name) {
  return parse_profile<TuningProfile>(text, name);
}

std::string to_json(const TuningProfile& tuning) {
  return table::dump_file(table::encode_file(tuning, kSchemaName<TuningProfile>, kSchemaVersion).value());
}

Status apply_override(Campaign& campaign, std::string_view assignment, std::span<const std::string_view> schemes) {
  if (!is_utf8(assignment)) return usage_error("--set is not UTF-8", "", "give UTF-8 text");
  const auto split = split_assignment(assignment);
  if (!split) return usage_error("--set needs KEY=VALUE", std::string(assignment), "write it like --set batch=1,8");
  const std::string_view name = split->key;
  for (const table::Field<Campaign>& field : table::fields<Campaign>()) {
    if (field.key.name != name) continue;
    Campaign changed = campaign;
    table::Problem problem;
    const table::Spot spot{field.key, std::string(name), "--set: ", table::Manner::kStrict, problem};
    std::visit([&](auto member) { table::decode(parse_assigned(split->value, member), spot, changed.*member); },
               field.member);
    if (problem.found()) return problem.error();
    if (Status status = check_schemes(changed, "--set", schemes); !status) return status;
    campaign = std::move(changed);
    return Done{};
  }
  return usage_error("--set: unknown key", std::string(name), table::suggest(name, table::key_names<Campaign>()));
}

}  // namespace qtrap::profile
