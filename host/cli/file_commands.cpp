// check, export, import: what needs no device.
#include <fmt/format.h>

#include "cli/app.hpp"
#include "cli/commands.hpp"
#include "cli/run_plan.hpp"
#include "cli/version.hpp"
#include "core/file.hpp"
#include "core/sha256.hpp"
#include "import/importer.hpp"
#include "import/table.hpp"
#include "profile/profile.hpp"
#include "result/check.hpp"
#include "result/check_records.hpp"
#include "result/export.hpp"

namespace qtrap::cli {
namespace {

/// One line on what a valid file holds; throws Failure on an invalid one.
std::string check_one(const std::string& path) {
  const std::string text = read_file(path).value();
  const std::string schema = result::detect_schema(text, path).value();
  if (schema == "qtrap.model") return "model " + profile::parse_model(text, path).value().name;
  if (schema == "qtrap.campaign") return "campaign " + profile::parse_campaign(text, path, scheme_names()).value().name;
  if (schema == "qtrap.tuning") {
    const auto tuning = profile::parse_tuning(text, path).value();
    for (const auto& choice : tuning.choices) (void)scheme::parse_choice(choice).value();
    return fmt::format("tuning of {}, {} choices", tuning.device, tuning.choices.size());
  }
  if (schema == "qtrap.import") return "import map " + importer::parse_import_map(text, path).value().name;
  return result::check_text(text, path, schema).value().summary;
}

/// The map's file: a path, or NAME.json in the first folder of profiles/imports/ that has it.
std::filesystem::path find_map(const std::string& name) {
  if (name.find('/') != std::string::npos || name.ends_with(".json")) return name;
  const auto folders = profile_folders("imports");
  std::error_code ignored;
  for (const auto& folder : folders) {
    auto path = folder / (name + ".json");
    if (!name.empty() && std::filesystem::exists(path, ignored)) return path;
  }
  throw Failure(usage_error(
      "unknown import map", name.empty() ? "''" : name,
      fmt::format("give a path that ends in .json or one of {}", fmt::join(profile::list_profiles(folders), ", "))));
}

}  // namespace

int run_check(const std::vector<std::string>& files) {
  for (const auto& path : files) print(fmt::format("{}: ok, {}\n", path, check_one(path)));
  return kDone;
}

int run_import(const std::string& table, const std::string& map, const std::string& out,
               const std::vector<std::string>& argv) {
  constexpr std::size_t kLargestTable = std::size_t{64} << 20;
  const auto map_path = find_map(map);
  const auto parsed_map = importer::parse_import_map(read_file(map_path).value(), map_path.string()).value();
  const std::string text = read_file(table, kLargestTable).value();
  const auto parsed_table = importer::parse_table(text, table, importer::separator_of(parsed_map)).value();
  const auto folders = profile_folders("models");
  const auto find_model = [&folders](const std::string& name) { return profile::load_model(name, folders); };
  const importer::Provenance provenance{table, compute_sha256(text), version().number, argv};
  const auto imported = importer::import_table(parsed_table, parsed_map, provenance, find_model).value();
  if (const auto fault = result::find_fault(imported.file, table)) throw Failure(*fault);
  write_output(out, importer::to_text(imported.file).value());
  for (const auto& warning : imported.warnings) tell(warning);
  print_beside(out, fmt::format("{}: {} points of {} sessions imported from {}\n", out, imported.file.points.size(),
                                imported.file.sessions.size(), table));
  return kDone;
}

int run_export(const std::vector<std::string>& files, const std::string& format, const std::string& records,
               const std::string& out) {
  const auto chosen_format = result::parse_export_format(format);
  if (!chosen_format) throw Failure(usage_error("unknown export format", format, "choose csv, md or sql"));
  const auto chosen_records = result::parse_csv_records(records);
  if (!chosen_records) throw Failure(usage_error("unknown record kind", records, "choose points or trials"));
  const std::string text = result::export_records(read_results(files), *chosen_records, *chosen_format).value();
  write_output(out.empty() ? kStandardOutput : out, text);
  return kDone;
}

}  // namespace qtrap::cli
