#include "core/sha256.hpp"

#include <fmt/format.h>
#include <nettle/sha2.h>

#include <array>
#include <cstdint>

namespace qtrap {

std::string compute_sha256(std::string_view bytes) {
  sha256_ctx context{};
  nettle_sha256_init(&context);
  const std::string copy(bytes);
  nettle_sha256_update(&context, copy.size(), reinterpret_cast<const std::uint8_t*>(copy.data()));
  std::array<std::uint8_t, SHA256_DIGEST_SIZE> digest{};
  nettle_sha256_digest(&context, digest.size(), digest.data());
  std::string text;
  for (const std::uint8_t byte : digest) text += fmt::format("{:02x}", byte);
  return text;
}

}  // namespace qtrap
