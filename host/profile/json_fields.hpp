// JSON values into members and back, with worded refusals. Private to this layer: the only header that shows
// nlohmann-json.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "core/result.hpp"
#include "profile/keys.hpp"

namespace qtrap::profile {

using Json = nlohmann::ordered_json;

/// Parses the text of a JSON object. kUsage errors: not UTF-8, more than kDeepestJson levels, not JSON (with the
/// position), not an object, a key given twice.
Result<Json> parse_object(std::string_view text, std::string_view name);

/// Stores a JSON value in the member of `key`; the error quotes `name`, the key and the value.
template <class R>
Status store(const Json& value, const Key<R>& key, std::string_view name, R& out);

/// The value of --set as the JSON that a file would hold: a list for list members, a number where a number is wanted
/// and the text is one, otherwise a string (which store() then refuses).
template <class R>
Json parse_assigned(std::string_view text, const Key<R>& key);

/// The names of all keys, `schema` and `schema_version` aside.
template <class R>
std::vector<std::string_view> key_names();

/// "did you mean `batch`?" or "", and the list of all known words.
std::string suggest(std::string_view word, std::span<const std::string_view> known);

/// The limits of a number in words: "an integer from 1 to 100", "a number above 0 and below 1".
std::string describe_range(const Range& range, bool integer);

}  // namespace qtrap::profile
