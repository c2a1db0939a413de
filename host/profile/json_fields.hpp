// JSON values into members and back, with worded refusals. Private to this layer, for it shows nlohmann-json.
#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"
#include "profile/json_text.hpp"
#include "profile/keys.hpp"

namespace qtrap::profile {

/// parse_json_object() of a profile: a kUsage error where the text is too large for one, too.
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
