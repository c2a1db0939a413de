// The rows of the table, each in the file of its format.
#pragma once

#include "format/format.hpp"

namespace qtrap::format {

extern const FormatInfo kF16Row;
extern const FormatInfo kInt8Row;
extern const FormatInfo kInt4Row;
extern const FormatInfo kQ8_0Row;
extern const FormatInfo kQ4_0Row;

}  // namespace qtrap::format
