// Writing and reading result files: one JSON object per line. A record is written whole or not at all, and a file whose
// writer was killed stays readable: what its last, incomplete unit holds is dropped.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "result/records.hpp"

namespace qtrap::result {

/// One line of the file, "\n" included; keys in the order of the field table. Bytes that are not UTF-8 (a path in argv,
/// a device's name) become U+FFFD. kRuntime errors: a number that is not finite, a negative count, a word outside its
/// closed list, a campaign_json that is not an object.
Result<std::string> to_json_line(const Record& record);

/// Parses one line (with or without its "\n"). Unknown keys are ignored. kUsage errors name the key, what was found and
/// what is needed: not JSON, no or an unknown `record`, a missing key, a wrong type, a word outside its closed list,
/// a newer major schema_version.
Result<Record> parse_line(std::string_view line);

/// Lines of the records of each kind, from 1; empty where the records come from no text.
struct RecordLines {
  std::vector<std::size_t> sessions;
  std::vector<std::size_t> trials;
  std::vector<std::size_t> samples;
  std::vector<std::size_t> qualities;
  std::vector<std::size_t> points;
  std::vector<std::size_t> end;
};

/// The records of one file, each kind in the order of the file.
struct ResultFile {
  std::vector<SessionRecord> sessions;
  std::vector<TrialRecord> trials;
  std::vector<SamplesRecord> samples;
  std::vector<QualityRecord> qualities;
  std::vector<PointRecord> points;
  std::optional<EndRecord> end;
  std::size_t valid_bytes =
      0;  ///< length of the prefix made of complete units: session, cell of trials, samples, quality, point, end
  /// The same without `end` and the points before it: they follow from what comes before, and --resume, which cuts the
  /// file here and appends, tells them anew from all sessions.
  std::size_t resume_bytes = 0;
  std::size_t bytes_before_end = 0;  ///< valid_bytes without `end` alone; 0 where there is none
  std::size_t resume_points = 0;     ///< how many of the points stand before resume_bytes (files of older programs)
  bool torn_tail = false;            ///< bytes after valid_bytes were dropped
  RecordLines lines;
};

/// Parses a file's text; `name` is quoted in errors with the line number. A unit is a session line, a whole cell
/// (consecutive trials of one cell_id and session_id, `cell_trials` of them), samples, a loss, a point or the end. An
/// incomplete last unit and a last line without "\n" are dropped; anything malformed before is an error, as are trials
/// of an unknown session, a point_id or a loss given twice and records after `end`. A text cut inside its first line
/// has no session yet and is no error here.
Result<ResultFile> parse_result(std::string_view text, std::string_view name);

/// parse_result(), and every rule that spans keys and records (check_records.hpp): what all readers of files call.
/// kUsage errors besides: no complete session record, a rule that does not hold.
Result<ResultFile> parse_whole_result(std::string_view text, std::string_view name);

/// Reads and parses a file, once: a pipe will do. Errors of read_file() and parse_whole_result().
Result<ResultFile> read_result(const std::filesystem::path& path);

}  // namespace qtrap::result
