#include "fit/legacy_schemes.hpp"

#include <array>

namespace qtrap::fit {
namespace {

struct Row {
  const char* scheme;
  const char* weight_format;
  const char* mac_class;
};

constexpr std::array kRows{
    Row{"f16", "f16", "f16"},    Row{"w8a16-split", "int8", "f16"}, Row{"w8a16-fused", "int8", "w8a16"},
    Row{"w8a8", "int8", "int8"}, Row{"w4a16-split", "int4", "f16"}, Row{"w4a16-fused", "int4", "w4a16"},
    Row{"w4a8", "int4", "w4a8"},
};

}  // namespace

LegacyScheme find_legacy_scheme(const std::string& scheme) {
  for (const Row& row : kRows) {
    if (row.scheme == scheme) return {row.weight_format, row.mac_class};
  }
  return {"", scheme};
}

}  // namespace qtrap::fit
