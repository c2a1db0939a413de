// JSON text into a value, with worded refusals. Shows nlohmann-json: for the sources of this layer and of
// import, whose maps and tables are JSON too.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "core/result.hpp"

namespace qtrap::profile {

using Json = nlohmann::ordered_json;

/// Parses an object. kUsage errors quote `name` and the place: not UTF-8, nested deeper than kDeepestJson, not JSON,
/// not an object, a key given twice in one object (nlohmann-json keeps the last in silence), a number out of range.
Result<Json> parse_json_object(std::string_view text, std::string_view name);

/// A value for a message: scalars and an empty list as they are, else "an object" or "a list".
std::string quote(const Json& value);

}  // namespace qtrap::profile
