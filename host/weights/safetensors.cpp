#include "weights/safetensors.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"
#include "table/codec.hpp"
#include "weights/cursor.hpp"
#include "weights/layout.hpp"

namespace qtrap::weights {
namespace {

using table::Json;

constexpr const char* kWrong = "write the file again with the safetensors library";

/// Reads the entries of the head.
class Reader {
 public:
  Reader(std::string_view bytes, std::string_view name) : bytes_(bytes), name_(name) {}

  Result<Contents> read() {
    out_.container = Container::kSafetensors;
    const bool fine = read_head() && check_places();
    if (!fine) return problem_.error();
    return std::move(out_);
  }

 private:
  bool refuse(std::string_view what, std::string value, std::string fix) {
    problem_.add(usage_error(fmt::format("{}: {}", name_, what), std::move(value), std::move(fix)));
    return false;
  }

  bool read_head() {
    Cursor cursor(bytes_);
    std::uint64_t size = 0;
    std::string_view head;
    if (!cursor.read(size))
      return refuse("the file ends within its head", fmt::format("{} bytes", bytes_.size()),
                    "copy or download it again");
    if (size > kLargestHead)
      return refuse("the head is too large", fmt::format("{} bytes", size),
                    fmt::format("at most {} are read", kLargestHead));
    if (!cursor.read(head, size))
      return refuse("the file ends within its head", fmt::format("{} bytes", bytes_.size()),
                    fmt::format("its head has {}: copy or download it again", size));
    data_ = cursor.place();
    const auto json = table::parse_json_object(head, fmt::format("the head of {}", name_));
    if (!json) {
      problem_.add(json.error());
      return false;
    }
    out_.tensors.reserve(json.value().size());
    for (const auto& [key, value] : json.value().items()) {
      if (!(key == "__metadata__" ? read_metadata(value) : read_tensor(key, value))) return false;
    }
    return true;
  }

  bool read_metadata(const Json& value) {
    if (!value.is_object()) return refuse("__metadata__ is no object", table::quote_json(value), kWrong);
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string())
        return refuse(fmt::format("{} of __metadata__ is no text", key), table::quote_json(text), kWrong);
      out_.metadata[key] = text.get<std::string>();
    }
    return true;
  }

  bool read_tensor(const std::string& name, const Json& value) {
    Tensor tensor;
    tensor.name = name;
    if (name.size() > kLongestKey)
      return refuse("a tensor's name is too long", name, fmt::format("at most {} bytes", kLongestKey));
    if (!value.is_object())
      return refuse(fmt::format("tensor {} has no description", name), table::quote_json(value), kWrong);
    for (const auto& [key, ignored] : value.items()) {
      if (key != "dtype" && key != "shape" && key != "data_offsets")
        return refuse(fmt::format("tensor {} has an unknown key", name), key, kWrong);
    }
    std::vector<std::uint64_t> places;
    if (!read_type(value, tensor) || !read_counts(value, "shape", name, tensor.shape) ||
        !read_counts(value, "data_offsets", name, places))
      return false;
    if (const Status status = measure(tensor, name_); !status) {
      problem_.add(status.error());
      return false;
    }
    return read_places(places, std::move(tensor));
  }

  bool read_type(const Json& value, Tensor& tensor) {
    const auto found = value.find("dtype");
    if (found == value.end() || !found->is_string())
      return refuse(fmt::format("tensor {} has no dtype", tensor.name), "", kWrong);
    const auto& dtype = found->get_ref<const std::string&>();
    tensor.type = find_type(Container::kSafetensors, dtype);
    if (tensor.type == nullptr)
      return refuse(fmt::format("tensor {} has an unknown dtype", tensor.name), dtype,
                    fmt::format("known are {}", list_types(Container::kSafetensors, false)));
    return true;
  }

  bool read_counts(const Json& value, const char* key, const std::string& tensor, std::vector<std::uint64_t>& counts) {
    const auto found = value.find(key);
    if (found == value.end() || !found->is_array())
      return refuse(fmt::format("tensor {} has no list {}", tensor, key), "", kWrong);
    for (const Json& count : *found) {
      if (!count.is_number_unsigned())
        return refuse(fmt::format("{} of tensor {} holds what is no count", key, tensor), table::quote_json(count),
                      kWrong);
      counts.push_back(count.get<std::uint64_t>());
    }
    return true;
  }

