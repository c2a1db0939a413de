// The rules of a loss: values or a reason, and means that are those of its windows. Private to this layer.
#pragma once

#include "result/check_values.hpp"
#include "result/records.hpp"

namespace qtrap::result {

/// Hands the first rule that `quality` breaks to `place`.
void check_quality(const QualityRecord& quality, const Place& place);

}  // namespace qtrap::result
