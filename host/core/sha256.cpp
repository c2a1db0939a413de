#include "core/sha256.hpp"

#include <fmt/format.h>
#include <nettle/sha2.h>

#include <array>
#include <cstdint>

namespace qtrap {

std::string compute_sha256(std::string_view bytes) { return compute_sha256({&bytes, 1}); }

std::string compute_sha256(std::span<const std::string_view> parts) {
  sha256_ctx context{};
  nettle_sha256_init(&context);
  for (const std::string_view part : parts) {
    if (!part.empty()) nettle_sha256_update(&context, part.size(), reinterpret_cast<const std::uint8_t*>(part.data()));
  }
  std::array<std::uint8_t, SHA256_DIGEST_SIZE> digest{};
  nettle_sha256_digest(&context, digest.size(), digest.data());
  std::string text;
  for (const std::uint8_t byte : digest) text += fmt::format("{:02x}", byte);
  return text;
}

}  // namespace qtrap
