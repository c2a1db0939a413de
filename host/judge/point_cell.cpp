#include "judge/point_cell.hpp"

namespace qtrap::judge {

CellKey cell_of(const result::PointRecord& point) {
  return {point.device_id.value_or(""),
          point.model,
          static_cast<double>(point.params),
          static_cast<double>(point.batch),
          static_cast<double>(point.hops),
          static_cast<double>(point.tokens_per_hop),
          static_cast<double>(point.context_tokens),
          point.model_family.value_or("")};
}

}  // namespace qtrap::judge
