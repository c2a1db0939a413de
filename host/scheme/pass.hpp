// Passes on a device: kernels with their arguments set, ready for a queue, each with its role and analytic costs.
// Activations are f16, row-major [token][column]; weights as host/format says.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "core/rotary_pairs.hpp"
#include "device/device.hpp"
#include "scheme/catalogue/kernel_table.hpp"
#include "scheme/catalogue/tuning.hpp"
#include "scheme/scheme.hpp"

namespace qtrap::scheme {

/// One launch with its role, name, bound buffers and costs.
struct Pass {
  Role role = Role::kOther;
  std::string kernel;            ///< KernelEntry::name(), e.g. "gemv_i8_f16_cpu"
  std::string_view matrix_unit;  ///< "none" or its name
  device::Launch launch;
  std::vector<device::BufferArg> buffers;  ///< every bound buffer, in argument order
  Costs costs;                             ///< launches is 1
  /// Bytes beyond `costs` that it reads for each position of the caches up to that of its last token.
  std::uint64_t bytes_per_position = 0;
};

/// Weights of one projection in one format. Unused buffers are empty.
struct Weights {
  WeightFormat format = format::kPlainFormat;
  ProjectionShape shape;
  std::array<device::Buffer, format::kPartCount> parts;

  device::Buffer& part(format::PartName name) { return parts.at(static_cast<std::size_t>(name)); }
  const device::Buffer& part(format::PartName name) const { return parts.at(static_cast<std::size_t>(name)); }
  const device::Buffer& codes() const { return part(format::PartName::kCodes); }
};
/// Buffers for weights in `format`, not yet written.
Result<Weights> allocate_weights(device::Device& device, WeightFormat format, ProjectionShape shape,
                                 std::uint32_t group_size);
/// What weights on a device hold.
format::HostWeights download_weights(device::Device& device, const Weights& weights, std::uint32_t group_size);
/// Writes what `host` holds into weights of the same format and shape.
void upload_weights(device::Device& device, const format::HostWeights& host, const Weights& weights);

struct PassOptions {
  std::string family;              ///< "reference", "cpu" or "gpu"; empty: info().kernel_family()
  std::uint32_t group_size = 128;  ///< 32, 64 or 128
  std::string variant = {};        ///< name of a Variant; empty: info().forced_variant, else the best that is probed
  TuningChoices tuning = {};       ///< what replaces the default tunables
  std::optional<std::uint64_t> stream_bytes =
      {};  ///< in place of Tuning::stream_bytes, so that `verify` sees both stores
};

/// New tokens of attention: `run` of each of `sequences`, whose caches hold `capacity` positions.
struct AttentionShape {
  std::uint64_t heads = 0, kv_heads = 0, head_dim = 0;
  std::uint64_t sequences = 0, run = 1, capacity = 0;
  std::uint64_t splits = 1;  ///< parts into which the positions of a token are split

  std::uint64_t tokens() const { return sequences * run; }
  std::uint64_t cache_heads() const { return capacity * sequences * kv_heads; }
  std::uint64_t cache_elements() const { return cache_heads() * head_dim; }
  std::uint64_t part_bytes() const { return 4 * tokens() * splits * heads * (head_dim + 2); }
};

/// Keys or values of one layer: elements [position][sequence][kv head][head_dim], and where the format has scales f32
/// [position][sequence][kv head].
struct CacheBuffers {
  device::Buffer elements, scales;
};
struct KvCache {
  CacheFormat format = CacheFormat::kF16;
  CacheBuffers keys, values;
};

/// Part of a row-major f16 tensor [token][column]: of each token the columns from `first` on, as many as the operation
/// says; a token begins `row` elements behind the one before.
struct Columns {
  const device::Buffer& buffer;
  std::uint64_t first = 0;
  std::uint64_t row = 0;
};
/// A tensor of this width.
inline Columns all_of(const device::Buffer& buffer, std::uint64_t width) { return {buffer, 0, width}; }
struct QueryKeyValue {
  Columns q, k, v;
};

/// Makes the passes that do not depend on a scheme. All return kRuntime errors of the kernel build. Widths and counts
/// are in elements.
class PassMaker {
 public:
  PassMaker(device::Device& device, PassOptions options);

  device::Device& device() const { return *device_; }
  const PassOptions& options() const { return options_; }

