// JSON text into a value and back, with worded refusals. Shows nlohmann-json: for sources of the layers that read and
// write files.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "core/result.hpp"

namespace qtrap::table {

using Json = nlohmann::ordered_json;

/// Parses JSON text. kUsage errors quote `name` and the place: not UTF-8, nested deeper than kDeepestJson, not JSON, a
/// key given twice in one object (nlohmann-json keeps the last in silence), a number out of range.
Result<Json> parse_json(std::string_view text, std::string_view name);

/// parse_json(); besides: not an object.
Result<Json> parse_json_object(std::string_view text, std::string_view name);

/// A value for a message: scalars and an empty list as they are, else "an object" or "a list".
std::string quote_json(const Json& value);

/// JSON on one line, without "\n"; bytes that are not UTF-8 become U+FFFD.
std::string dump_line(const Json& value);

/// The same indented by two, "\n" at the end.
std::string dump_file(const Json& value);

/// Refuses a `schema_version` that is not MAJOR.MINOR or whose major number is newer than that of `written`, the
/// version that this program writes. To be called before the other keys are looked at: a newer major version may have
/// renamed them all. `prefix` is put before the message: "FILE: ".
Status check_version(const Json& object, std::string_view prefix, std::string_view written);

/// check_version(), and `schema` is there and is `wanted`; `name` of the file is quoted in errors.
Status check_header(const Json& object, std::string_view name, std::string_view wanted, std::string_view written);

}  // namespace qtrap::table
