// JSON text into a value, with worded refusals. Private to this layer, as is nlohmann-json.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "core/result.hpp"

namespace qtrap::importer {

using Json = nlohmann::ordered_json;

/// Parses an object. kUsage errors quote `name` and the place: not UTF-8, nested deeper than kDeepestJson, not JSON,
/// not an object, a key given twice in one object (nlohmann-json keeps the last in silence), a number out of range.
Result<Json> parse_json_object(std::string_view text, std::string_view name);

/// A value for a message: scalars as they are, else "an object" or "a list".
std::string quote(const Json& value);

}  // namespace qtrap::importer