  /// out[i] = f16(sigma * n_i): n_i is near normal (sum of the four bytes of a Philox word, standardised), i in
  /// [0, count); the word is number i of the stream (seed, tensor). Equal bits on every device and on the host.
  Result<Pass> random_f16(const device::Buffer& out, std::uint64_t count, float sigma, std::uint64_t seed,
                          std::uint64_t tensor) const;
  /// The same numbers in f32, before the rounding to f16.
  Result<Pass> random_f32(const device::Buffer& out, std::uint64_t count, float sigma, std::uint64_t seed,
                          std::uint64_t tensor) const;
  /// Quantizes an f16 tensor (weights.shape) into the parts of `weights`, which are not f16.
  Result<Pass> quantize_weights(const device::Buffer& f16, const Weights& weights) const;
  /// out = f16(in) and out = f32(in), `count` elements; role cast.
  Result<Pass> cast_f32_f16(const device::Buffer& in, const device::Buffer& out, std::uint64_t count) const;
  Result<Pass> cast_f16_f32(const device::Buffer& in, const device::Buffer& out, std::uint64_t count) const;
  /// out[t][i] = x[t][i] / sqrt(mean_i x^2 + eps) * gamma[i]; f16 in and out, f32 inside. out may be x.
  Result<Pass> rms_norm(const device::Buffer& x, const device::Buffer& gamma, const device::Buffer& out,
                        std::uint64_t width, std::uint64_t tokens, float eps) const;
  /// The same of each of `heads` heads of `width` in the columns of x, in place.
  Result<Pass> rms_norm_heads(const Columns& x, const device::Buffer& gamma, std::uint64_t width, std::uint64_t heads,
                              std::uint64_t tokens, float eps) const;
  /// x[t][i] += bias[i]; x is read_write.
  Result<Pass> add_bias(const device::Buffer& x, const device::Buffer& bias, std::uint64_t width,
                        std::uint64_t tokens) const;
  /// int8 codes [rows][columns] of f16 rows, each with an f32 scale: as activations, and caches of int8.
  Result<Pass> quantize_rows(const device::Buffer& x, const CacheBuffers& out, std::uint64_t rows,
                             std::uint64_t columns) const;
  /// out[t][i] = silu(gate[t][i]) * up[t][i]; rows of gate and up are as long.
  Result<Pass> swiglu(const Columns& gate, const Columns& up, const device::Buffer& out, std::uint64_t width,
                      std::uint64_t tokens) const;
  /// x[i] += y[i], `count` elements; x is read_write.
  Result<Pass> residual_add(const device::Buffer& x, const device::Buffer& y, std::uint64_t count) const;
  /// Grouped-query expansion: out[t][h][d] = v[t][h / (heads / kv_heads)][d].
  Result<Pass> expand_heads(const Columns& v, const device::Buffer& out, std::uint64_t heads, std::uint64_t kv_heads,
                            std::uint64_t head_dim, std::uint64_t tokens) const;
  /// Rotates q [token][head][head_dim] into `turned`, which may be its tensor, and k [token][kv head][head_dim] into
  /// the cache, brings v into it; rows of k and v are as long; tokens of a sequence follow each other. position: u32,
  /// how many positions of the caches are filled before. angles: f32 (cos, sin) [capacity][head_dim / 2].
  Result<Pass> rotate_store(const QueryKeyValue& in, const device::Buffer& turned, const device::Buffer& angles,
                            const device::Buffer& position, const KvCache& cache, const AttentionShape& shape,
                            RotaryPairs pairs) const;
  /// Parts of softmax(q k / sqrt(head_dim)) v over the positions that each token sees (attend_reference.cl).
  Result<Pass> attend(const device::Buffer& q, const KvCache& cache, const device::Buffer& position,
                      const device::Buffer& parts, const AttentionShape& shape) const;
  /// out [token][head][head_dim] of the parts.
  Result<Pass> combine_heads(const device::Buffer& parts, const device::Buffer& out, const AttentionShape& shape) const;
  /// out [tokens][width] = rows ids[t] of the table [vocab][width]; ids: u32, each below vocab.
  Result<Pass> embed(const device::Buffer& table, const device::Buffer& ids, const device::Buffer& out,
                     std::uint64_t vocab, std::uint64_t width, std::uint64_t tokens) const;
  /// ids[t] = the likeliest of the logits [tokens][vocab]; position, u32, grows by `run`.
  Result<Pass> choose(const device::Buffer& logits, const device::Buffer& ids, const device::Buffer& position,
                      std::uint64_t vocab, std::uint64_t tokens, std::uint64_t run) const;

