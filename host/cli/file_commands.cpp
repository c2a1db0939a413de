// check, export, import: what needs no device.
#include <fmt/format.h>

#include "campaign/run_plan.hpp"
#include "cli/app.hpp"
#include "cli/commands.hpp"
#include "core/file.hpp"
#include "core/sha256.hpp"
#include "import/importer.hpp"
#include "import/table.hpp"
#include "profile/profile.hpp"
#include "program/exit_code.hpp"
#include "program/folders.hpp"
#include "program/output.hpp"
#include "program/version.hpp"
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
  if (schema == "qtrap.campaign")
    return "campaign " + profile::parse_campaign(text, path, campaign::scheme_names()).value().name;
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
  const auto folders = program::profile_folders("imports");
  std::error_code ignored;
  for (const auto& folder : folders) {
    auto path = folder / (name + ".json");
    if (!name.empty() && std::filesystem::exists(path, ignored)) return path;
  }
  throw Failure(usage_error(
      "unknown import map", name.empty() ? "''" : name,
      fmt::format("give a path that ends in .json or one of {}", fmt::join(profile::list_profiles(folders), ", "))));
}

importer::ImportMap load_map(const std::string& name) {
  const auto path = find_map(name);
  return importer::parse_import_map(read_file(path).value(), path.string()).value();
}

/// A table and the digest of its text.
struct LoadedTable {
  importer::Table table;
  std::string sha256;
};

LoadedTable load_table(const std::string& path, const importer::ImportMap& map) {
  constexpr std::size_t kLargestTable = std::size_t{64} << 20;
  const std::string text = read_file(path, kLargestTable).value();
  return {importer::parse_table(text, path, importer::separator_of(map)).value(), compute_sha256(text)};
}

}  // namespace

int run_check(const std::vector<std::string>& files) {
  for (const auto& path : files) program::print(fmt::format("{}: ok, {}\n", path, check_one(path)));
  return program::kDone;
}

int run_import(const ImportOptions& options) {
  const importer::ImportMap map = load_map(options.map);
  const LoadedTable table = load_table(options.table, map);
  std::optional<importer::ImportMap> anchor_map;
  std::optional<LoadedTable> anchor_table;
  std::optional<importer::AnchorTable> anchors;
  if (!options.anchor.empty()) {
    anchor_map = options.anchor_map.empty() ? map : load_map(options.anchor_map);
    anchor_table = load_table(options.anchor, *anchor_map);
    anchors.emplace(importer::AnchorTable{anchor_table->table, *anchor_map, options.anchor, anchor_table->sha256,
                                          !options.anchor_map.empty()});
  }
  const auto folders = program::profile_folders("models");
  const auto find_model = [&folders](const std::string& name) { return profile::load_model(name, folders); };
  const importer::Provenance provenance{options.table, table.sha256, program::version().number, options.argv};
  const auto imported =
      importer::import_table(table.table, map, provenance, find_model, anchors ? &*anchors : nullptr).value();
  if (const auto fault = result::find_fault(imported.file, options.table)) throw Failure(*fault);
  const std::string& out = options.out;
  program::write_output(out, importer::to_text(imported.file).value());
  for (const auto& warning : imported.warnings) program::tell(warning);
  program::print_beside(out, fmt::format("{}: {} points of {} sessions imported from {}\n", out,
                                         imported.file.points.size(), imported.file.sessions.size(), options.table));
  return program::kDone;
}

int run_export(const std::vector<std::string>& files, const std::string& format, const std::string& records,
               const std::string& out) {
  const auto chosen_format = find_word<result::ExportFormat>(format);
  if (!chosen_format) throw Failure(usage_error("unknown export format", format, "choose csv, md or sql"));
  const auto chosen_records = find_word<result::CsvRecords>(records);
  if (!chosen_records) throw Failure(usage_error("unknown record kind", records, "choose points or trials"));
  const std::string text = result::export_records(read_results(files), *chosen_records, *chosen_format).value();
  program::write_output(out.empty() ? program::kStandardOutput : out, text);
  return program::kDone;
}

}  // namespace qtrap::cli
