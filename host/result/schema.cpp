#include "result/schema.hpp"

#include <fmt/format.h>

#include "result/file_fields.hpp"
#include "table/schema.hpp"

namespace qtrap::result {
namespace {

using table::Json;
using table::Manner;

template <class R>
Json record_schema() {
  const std::string name(record_name<R>());
  return table::object_schema<R>(
      {{"properties", {{"record", {{"type", "string"}, {"enum", {name}}}}}}, {"required", {"record"}}},
      Manner::kLenient);
}

/// Schema of a file that is one object.
template <class R>
Json document_schema() {
  const R empty;
  const std::string kind = empty.schema.substr(empty.schema.find('.') + 1);
  const std::string title = fmt::format("a qtrap {} file, version {}", kind, empty.schema_version);
  return table::object_schema<R>(table::draft_7(empty.schema, title), Manner::kLenient);
}

constexpr std::string_view kMarkdownHead = R"(# Result, fit, compare and plan files
<!-- Generated from the field tables in host/result/fields_*.cpp: QTRAP_REGENERATE=1 result_tests -->
A result file is JSON Lines: one object per line, UTF-8. For each session one `session`, then its `trial`s and, with a
meter, the `samples` behind their energies; with a text, a `quality` for each scheme; the `point`s, pooled over the sessions;
last one `end`. A file of losses alone has one session without trials. A fit file (`qtrap fit --out`), a compare
file (`qtrap compare --json`) and a plan file (`qtrap plan --json`) are one JSON object each. `schema_version` is MAJOR.MINOR: a new optional key raises MINOR, a renamed key or a changed meaning MAJOR; readers ignore unknown keys and refuse a newer MAJOR.
An absent value is null, with a status beside it, never 0. Keys whose type says "or null" or "or absent" may be missing, all
others are required. Integers are counts and never negative, but for the differences in `samples`.

A run that was killed leaves its last line or its last cell of trials incomplete: such a tail is dropped by every reader,
and `qtrap run --resume` continues before it. It takes up a file only for the same experiment: every key of program, campaign,
models, kernels, device, driver, meter and host that decides what is measured must be that of a new session.

Every reader refuses, with file, line, key and fix, what cannot be: numbers out of range (magnitudes below 1e-30 but 0, times over
1e10 s, energies over 1e15 J, sensor constants over 600 s, counts over 2^60); a value outside its interval; a verdict against it; a
point that is not what its trials measured, of two devices, or with a ratio and no anchor; counts that disagree; a key, session, cell,
point or window given twice. Lines hold at most 4 MiB. A point whose trials were stripped from the file is taken at its word,
and flags may be cleared.

In exports control characters of texts stand as `\xNN` or `\u00NN`. In CSV a text that begins with `=`, `+`, `-`, `@` (or their wide
forms), a tab, a line break or an apostrophe gets an apostrophe before it, so that no spreadsheet takes it for a formula; dropping one
leading apostrophe restores it. Numbers stay as they are. SQL is for SQLite, DuckDB and PostgreSQL.
)";

}  // namespace

std::string make_result_schema() {
  Json schema =
      table::draft_7("qtrap.result", fmt::format("one line of a qtrap result file, version {}", kSchemaVersion));
  schema["definitions"] = {{"session", record_schema<SessionRecord>()}, {"trial", record_schema<TrialRecord>()},
                           {"samples", record_schema<SamplesRecord>()}, {"quality", record_schema<QualityRecord>()},
                           {"point", record_schema<PointRecord>()},     {"end", record_schema<EndRecord>()}};
  schema["oneOf"] = Json::array();
  for (const auto& [name, definition] : schema["definitions"].items()) {
    schema["oneOf"].push_back({{"$ref", "#/definitions/" + name}});
  }
  return table::dump_file(schema);
}

std::string make_fit_schema() { return table::dump_file(document_schema<FitFile>()); }

std::string make_compare_schema() { return table::dump_file(document_schema<CompareFile>()); }

std::string make_plan_schema() { return table::dump_file(document_schema<PlanFile>()); }

std::string make_schema_markdown() {
  std::string text(kMarkdownHead);
  const std::pair<const char*, Json> sections[] = {
      {"`session`", record_schema<SessionRecord>()}, {"`trial`", record_schema<TrialRecord>()},
      {"`samples`", record_schema<SamplesRecord>()}, {"`quality`", record_schema<QualityRecord>()},
      {"`point`", record_schema<PointRecord>()},     {"`end`", record_schema<EndRecord>()},
      {"`fit file`", document_schema<FitFile>()},    {"`compare file`", document_schema<CompareFile>()},
      {"`plan file`", document_schema<PlanFile>()},
  };
  for (const auto& [title, schema] : sections) text += table::describe_schema(title, schema, false);
  return text;
}

}  // namespace qtrap::result
