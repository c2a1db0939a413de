// What the values of one record must fulfil: ranges by unit and key, intervals around their value, statuses with or
// without a value. Rules that span records are in check_records.hpp. Private to this layer.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "result/file_fields.hpp"
#include "table/codec.hpp"

namespace qtrap::result {

using table::Problem;

/// One record in messages ("FILE line 7: point p"), and where its first fault goes.
class Place {
 public:
  Place(std::string where, Problem& problem) : where_(std::move(where)), problem_(&problem) {}

  void refuse(std::string_view what, std::string value, std::string fix) const {
    problem_->add(usage_error(where_ + ": " + std::string(what), std::move(value), std::move(fix)));
  }
  /// A record of the file by its key: "FILE: points[3]".
  Place key(std::string_view path) const { return {where_ + ": " + std::string(path), *problem_}; }
  Place inside(std::string_view part) const { return {where_ + " " + std::string(part), *problem_}; }
  /// The same, where numbers may be as small as they like.
  Place taking_tiny() const {
    Place place = *this;
    place.takes_tiny_ = true;
    return place;
  }
  bool takes_tiny() const { return takes_tiny_; }

 private:
  std::string where_;
  Problem* problem_;
  bool takes_tiny_ = false;
};

/// The member `name` of `record` where it is an optional number; null otherwise.
template <class R>
const std::optional<double>* find_number(const R& record, std::string_view name) {
  for (const Field<R>& field : fields<R>()) {
    const auto* member = std::get_if<std::optional<double> R::*>(&field.member);
    if (field.key.name == name && member != nullptr) return &(record.**member);
  }
  return nullptr;
}

/// Both ends of every interval (NAME_low and NAME_high) or neither, in order, and NAME between them.
template <class R>
void check_values_in_intervals(const R& record, const Place& place);

/// A record of a file that is made from result files: ranges (but how small a number may be), and the value that the
/// keys `low` and `high` bound between them. One end alone is left to the record's own rules.
template <class R>
void check_written(const R& record, const Place& place);

/// Every number and count within the range of its key or unit.
template <class R>
void check_ranges(const R& record, const Place& place);

/// A status `ok` comes with a value, any other status with null: energy_status, and every NAME_status.
template <class R>
void check_statuses(const R& record, const Place& place);

}  // namespace qtrap::result
