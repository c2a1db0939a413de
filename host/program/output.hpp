// Results on standard output and in files, words on standard error.
#pragma once

#include <filesystem>
#include <string>

namespace qtrap::program {

/// Refuses an output before the work for it begins; throws Failure (usage). The file itself does not appear yet.
/// `replace`: one that exists is no error, and its folder is made.
void require_writable(const std::filesystem::path& path, bool replace);

/// Keeps a copy of standard output for print() and points standard output itself at standard error, so that nothing a
/// driver or a vendor's library prints falls between results. To be called once, before anything is loaded.
void set_results_apart();
/// That copy.
int results_descriptor();

/// "qtrap: LINE" on standard error, control characters made visible; nothing where it cannot be written.
void tell(const std::string& line);

/// `--out -` of every command that has --out: what would fill the file goes to standard output.
inline constexpr const char* kStandardOutput = "-";

/// Writes a whole new file, or to stdout where `out` is kStandardOutput; throws Failure.
void write_output(const std::string& out, const std::string& text);
/// Prints what tells of an output written to `out`: to stderr where stdout holds the output itself.
void print_beside(const std::string& out, const std::string& text);

/// Writes results to stdout, control characters made visible; throws Failure when that fails (a full disk behind a
/// redirection). A pipe that nobody reads any more is no failure.
void print(const std::string& output);

}  // namespace qtrap::program
