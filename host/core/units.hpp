// Strong types for the quantities in interfaces. Values are SI: s, J, W, Hz, byte. Mixing two of them does not
// compile; the few products that mean something are spelled out below.
#pragma once

#include <compare>
#include <cstdint>

namespace qtrap {

template <class Tag, class Number = double>
class Quantity {
 public:
  constexpr Quantity() = default;
  constexpr explicit Quantity(Number value) : value_(value) {}
  constexpr Number value() const { return value_; }

  constexpr Quantity operator+(Quantity other) const { return Quantity(value_ + other.value_); }
  constexpr Quantity operator-(Quantity other) const { return Quantity(value_ - other.value_); }
  constexpr Quantity operator*(Number factor) const { return Quantity(value_ * factor); }
  constexpr Quantity operator/(Number divisor) const { return Quantity(value_ / divisor); }
  /// Ratio of two like quantities, a pure number.
  constexpr double operator/(Quantity other) const {
    return static_cast<double>(value_) / static_cast<double>(other.value_);
  }
  constexpr Quantity& operator+=(Quantity other) {
    value_ += other.value_;
    return *this;
  }
  constexpr auto operator<=>(const Quantity&) const = default;  // NOLINT(modernize-use-nullptr): false alarm

 private:
  Number value_{};
};

using Seconds = Quantity<struct SecondsTag>;
using Joules = Quantity<struct JoulesTag>;
using Watts = Quantity<struct WattsTag>;
using Hertz = Quantity<struct HertzTag>;
using Bytes = Quantity<struct BytesTag, std::uint64_t>;

constexpr Joules operator*(Watts power, Seconds time) { return Joules(power.value() * time.value()); }
constexpr Joules operator*(Seconds time, Watts power) { return power * time; }
constexpr Watts operator/(Joules energy, Seconds time) { return Watts(energy.value() / time.value()); }

}  // namespace qtrap
