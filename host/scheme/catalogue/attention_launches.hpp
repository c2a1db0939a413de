// Work sizes and options of the kernels of attention; private to the table of kernels.
#pragma once

#include <fmt/format.h>

#include <string>

#include "scheme/catalogue/kernel_table.hpp"

namespace qtrap::scheme {

/// Items of kernels that take an element, or a pair of them, each.
inline device::WorkSize attention_elements(std::uint64_t elements, std::uint64_t tokens) {
  constexpr std::size_t kItems = 64;
  return {{(static_cast<std::size_t>(elements) + kItems - 1) / kItems * kItems, static_cast<std::size_t>(tokens), 1},
          {kItems, 1, 1}};
}
inline device::WorkSize rotated_pairs(const Tuning&, const Extent& e) {
  return attention_elements((e.rows + 2 * e.count) * e.columns / 2, e.tokens);
}
inline device::WorkSize rotated_heads(const Tuning&, const Extent& e) {
  return attention_elements(e.rows + 2 * e.count, e.tokens);
}
inline device::WorkSize rotated_head_groups(const Tuning&, const Extent& e) {
  constexpr std::size_t kItems = kNumbers.head_items;
  return {{static_cast<std::size_t>(e.rows + 2 * e.count) * kItems, static_cast<std::size_t>(e.tokens), 1},
          {kItems, 1, 1}};
}
inline device::WorkSize combined_elements(const Tuning&, const Extent& e) {
  return attention_elements(e.rows * e.columns, e.tokens);
}
inline device::WorkSize combined_heads(const Tuning&, const Extent& e) {
  return {{static_cast<std::size_t>(e.rows), static_cast<std::size_t>(e.tokens), 1}, {1, 1, 1}};
}
inline device::WorkSize attend_head(const Tuning&, const Extent& e) {
  return {{static_cast<std::size_t>(e.rows), static_cast<std::size_t>(e.tokens), static_cast<std::size_t>(e.splits)},
          {1, 1, 1}};
}
inline device::WorkSize attend_token(const Tuning&, const Extent& e) {
  return {{static_cast<std::size_t>(e.tokens), static_cast<std::size_t>(e.splits), 1}, {1, 1, 1}};
}
inline device::WorkSize attend_kv_head(const Tuning& t, const Extent& e) {
  return {{static_cast<std::size_t>(e.count) * t.work_group, static_cast<std::size_t>(e.tokens),
           static_cast<std::size_t>(e.splits)},
          {t.work_group, 1, 1}};
}

inline std::string combine_options(const Tuning&, const Extent& e) { return fmt::format("-DHEAD_DIM={}", e.columns); }
inline std::string combine_cpu_options(const Tuning& t, const Extent& e) {
  return fmt::format("{} -DVECTOR_WIDTH={}", combine_options(t, e), t.vector_width);
}
inline std::string attend_options(const Tuning&, const Extent& e) {
  return fmt::format("-DHEAD_DIM={} -DREPEAT={}", e.columns, e.rows / e.count);
}
inline std::string attend_cpu_options(const Tuning& t, const Extent& e) {
  return fmt::format("{} -DVECTOR_WIDTH={}", attend_options(t, e), t.vector_width);
}
/// Caches of int8.
template <std::string (*of_caches)(const Tuning&, const Extent&)>
std::string of_i8_caches(const Tuning& t, const Extent& e) {
  return of_caches(t, e) + " -DCACHE_I8";
}
inline std::string attend_gpu_options(const Tuning& t, const Extent& e) {
  return fmt::format("{} -DWORK_GROUP={}", attend_options(t, e), t.work_group);
}

}  // namespace qtrap::scheme
