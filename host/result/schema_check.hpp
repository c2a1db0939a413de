// JSON Schema validation by valijson. Private to this layer.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "core/error.hpp"

namespace qtrap::result {

/// A compiled JSON Schema.
class SchemaCheck {
 public:
  /// `schema` is a JSON Schema of draft 7 without external references.
  explicit SchemaCheck(const nlohmann::json& schema);
  SchemaCheck(SchemaCheck&&) noexcept;
  SchemaCheck& operator=(SchemaCheck&&) noexcept;
  ~SchemaCheck();

  /// The first violation, as a kUsage error that names its place; none when `value` is valid.
  std::optional<Error> find_violation(const nlohmann::json& value) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace qtrap::result
