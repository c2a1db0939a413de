// Tidy tables of points, trials or losses: CSV, Markdown and SQL from the field tables. Numbers are the shortest text
// that reads back to the same double, with '.' in every locale; arrays are joined by ';'; an absent value is empty
// (NULL).
#pragma once

#include <span>
#include <string>

#include "core/result.hpp"
#include "result/result_file.hpp"

namespace qtrap::result {

enum class CsvRecords { kPoints, kTrials, kQuality };
constexpr Words<3> words_of(CsvRecords) { return {"points", "trials", "quality"}; }
enum class ExportFormat { kCsv, kMarkdown, kSql };
constexpr Words<3> words_of(ExportFormat) { return {"csv", "md", "sql"}; }

/// One table over all files. Every row starts with session_id, device_name, driver and meter_name (of a point: those of
/// all its sessions, joined by ';') and ends with result_id, the first session_id of its file: result_id and point_id
/// join a trial to its point, also where the point pools several sessions. CSV: RFC 4180 quoting, lines end in "\n",
/// one header. Markdown: columns that are empty in every row are left out, and the phase where every row is of decode.
/// SQL: CREATE TABLE IF NOT EXISTS and INSERTs in one transaction, for SQLite and PostgreSQL.
Result<std::string> export_records(std::span<const ResultFile> files, CsvRecords records, ExportFormat format);

/// export_records() of one file as CSV.
Result<std::string> to_csv(const ResultFile& file, CsvRecords records);

}  // namespace qtrap::result
