// Progress of a session on stderr, and the text by which a session's process tells it to the one that shows it.
#pragma once

#include <string>

#include "measure/session.hpp"

namespace qtrap::campaign {

/// The activity of a session that has told all it had to tell.
inline constexpr const char* kSessionOver = "end";

std::string encode_progress(const measure::Progress& progress);
/// What encode_progress() made; parts that are missing keep their defaults.
measure::Progress decode_progress(const std::string& text);

/// "session 1/3, cell 2/4 qwen3-0.6b/b1/h4/t4/c0: block 3, w8a16-split": where a session is, for errors and progress.
std::string describe_place(const measure::Progress& progress);

/// One line that is overwritten on a terminal; elsewhere a log line per cell and per program that is built.
class ProgressLine {
 public:
  explicit ProgressLine(bool quiet);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(const measure::Progress& progress, std::int64_t sessions);
  /// Takes the line off the terminal.
  void clear();

 private:
  void log(const measure::Progress& progress, const std::string& where);

  bool quiet_;
  bool shown_ = false;
  std::string last_cell_;
};

}  // namespace qtrap::campaign
