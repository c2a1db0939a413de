#include "profile/schema.hpp"

#include "profile/keys.hpp"
#include "table/schema.hpp"

namespace qtrap::profile {
namespace {

template <class R>
table::Json make_schema(std::string_view title) {
  return table::file_schema<R>(kSchemaName<R>, title);
}

}  // namespace

std::string make_model_schema() { return table::dump_file(make_schema<ModelProfile>("a model shape of qtrap")); }

std::string make_campaign_schema() { return table::dump_file(make_schema<Campaign>("a campaign of qtrap")); }

std::string make_tuning_schema() { return table::dump_file(make_schema<TuningProfile>("a tuning file of qtrap")); }

std::string make_schema_markdown() {
  return "# Model, campaign and tuning files\n"
         "<!-- Generated from the field tables in host/profile/keys.cpp: QTRAP_REGENERATE=1 profile_tests -->\n"
         "One JSON object per file, UTF-8. Unknown keys are errors; a newer MAJOR version is refused.\n" +
         table::describe_schema("Models: `profiles/models/NAME.json`", make_schema<ModelProfile>(""), true) +
         table::describe_schema("Campaigns: `profiles/campaigns/NAME.json`", make_schema<Campaign>(""), true) +
         table::describe_schema("Tunables of a device: `profiles/devices/NAME.json`, or written by `qtrap tune`",
                                make_schema<TuningProfile>(""), true);
}

}  // namespace qtrap::profile
