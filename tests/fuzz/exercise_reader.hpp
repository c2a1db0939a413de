// What the fuzz target and its regression test do with any text: read it as a result file, and where that succeeds,
// write every record and read it back. A broken contract aborts.
#pragma once

#include <string>
#include <string_view>

#include "core/contract.hpp"
#include "result/result_file.hpp"

namespace qtrap::test {

template <class Record>
void expect_round_trip(const Record& record) {
  const auto line = result::to_json_line(record);
  expects(line.ok(), "a record that was read can be written");
  const auto back = result::parse_line(line.value());
  expects(back.ok(), "a record that was written can be read");
  const auto again = result::to_json_line(back.value());
  expects(again.ok() && again.value() == line.value(), "writing and reading change nothing");
}

/// Whether `text` is a result file. Throws on a broken contract alone.
inline bool exercise_reader(std::string_view text) {
  const auto file = result::parse_result(text, "fuzz");
  if (!file) {
    expects(!file.error().message().empty(), "a refusal has a message");
    return false;
  }
  expects(file.value().resume_bytes <= file.value().valid_bytes && file.value().valid_bytes <= text.size(),
          "the valid part is a prefix");
  for (const auto& session : file.value().sessions) expect_round_trip(session);
  for (const auto& trial : file.value().trials) expect_round_trip(trial);
  for (const auto& point : file.value().points) expect_round_trip(point);
  if (file.value().end) expect_round_trip(*file.value().end);
  return true;
}

}  // namespace qtrap::test
