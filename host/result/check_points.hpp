// The rules of a point: what it may say of itself, of its sessions, its anchor and its trials. Private to this layer.
#pragma once

#include "result/check_values.hpp"
#include "result/record_index.hpp"

namespace qtrap::result {

/// Hands the first rule that `point` breaks to `place`. A point without a trial in the file is taken at its word.
void check_point(const PointRecord& point, const Index& index, const Place& place);

}  // namespace qtrap::result