  bool read_places(const std::vector<std::uint64_t>& places, Tensor tensor) {
    const std::uint64_t data = bytes_.size() - data_;
    const std::string quoted = describe_shape(places);
    if (places.size() != 2 || places[0] > places[1])
      return refuse(fmt::format("data_offsets of tensor {} are no beginning and end", tensor.name), quoted, kWrong);
    if (places[1] > data)
      return refuse(fmt::format("tensor {} lies beyond the end of the file", tensor.name),
                    fmt::format("bytes {} of {}", quoted, data),
                    "the file is cut off or damaged: copy or download it again");
    if (places[1] - places[0] != tensor.bytes)
      return refuse(fmt::format("tensor {} has other bytes than its dtype and shape", tensor.name),
                    fmt::format("{} bytes", places[1] - places[0]),
                    fmt::format("{} of {} take {}", tensor.type->name, describe_shape(tensor.shape), tensor.bytes));
    tensor.offset = data_ + places[0];
    out_.tensors.push_back(std::move(tensor));
    return true;
  }

  /// Tensors fill the data without a gap, as the format asks: else bytes could hide between them.
  bool check_places() {
    std::vector<const Tensor*> order;
    if (const Status status = check_tensors(out_.tensors, name_, order); !status) {
      problem_.add(status.error());
      return false;
    }
    std::uint64_t end = data_;
    for (const Tensor* tensor : order) {
      if (tensor->offset != end)
        return refuse(fmt::format("there is a gap before tensor {}", tensor->name),
                      fmt::format("{} bytes", tensor->offset - end), kWrong);
      end += tensor->bytes;
    }
    if (end != bytes_.size())
      return refuse("bytes of no tensor follow the last one", fmt::format("{} bytes", bytes_.size() - end), kWrong);
    return true;
  }

  std::string_view bytes_;
  std::string_view name_;
  std::uint64_t data_ = 0;  ///< where the bytes of tensors begin
  Contents out_;
  table::Problem problem_;
};

/// A shard is a file beside the index, so that no file leads to another place, or to an index again.
bool is_shard(const Json& value) {
  return value.is_string() && is_file_name(value.get_ref<const std::string&>()) &&
         value.get_ref<const std::string&>().ends_with(".safetensors");
}

std::optional<MetadataValue> scalar_of(const Json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number_unsigned()) return value.get<std::uint64_t>();
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (value.is_number()) return value.get<double>();
  if (value.is_string()) return value.get<std::string>();
  return std::nullopt;
}

}  // namespace

bool is_safetensors(std::string_view bytes) { return bytes.size() > 8 && bytes[8] == '{'; }

Result<Contents> parse_safetensors(std::string_view bytes, std::string_view name) { return Reader(bytes, name).read(); }

Result<std::map<std::string, std::string>> parse_index(std::string_view text, std::string_view name) {
  const auto json = table::parse_json_object(text, name);
  if (!json) return json.error();
  const auto map = json.value().find("weight_map");
  if (map == json.value().end() || !map->is_object() || map->empty())
    return usage_error(fmt::format("{}: no `weight_map`", name), "", "give the index that lies beside the shards");
  std::map<std::string, std::string> shards;
  for (const auto& [tensor, shard] : map->items()) {
    if (!is_shard(shard)) {
      return usage_error(fmt::format("{}: the shard of {} is no file beside it", name, tensor),
                         table::quote_json(shard), "give a plain name that ends in .safetensors");
    }
    shards.emplace(tensor, shard.get<std::string>());
  }
  return shards;
}

Status add_config(std::string_view text, std::string_view name, Metadata& metadata) {
  const auto json = table::parse_json_object(text, name);
  if (!json) return json.error();
  const auto add = [&metadata](const std::string& key, const Json& value) {
    constexpr std::size_t kLongestConfigKey = 128;  // two of them for every value: memory stays with the text's size
    auto scalar = scalar_of(value);
    if (scalar && key.size() <= kLongestConfigKey) metadata["config." + key] = *std::move(scalar);
  };
  for (const auto& [key, value] : json.value().items()) {
    add(key, value);
    if (value.is_object()) {
      for (const auto& [inner, one] : value.items()) add(fmt::format("{}.{}", key, inner), one);
    }
    if (key == "architectures" && value.is_array() && !value.empty()) add(key, value.front());
  }
  return Done{};
}

}  // namespace qtrap::weights
