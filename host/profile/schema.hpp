// The documents generated from the key tables. They are committed beside this file (SCHEMA.md, schema/*.json); a test
// compares them, and rewrites them when QTRAP_REGENERATE=1 is set.
#pragma once

#include <string>

namespace qtrap::profile {

/// JSON Schema (draft 7) of profiles/models/NAME.json.
std::string make_model_schema();

/// JSON Schema (draft 7) of profiles/campaigns/NAME.json. Scheme names are not in it: they belong to another layer.
std::string make_campaign_schema();

/// JSON Schema (draft 7) of profiles/devices/NAME.json and of what `tune` writes.
std::string make_tuning_schema();

/// SCHEMA.md: every key of the files with its type, limits, default and meaning.
std::string make_schema_markdown();

}  // namespace qtrap::profile