 private:
  struct Operand {
    const device::Buffer& buffer;
    device::Access access;
    std::uint64_t bytes;
  };
  /// Elements and scales of keys, then of values.
  static void add_caches(const KvCache& cache, const AttentionShape& shape, device::Access access,
                         std::vector<Operand>& operands);
  /// Columns of so many tokens, whose buffer is bound whole.
  static Operand bind(const Columns& columns, std::uint64_t tokens, device::Access access) {
    return {columns.buffer, access, 2 * columns.row * tokens};
  }
  /// Takes what lies beside `width` columns of a bound operand out of a pass's costs.
  void leave_out_beside(Result<Pass>& pass, std::size_t operand, const Columns& columns, std::uint64_t width,
                        std::uint64_t tokens) const;
  Result<Pass> make(const OperationId& operation, const std::vector<Operand>& operands,
                    std::vector<device::Argument> scalars, const Extent& extent) const;

  device::Device* device_;
  PassOptions options_;
};

/// Brings an f16 tensor on the device (weights.shape) into `weights` and waits: by quantize_weights where its format
/// has kernels for that, else on the host.
Status fill_weights(const PassMaker& maker, const device::Buffer& f16, const Weights& weights);

/// The factor of the integer byte sums in random_f16 and random_f32: f32(sigma / sqrt(21845)).
float random_unit(float sigma);

/// Makes the passes of one scheme for a fixed number of tokens in lockstep. Owns the scheme's workspace (scratch for
/// dequantized weights, activation codes and scales, accumulators), sized for the largest of `shapes` and reused by
/// all projections: the passes must run in order on one queue.
class SchemePasses {
 public:
  /// kRuntime error when the workspace does not fit.
  static Result<SchemePasses> make(const PassMaker& maker, const SchemeInfo& scheme, std::uint64_t tokens,
                                   const std::vector<ProjectionShape>& shapes);

  /// Passes run once per distinct projection input x [tokens][columns]: quantize or cast. Empty for schemes without.
  Result<std::vector<Pass>> input_passes(const device::Buffer& x, std::uint64_t columns) const;
  /// Passes of y = W x after input_passes(x): y is [tokens][rows].
  Result<std::vector<Pass>> projection_passes(const Weights& weights, const device::Buffer& x,
                                              const device::Buffer& y) const;
  /// Most bytes that make() would allocate with these kernels; products of bytes (`byte_products`) take fewer than the
  /// family without them.
  static std::uint64_t compute_workspace_bytes(const SchemeInfo& scheme, const KernelSet& kernels,
                                               std::uint32_t group_size, std::uint64_t tokens,
                                               const std::vector<ProjectionShape>& shapes);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// What a bound buffer holds; the first six belong to the caller, the others to the workspace of SchemePasses. Those of
/// outliers: the mask of f16 bits by column (0xFFFF, outliers 0), the listed columns in ascending order (unused places:
/// the number of columns), how many are listed and how many found no place, and their activations, weights and
/// products.
enum class Slot {
  kInput,
  kOutput,
  kCodes,
  kScales,
  kZeros,
  kSubscales,
  kPlainWeights,
  kActivations,
  kTokenScales,
  kGroupScales,
  kGroupSums,
  kAccumulators,
  kInlierMask,
  kOutlierColumns,
  kOutlierCounts,
  kOutlierInput,
  kOutlierActivations,
  kOutlierWeights,
  kOutlierProducts
};
inline constexpr std::size_t kSlotCount = 19;
/// The slot of a part of the weights.
Slot slot_of(format::PartName part);
bool holds_weights(Slot slot);

/// One buffer argument: what it holds, how it is used, and how many bytes of it are bound.
struct Binding {
  Slot slot;
  device::Access access;
  std::uint64_t bytes = 0;
  /// Those that count, where the pass picks places out of the buffer; none: all.
  std::optional<std::uint64_t> gathered_bytes = {};
};

/// Passes that SchemePasses makes, without a device: the single source of the arguments, sizes and analytic costs that
/// Pass carries. `costs.bytes` is the sum over `bindings`.
/// dequantized_weights of "dequantize_i32_f16" (w8a8) counts the results it scales, rows x tokens.
struct PassRow {
  OperationId operation;
  Costs costs;
  std::vector<Binding> bindings;       ///< in argument order
  std::vector<std::uint32_t> scalars;  ///< the arguments after the buffers
  Extent extent;
};
/// Passes once per distinct input x [tokens][columns].
std::vector<PassRow> input_pass_table(const SchemeInfo& scheme, const KernelSet& kernels, std::uint32_t group_size,
                                      std::uint64_t tokens, std::uint64_t columns);
/// Passes of one projection.
std::vector<PassRow> projection_pass_table(const SchemeInfo& scheme, const KernelSet& kernels, std::uint32_t group_size,
                                           std::uint64_t tokens, ProjectionShape shape);

}  // namespace qtrap::scheme
