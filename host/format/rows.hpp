// The rows of the table, each in the file of its format.
#pragma once

#include "format/format.hpp"

namespace qtrap::format {

extern const FormatInfo kF16Row;
extern const FormatInfo kInt8Row;
extern const FormatInfo kInt4Row;
extern const FormatInfo kQ8_0Row;
extern const FormatInfo kQ4_0Row;
extern const FormatInfo kQ4_1Row;
extern const FormatInfo kQ4_KRow;
extern const FormatInfo kQ6_KRow;
extern const FormatInfo kNf4Row;
extern const FormatInfo kMxfp4Row;
extern const FormatInfo kNvfp4Row;
extern const FormatInfo kFp8Row;
extern const FormatInfo kInt3Row;
extern const FormatInfo kInt2Row;

}  // namespace qtrap::format
