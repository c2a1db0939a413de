// JSON whose objects have very many keys, such as vocabularies: Json compares each key with all before it, here they
// are sorted. Refused is what parse_json_object() refuses.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "core/result.hpp"

namespace qtrap::table {

using SortedJson = nlohmann::json;

Result<SortedJson> parse_sorted_json_object(std::string_view text, std::string_view name);

/// quote_json().
std::string quote_sorted_json(const SortedJson& value);

}  // namespace qtrap::table
