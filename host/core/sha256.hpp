// SHA-256 by Nettle: identities of kernels, build options and campaigns in the results.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace qtrap {

/// 64 lower-case hexadecimal digits.
std::string compute_sha256(std::string_view bytes);
/// The same of parts after each other.
std::string compute_sha256(std::span<const std::string_view> parts);

}  // namespace qtrap
