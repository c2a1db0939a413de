// Records to JSON and back, by walking the field tables. Private to this layer: the only header that shows
// nlohmann-json.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "core/result.hpp"
#include "result/fields.hpp"

namespace qtrap::result {

using Json = nlohmann::ordered_json;

/// Keeps the first of several errors.
class Problem {
 public:
  void add(Error error) {
    if (!first_) first_ = std::move(error);
  }
  bool found() const { return first_.has_value(); }
  const Error& error() const { return *first_; }

 private:
  std::optional<Error> first_;
};

/// Parses JSON text. kUsage errors: "WHAT is not valid JSON at line L, column C", not UTF-8, more than
/// kDeepestJson levels.
Result<Json> parse_json(std::string_view text, std::string_view what);

/// A short quotation of a JSON value for error messages; containers by their kind.
std::string quote_json(const Json& value);

/// JSON on one line, without "\n"; bytes that are not UTF-8 become U+FFFD.
std::string dump_line(const Json& value);

/// Refuses a `schema_version` whose major number is newer than kSchemaMajor, or that is no version. To be called before
/// the other keys are looked at: a newer major version may have renamed them all.
Status check_version(const Json& object);

/// The JSON object of a record or sub-object, keys in table order. kRuntime errors go to `problem`.
template <class R>
Json encode_record(const R& record, Problem& problem);

/// Fills `record` from a JSON object; `prefix` ("" or "host.") is put before keys in errors. kUsage errors go to
/// `problem`.
template <class R>
void decode_record(const Json& object, const std::string& prefix, R& record, Problem& problem);

extern template Json encode_record(const SessionRecord&, Problem&);
extern template Json encode_record(const TrialRecord&, Problem&);
extern template Json encode_record(const SamplesRecord&, Problem&);
extern template Json encode_record(const PointRecord&, Problem&);
extern template Json encode_record(const EndRecord&, Problem&);
extern template Json encode_record(const FitFile&, Problem&);
extern template void decode_record(const Json&, const std::string&, SessionRecord&, Problem&);
extern template void decode_record(const Json&, const std::string&, TrialRecord&, Problem&);
extern template void decode_record(const Json&, const std::string&, SamplesRecord&, Problem&);
extern template void decode_record(const Json&, const std::string&, PointRecord&, Problem&);
extern template void decode_record(const Json&, const std::string&, EndRecord&, Problem&);
extern template void decode_record(const Json&, const std::string&, FitFile&, Problem&);

}  // namespace qtrap::result
