// check, export, fit: what needs no device.
#include <fmt/format.h>

#include "cli/app.hpp"
#include "cli/commands.hpp"
#include "cli/run_plan.hpp"
#include "core/file.hpp"
#include "profile/profile.hpp"
#include "result/check.hpp"
#include "result/export.hpp"

namespace qtrap::cli {
namespace {

std::vector<result::ResultFile> read_all(const std::vector<std::string>& paths) {
  std::vector<result::ResultFile> files;
  for (const auto& path : paths) files.push_back(result::read_result(path).value());
  return files;
}

/// One line on what a valid file holds; throws Failure on an invalid one.
std::string check_one(const std::string& path) {
  const std::string text = read_file(path).value();
  const std::string schema = result::detect_schema(text, path).value();
  if (schema == "qtrap.model") return "model " + profile::parse_model(text, path).value().name;
  if (schema == "qtrap.campaign") return "campaign " + profile::parse_campaign(text, path, scheme_names()).value().name;
  return result::check_file(path).value().summary;
}

}  // namespace

int run_check(const std::vector<std::string>& files) {
  for (const auto& path : files) print(fmt::format("{}: ok, {}\n", path, check_one(path)));
  return kDone;
}

int run_export(const std::vector<std::string>& files, const std::string& format, const std::string& records,
               const std::string& out) {
  const auto chosen_format = result::parse_export_format(format);
  if (!chosen_format) throw Failure(usage_error("unknown export format", format, "choose csv, md or sql"));
  const auto chosen_records = result::parse_csv_records(records);
  if (!chosen_records) throw Failure(usage_error("unknown record kind", records, "choose points or trials"));
  const std::string text = result::export_records(read_all(files), *chosen_records, *chosen_format).value();
  if (out.empty()) {
    print(text);
  } else if (auto done = write_file(out, text, false); !done) {
    throw Failure(done.error());
  }
  return kDone;
}

}  // namespace qtrap::cli
