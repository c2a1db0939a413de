#include "weights/gguf.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>

#include "core/text.hpp"
#include "table/codec.hpp"
#include "weights/cursor.hpp"
#include "weights/layout.hpp"

namespace qtrap::weights {
namespace {

constexpr std::string_view kMagic = "GGUF";
constexpr std::uint32_t kOldest = 2;
constexpr std::uint32_t kNewest = 3;
// Fewest bytes of a key with its value, and of a tensor's description: what a count can be held against.
constexpr std::uint64_t kSmallestPair = 8 + 1 + 4 + 1;
constexpr std::uint64_t kSmallestTensor = 8 + 1 + 4 + 8 + 4 + 8;
constexpr std::uint32_t kMostDimensions = 4;
constexpr std::uint64_t kDefaultAlignment = 32;
constexpr std::uint64_t kLargestAlignment = 1U << 20U;
constexpr const char* kDamaged = "the file is damaged: copy or download it again";

template <class T, class As>
bool read_number(Cursor& cursor, MetadataValue& out) {
  T value{};
  if (!cursor.read(value)) return false;
  out = static_cast<As>(value);
  return true;
}

bool read_text(Cursor& cursor, MetadataValue& out) {
  std::string_view text;
  if (!cursor.read_text(text)) return false;
  out = std::string(text);
  return true;
}

struct ElementInfo {
  std::uint64_t bytes;  ///< 0: each has its own length
  bool (*read)(Cursor& cursor, MetadataValue& out);
};

/// In the order of ElementType, which is that of the file's numbers.
constexpr std::array kElements{
    ElementInfo{1, read_number<std::uint8_t, std::uint64_t>},
    ElementInfo{1, read_number<std::int8_t, std::int64_t>},
    ElementInfo{2, read_number<std::uint16_t, std::uint64_t>},
    ElementInfo{2, read_number<std::int16_t, std::int64_t>},
    ElementInfo{4, read_number<std::uint32_t, std::uint64_t>},
    ElementInfo{4, read_number<std::int32_t, std::int64_t>},
    ElementInfo{4, read_number<float, double>},
    ElementInfo{1, read_number<std::uint8_t, bool>},
    ElementInfo{0, read_text},
    ElementInfo{0, nullptr},
    ElementInfo{8, read_number<std::uint64_t, std::uint64_t>},
    ElementInfo{8, read_number<std::int64_t, std::int64_t>},
    ElementInfo{8, read_number<double, double>},
};

const ElementInfo& info(ElementType type) { return kElements.at(static_cast<std::size_t>(type)); }

class Reader {
 public:
  Reader(std::string_view bytes, std::string_view name) : bytes_(bytes), name_(name), cursor_(bytes) {}

  Result<Contents> read() {
    const bool fine = read_head() && read_pairs() && read_tensors() && place_tensors();
    if (!fine) return problem_.error();
    return std::move(out_);
  }

 private:
  bool refuse(std::string_view what, std::string value, std::string fix) {
    problem_.add(usage_error(fmt::format("{}: {}", name_, what), std::move(value), std::move(fix)));
    return false;
  }
  bool refuse_end(std::string_view within) {
    return refuse(fmt::format("the file ends within {}", within), fmt::format("{} bytes", bytes_.size()),
                  "copy or download it again");
  }

  bool read_head() {
    std::string_view magic;
    if (!cursor_.read(magic, kMagic.size()) || !cursor_.read(out_.version)) return refuse_end("its head");
    const std::uint32_t swapped = __builtin_bswap32(out_.version);
    if (out_.version > kNewest && swapped >= 1 && swapped <= kNewest)
      return refuse("GGUF of a big-endian machine", fmt::format("version {}", swapped), "convert it again here");
    if (out_.version < kOldest || out_.version > kNewest)
      return refuse("unknown version of GGUF", std::to_string(out_.version), "convert the model again to version 3");
    if (!cursor_.read(tensors_) || !cursor_.read(pairs_)) return refuse_end("its head");
    if (tensors_ > cursor_.left() / kSmallestTensor)
      return refuse("more tensors than the file has bytes for", std::to_string(tensors_), kDamaged);
    if (pairs_ > cursor_.left() / kSmallestPair)
      return refuse("more keys than the file has bytes for", std::to_string(pairs_), kDamaged);
    return true;
  }

