// SHA-256 by Nettle: identities of kernels, build options and campaigns in the results.
#pragma once

#include <string>
#include <string_view>

namespace qtrap {

/// 64 lower-case hexadecimal digits.
std::string compute_sha256(std::string_view bytes);

}  // namespace qtrap
