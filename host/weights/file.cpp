#include "weights/file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "core/contract.hpp"
#include "core/file.hpp"
#include "weights/gguf.hpp"
#include "weights/layout.hpp"
#include "weights/safetensors.hpp"

namespace qtrap::weights {
namespace {

constexpr std::size_t kLargestConfig = std::size_t{4} << 20U;
constexpr std::string_view kIndexName = "model.safetensors.index.json";
constexpr std::string_view kSingleName = "model.safetensors";
constexpr std::size_t kMostShards = 10000;

Result<Contents> parse(std::string_view bytes, const std::string& name) {
  if (is_gguf(bytes)) return parse_gguf(bytes, name);
  if (is_safetensors(bytes)) return parse_safetensors(bytes, name);
  if (bytes.starts_with("version https://git-lfs")) {
    return usage_error("file is a pointer of Git LFS, not the weights", name, "fetch the file itself: git lfs pull");
  }
  return usage_error("file is neither GGUF nor safetensors", name,
                     "give a .gguf, a .safetensors or a .safetensors.index.json");
}

Result<Source> open_source(const std::filesystem::path& path) {
  auto mapping = MappedFile::open(path);
  if (!mapping) return mapping.error();
  const auto shared = std::make_shared<const MappedFile>(std::move(mapping).value());
  return Source{path.string(), shared->bytes(), shared};
}

/// Reads config.json beside `path`, where there is one.
Status read_config(const std::filesystem::path& path, Contents& contents) {
  const std::filesystem::path config = path.parent_path() / "config.json";
  std::error_code ignored;
  if (!std::filesystem::exists(config, ignored)) return Done{};
  const auto text = read_file(config, kLargestConfig);
  if (!text) return text.error();
  return add_config(text.value(), config.string(), contents.metadata);
}

/// Adds the tensors of a shard, which are those that the index gives it.
Status add_shard(const std::filesystem::path& path, const std::map<std::string, std::string>& index,
                 std::vector<Source>& sources, Contents& out) {
  auto source = open_source(path);
  if (!source) return source.error();
  if (!is_safetensors(source.value().bytes))
    return usage_error("shard is not safetensors", path.string(), "copy or download it again");
  auto contents = parse_safetensors(source.value().bytes, path.string());
  if (!contents) return contents.error();
  for (Tensor& tensor : contents.value().tensors) {
    const auto found = index.find(tensor.name);
    if (found == index.end() || found->second != path.filename()) {
      return usage_error(fmt::format("{}: tensor {} is not the index's", path.string(), tensor.name),
                         found == index.end() ? "not listed" : found->second, "get index and shards of one model");
    }
    tensor.file = sources.size();
    out.tensors.push_back(std::move(tensor));
  }
  sources.push_back(std::move(source).value());
  return Done{};
}

Result<WeightsFile> open_shards(const std::filesystem::path& path) {
  const auto text = read_file(path, kLargestHead);
  if (!text) return text.error();
  const auto index = parse_index(text.value(), path.string());
  if (!index) return index.error();
  std::vector<std::string> shards;
  for (const auto& [tensor, shard] : index.value()) shards.push_back(shard);
  std::sort(shards.begin(), shards.end());
  shards.erase(std::unique(shards.begin(), shards.end()), shards.end());
  if (shards.size() > kMostShards)
    return usage_error(fmt::format("{}: too many shards", path.string()), std::to_string(shards.size()),
                       fmt::format("at most {} are read", kMostShards));
  std::vector<Source> sources;
  Contents contents;
  contents.container = Container::kSafetensors;
  for (const std::string& shard : shards) {
    if (const Status status = add_shard(path.parent_path() / shard, index.value(), sources, contents); !status)
      return status.error();
  }
  // Each shard holds no others than the index says and none twice, so that only the number can differ.
  if (contents.tensors.size() != index.value().size()) {
    std::unordered_set<std::string_view> there;
    for (const Tensor& tensor : contents.tensors) there.insert(tensor.name);
    for (const auto& [tensor, shard] : index.value()) {
      if (there.contains(tensor)) continue;
      return usage_error(fmt::format("{}: tensor {} is missing", path.string(), tensor), shard,
                         "get index and shards of one model");
    }
  }
  if (const Status status = read_config(path, contents); !status) return status.error();
  return WeightsFile(std::move(sources), std::move(contents));
}

/// The file of a folder that holds a model.
Result<std::filesystem::path> find_in_folder(const std::filesystem::path& folder) {
  std::error_code ignored;
  for (const std::string_view name : {kIndexName, kSingleName}) {
    if (std::filesystem::exists(folder / name, ignored)) return folder / name;
  }
  return usage_error("folder holds no weights", folder.string(),
                     fmt::format("{} or {} must lie in it; or give the file", kSingleName, kIndexName));
}

}  // namespace

WeightsFile::WeightsFile(std::vector<Source> sources, Contents contents)
    : sources_(std::move(sources)), contents_(std::move(contents)) {
  expects(!sources_.empty(), "weights lie in a file");
  for (std::size_t i = 0; i < contents_.tensors.size(); ++i) {
    const Tensor& tensor = contents_.tensors[i];
    expects(tensor.file < sources_.size(), "a tensor's file is there");
    expects(tensor.bytes <= sources_[tensor.file].bytes.size() &&
                tensor.offset <= sources_[tensor.file].bytes.size() - tensor.bytes,
            "a tensor lies in its file");
    expects(by_name_.emplace(tensor.name, i).second, "tensors have names of their own");
  }
}

const Tensor* WeightsFile::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &contents_.tensors[found->second];
}

const MetadataValue* WeightsFile::find_metadata(std::string_view key) const {
  const auto found = contents_.metadata.find(key);
  return found == contents_.metadata.end() ? nullptr : &found->second;
}

std::string_view WeightsFile::bytes(const Tensor& tensor) const {
  return sources_.at(tensor.file).bytes.substr(tensor.offset, tensor.bytes);
}

void WeightsFile::forget(const Tensor& tensor) const {
  const Source& source = sources_.at(tensor.file);
  if (source.mapping) source.mapping->forget(bytes(tensor));
}

Result<WeightsFile> open_weights(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    const auto inside = find_in_folder(path);
    return inside ? open_weights(inside.value()) : inside.error();
  }
  if (path.extension() == ".json") return open_shards(path);
  auto source = open_source(path);
  if (!source) return source.error();
  auto contents = parse(source.value().bytes, path.string());
  if (!contents) return contents.error();
  if (contents.value().container == Container::kSafetensors) {
    if (const Status status = read_config(path, contents.value()); !status) return status.error();
  }
  return WeightsFile({std::move(source).value()}, std::move(contents).value());
}

Result<WeightsFile> parse_weights(std::string_view bytes, const std::string& name, std::string_view config) {
  auto contents = parse(bytes, name);
  if (!contents) return contents.error();
  if (!config.empty()) {
    if (const Status status = add_config(config, "config.json", contents.value().metadata); !status)
      return status.error();
  }
  return WeightsFile({Source{name, bytes, nullptr}}, std::move(contents).value());
}

}  // namespace qtrap::weights
