#include "result/schema_check.hpp"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wrestrict"  // g++ 12 misreads std::string inlined from valijson (GCC bug 105651)
#endif
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

namespace qtrap::result {

struct SchemaCheck::State {
  valijson::Schema schema;
};

SchemaCheck::SchemaCheck(const nlohmann::json& schema) : state_(std::make_unique<State>()) {
  valijson::SchemaParser parser;
  parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(schema), state_->schema);
}

SchemaCheck::SchemaCheck(SchemaCheck&&) noexcept = default;
SchemaCheck& SchemaCheck::operator=(SchemaCheck&&) noexcept = default;
SchemaCheck::~SchemaCheck() = default;

std::optional<Error> SchemaCheck::find_violation(const nlohmann::json& value) const {
  valijson::Validator validator;
  valijson::ValidationResults results;
  if (validator.validate(state_->schema, valijson::adapters::NlohmannJsonAdapter(value), &results)) return std::nullopt;
  std::string place;
  std::string reason = "invalid";
  valijson::ValidationResults::Error violation;
  while (results.popError(violation)) {  // the deepest one comes first and says most
    for (const std::string& part : violation.context) place += part;
    reason = violation.description;
    break;
  }
  return usage_error("the JSON Schema is violated", place, reason);
}

}  // namespace qtrap::result