  bool read_key(std::string_view& key, std::string_view what) {
    if (!cursor_.read_text(key)) return refuse_end(what);
    if (key.empty() || key.size() > kLongestKey || !is_utf8(key))
      return refuse(fmt::format("{} is empty, too long or not UTF-8", what), std::string(key), kDamaged);
    return true;
  }

  bool read_type(std::string_view key, ElementType& type) {
    std::uint32_t number = 0;
    if (!cursor_.read(number)) return refuse_end(fmt::format("the value of {}", key));
    if (number >= kElements.size())
      return refuse(fmt::format("the value of {} has an unknown type", key), std::to_string(number), kDamaged);
    type = static_cast<ElementType>(number);
    return true;
  }

  bool read_pairs() {
    for (std::uint64_t i = 0; i < pairs_; ++i) {
      std::string_view key;
      ElementType type{};
      MetadataValue value;
      if (!read_key(key, fmt::format("key {}", i)) || !read_type(key, type)) return false;
      if (type == ElementType::kArray) {
        if (!read_array(key, value)) return false;
      } else if (!info(type).read(cursor_, value)) {
        return refuse_end(fmt::format("the value of {}", key));
      }
      if (!out_.metadata.emplace(key, std::move(value)).second)
        return refuse("a key is given twice", std::string(key), "write the file again");
    }
    return true;
  }

  bool read_array(std::string_view key, MetadataValue& value) {
    MetadataArray array;
    if (!read_type(key, array.type)) return false;
    if (!cursor_.read(array.count)) return refuse_end(fmt::format("the list {}", key));
    const std::uint64_t size = info(array.type).bytes;
    if (array.type == ElementType::kArray)
      return refuse(fmt::format("{} is a list of lists", key), std::to_string(array.count), "no model needs one");
    if (array.count > cursor_.left() / (size > 0 ? size : sizeof(std::uint64_t)))
      return refuse(fmt::format("{} has more entries than the file has bytes for", key), std::to_string(array.count),
                    kDamaged);
    const std::uint64_t begin = cursor_.place();
    std::string_view part;
    if (size > 0) {
      if (!cursor_.read(part, array.count * size)) return refuse_end(fmt::format("the list {}", key));
    } else {
      for (std::uint64_t i = 0; i < array.count; ++i) {
        if (!cursor_.read_text(part)) return refuse_end(fmt::format("entry {} of {}", i, key));
      }
    }
    array.bytes = bytes_.substr(begin, cursor_.place() - begin);
    value = array;
    return true;
  }

  bool read_tensors() {
    if (tensors_ > cursor_.left() / kSmallestTensor)
      return refuse("more tensors than the file has bytes for", std::to_string(tensors_), kDamaged);
    out_.tensors.reserve(tensors_);
    for (std::uint64_t i = 0; i < tensors_; ++i) {
      Tensor tensor;
      std::string_view name;
      if (!read_key(name, fmt::format("the name of tensor {}", i))) return false;
      tensor.name = name;
      if (!read_shape(tensor) || !read_place(tensor)) return false;
      out_.tensors.push_back(std::move(tensor));
    }
    return true;
  }

  bool read_shape(Tensor& tensor) {
    std::uint32_t dimensions = 0;
    if (!cursor_.read(dimensions)) return refuse_end(fmt::format("tensor {}", tensor.name));
    if (dimensions == 0 || dimensions > kMostDimensions)
      return refuse(fmt::format("tensor {} has no possible number of dimensions", tensor.name),
                    std::to_string(dimensions), fmt::format("1 to {} are", kMostDimensions));
    tensor.shape.resize(dimensions);
    for (std::uint64_t& dimension : tensor.shape) {
      if (!cursor_.read(dimension)) return refuse_end(fmt::format("tensor {}", tensor.name));
    }
    std::reverse(tensor.shape.begin(), tensor.shape.end());
    return true;
  }

