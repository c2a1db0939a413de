// Weights as they lie in files, whatever the container: tensors with their places, and the metadata. Everything that a
// file says of itself is checked when it is opened: counts, lengths, types, shapes, bounds and overlaps; numbers of
// tensors are looked at when they are read (values.hpp).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "core/result.hpp"
#include "weights/mapped_file.hpp"
#include "weights/type.hpp"

namespace qtrap::weights {

struct Tensor {
  std::string name;
  const TypeInfo* type = nullptr;
  std::vector<std::uint64_t> shape;  ///< as row-major arrays have it, the dimension whose elements are adjacent last
  std::uint64_t elements = 0;
  std::uint64_t bytes = 0;
  std::uint64_t offset = 0;  ///< of its first byte, from the start of its file
  std::size_t file = 0;      ///< which of the files

  std::uint64_t columns() const { return shape.empty() ? 1 : shape.back(); }
  std::uint64_t rows() const { return columns() == 0 ? 0 : elements / columns(); }
};

/// What the elements of an array of metadata are.
enum class ElementType { kU8, kI8, kU16, kI16, kU32, kI32, kF32, kBool, kText, kArray, kU64, kI64, kF64 };

/// A long list of metadata where it lies in the file, such as a vocabulary.
struct MetadataArray {
  ElementType type = ElementType::kU8;
  std::uint64_t count = 0;
  std::string_view bytes;  ///< as long as the file is open
  bool operator==(const MetadataArray&) const = default;
};

using MetadataValue = std::variant<bool, std::uint64_t, std::int64_t, double, std::string, MetadataArray>;
/// Keys of GGUF; of safetensors those of `__metadata__`, and those of config.json, "config." before them, an object
/// within it as "config.rope_scaling.factor".
using Metadata = std::map<std::string, MetadataValue, std::less<>>;

/// The texts of an array of metadata, in order; they lie in the file. None where the array holds others.
std::vector<std::string_view> list_texts(const MetadataArray& array);
/// Its integers or booleans. None where the array holds others.
std::vector<std::int64_t> list_integers(const MetadataArray& array);
/// Its f32. None where the array holds others.
std::vector<float> list_floats(const MetadataArray& array);

/// What one file holds.
struct Contents {
  Container container = Container::kGguf;
  std::uint32_t version = 0;  ///< of GGUF; 0 of safetensors
  std::vector<Tensor> tensors;
  Metadata metadata;
};

/// One file of weights; its bytes are mapped, or somebody else's.
struct Source {
  std::string name;
  std::string_view bytes;
  std::shared_ptr<const MappedFile> mapping;  ///< none: `bytes` are the caller's and outlive this
};

class WeightsFile {
 public:
  /// `contents.tensors` name their files by index; no two have one name.
  WeightsFile(std::vector<Source> sources, Contents contents);
  WeightsFile(WeightsFile&&) = default;
  WeightsFile& operator=(WeightsFile&&) = default;
  WeightsFile(const WeightsFile&) = delete;  // names are looked up where they lie
  WeightsFile& operator=(const WeightsFile&) = delete;
  ~WeightsFile() = default;

  const std::string& name() const { return sources_.front().name; }
  Container container() const { return contents_.container; }
  std::uint32_t version() const { return contents_.version; }
  const std::vector<Source>& sources() const { return sources_; }
  const std::vector<Tensor>& tensors() const { return contents_.tensors; }
  const Metadata& metadata() const { return contents_.metadata; }

  /// None where no tensor has that name.
  const Tensor* find(std::string_view name) const;
  const MetadataValue* find_metadata(std::string_view key) const;

  /// The bytes of a tensor of this file.
  std::string_view bytes(const Tensor& tensor) const;
  /// Lets go of the memory that reading a tensor took; it may be read again.
  void forget(const Tensor& tensor) const;

 private:
  std::vector<Source> sources_;
  Contents contents_;
  std::unordered_map<std::string_view, std::size_t> by_name_;
};

/// Opens a GGUF file, a safetensors file, an index of such (`model.safetensors.index.json`), or a folder that holds one
/// of the last two. config.json beside safetensors is read into the metadata where there is one. Errors are kUsage, one
/// line: those of parse_weights(), of MappedFile::open(), and an index whose shards are missing, lie elsewhere, or hold
/// other tensors than it says.
Result<WeightsFile> open_weights(const std::filesystem::path& path);

/// The same of the bytes of one file, GGUF or safetensors, and the text of config.json ("": none). Errors: neither of
/// the two, or whatever breaks the rules of its container, with the name of the tensor or key and the value.
Result<WeightsFile> parse_weights(std::string_view bytes, const std::string& name, std::string_view config);

}  // namespace qtrap::weights
