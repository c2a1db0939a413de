// Field tables of the plan file.
#include <array>

#include "result/file_fields.hpp"

namespace qtrap::result {
namespace {

constexpr std::array<std::string_view, 1> kSchemas{"qtrap.plan"};

}  // namespace

std::span<const Field<SessionForecast>> table_of(std::type_identity<SessionForecast>) {
  using R = SessionForecast;
  static const Field<R> kTable[] = {
      {&R::sessions, {"sessions", "", "so many sessions"}},
      {&R::half_width_log, {"half_width_log", "1", "half width of the 95 % interval of a ratio's logarithm"}},
      {&R::detectable, {"detectable", "1", "smallest ratio above 1 seen with that power"}},
  };
  return kTable;
}

std::span<const Field<PlanFile>> table_of(std::type_identity<PlanFile>) {
  using R = PlanFile;
  static const Field<R> kTable[] = {
      {&R::schema, {"schema", "", "kind of file", kSchemas}},
      {&R::schema_version, {"schema_version", "", "MAJOR.MINOR of the file format"}},
      {&R::campaign, {"campaign", "", "name of the campaign"}},
      {&R::cells, {"cells", "", "cells of the campaign"}},
      {&R::schemes, {"schemes", "", "schemes beside f16"}},
      {&R::sessions, {"sessions", "", "sessions of the campaign"}},
      {&R::blocks, {"blocks", "", "blocks of a session, as expected"}},
      {&R::spread_session, {"spread_session", "1", "spread of log ratios between sessions"}},
      {&R::spread_block, {"spread_block", "1", "spread of log ratios between blocks"}},
      {&R::spread_source, {"spread_source", "", "where the spread comes from"}},
      {&R::ratio, {"ratio", "1", "ratio to be told from 1"}},
      {&R::power, {"power", "1", "with this probability"}},
      {&R::sessions_needed, {"sessions_needed", "", "sessions that it takes; null where 100 are too few"}},
      {&R::block_s, {"block_s", "s", "windows of one block of all cells; null where the files do not tell"}},
      {&R::forecasts, {"forecasts", "", "what numbers of sessions would tell"}},
  };
  return kTable;
}

}  // namespace qtrap::result