  bool read_place(Tensor& tensor) {
    std::uint32_t type = 0;
    if (!cursor_.read(type) || !cursor_.read(tensor.offset)) return refuse_end(fmt::format("tensor {}", tensor.name));
    tensor.type = find_type(Container::kGguf, type);
    if (tensor.type == nullptr)
      return refuse(fmt::format("tensor {} has an unknown type", tensor.name), std::to_string(type),
                    fmt::format("known are {}", list_types(Container::kGguf, false)));
    if (const Status status = measure(tensor, name_); !status) {
      problem_.add(status.error());
      return false;
    }
    return true;
  }

  bool read_alignment(std::uint64_t& alignment) {
    const auto found = out_.metadata.find("general.alignment");
    if (found == out_.metadata.end()) return true;
    const auto* given = std::get_if<std::uint64_t>(&found->second);
    if (given == nullptr || !std::has_single_bit(*given) || *given > kLargestAlignment)
      return refuse("general.alignment is no power of two", given != nullptr ? std::to_string(*given) : "no count",
                    kDamaged);
    alignment = *given;
    return true;
  }

  /// From places within the data to places within the file.
  bool place_tensors() {
    std::uint64_t alignment = kDefaultAlignment;
    if (!read_alignment(alignment)) return false;
    const std::uint64_t start = (cursor_.place() + alignment - 1) / alignment * alignment;
    if (!out_.tensors.empty() && start > bytes_.size()) return refuse_end("the gap before its data");
    const std::uint64_t data = bytes_.size() - std::min<std::uint64_t>(start, bytes_.size());
    for (Tensor& tensor : out_.tensors) {
      if (tensor.offset % alignment != 0)
        return refuse(fmt::format("tensor {} is not aligned", tensor.name), fmt::format("byte {}", tensor.offset),
                      fmt::format("it must begin at a multiple of {}", alignment));
      if (tensor.offset > data || tensor.bytes > data - tensor.offset)
        return refuse(fmt::format("tensor {} lies beyond the end of the file", tensor.name),
                      fmt::format("bytes {} + {} of {}", tensor.offset, tensor.bytes, data),
                      "the file is cut off or damaged: copy or download it again");
      tensor.offset += start;
    }
    std::vector<const Tensor*> order;
    if (const Status status = check_tensors(out_.tensors, name_, order); !status) {
      problem_.add(status.error());
      return false;
    }
    return true;
  }

  std::string_view bytes_;
  std::string_view name_;
  Cursor cursor_;
  std::uint64_t tensors_ = 0;
  std::uint64_t pairs_ = 0;
  Contents out_;
  table::Problem problem_;
};

/// Every element of an array as a number of this kind; none where they are of another.
template <class As>
std::vector<As> list_numbers(const MetadataArray& array, std::initializer_list<ElementType> types) {
  std::vector<As> numbers;
  if (std::find(types.begin(), types.end(), array.type) == types.end()) return numbers;
  Cursor cursor(array.bytes);
  numbers.reserve(array.count);
  MetadataValue value;
  while (numbers.size() < array.count && info(array.type).read(cursor, value)) {
    std::visit(
        [&numbers]<class T>(const T& one) {
          if constexpr (std::is_arithmetic_v<T>) numbers.push_back(static_cast<As>(one));
        },
        value);
  }
  return numbers;
}

}  // namespace

bool is_gguf(std::string_view bytes) { return bytes.starts_with(kMagic); }

Result<Contents> parse_gguf(std::string_view bytes, std::string_view name) { return Reader(bytes, name).read(); }

std::vector<std::string_view> list_texts(const MetadataArray& array) {
  std::vector<std::string_view> texts;
  if (array.type != ElementType::kText) return texts;
  Cursor cursor(array.bytes);
  texts.reserve(array.count);
  for (std::string_view text; texts.size() < array.count && cursor.read_text(text);) texts.push_back(text);
  return texts;
}

std::vector<std::int64_t> list_integers(const MetadataArray& array) {
  using enum ElementType;
  return list_numbers<std::int64_t>(array, {kU8, kI8, kU16, kI16, kU32, kI32, kBool, kU64, kI64});
}

std::vector<float> list_floats(const MetadataArray& array) { return list_numbers<float>(array, {ElementType::kF32}); }

}  // namespace qtrap::weights
