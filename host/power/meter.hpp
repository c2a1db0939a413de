// What every energy meter looks like: a cumulative counter, a power reading, or both; each value with its own
// monotonic stamp; the scope it covers; and the type of a difference between two counter values.
// A reading that was not obtained is an absent value with a status, never 0. Source of the rules: the defects
// reported most against other tools (zero taken for a reading, wrapped counters, stamps shared between unlike
// values).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/units.hpp"
#include "core/words.hpp"

namespace qtrap::power {

/// What a meter's figure covers; kRails: some of a module's.
enum class Scope { kBoard, kModule, kPackage, kPackageAndDram, kDram, kPlatform, kRails };
constexpr Words<7> words_of(Scope) {
  return {"board", "module", "package", "package+dram", "dram", "platform", "rails"};
}

using qtrap::EnergyMethod;
using qtrap::EnergyStatus;

/// Why a reading is there or not.
enum class ReadStatus {
  kOk,
  kUnsupported,  ///< this meter has no such channel
  kDenied,       ///< permission denied
  kVanished,     ///< the device, file or driver is gone
  kError,        ///< the library or file answered with an error
  kNotFinite,    ///< NaN or infinite
  kZero          ///< exactly 0: no running board draws 0 W, no counter in use stands at 0 J
};
constexpr Words<7> words_of(ReadStatus) {
  return {"ok", "unsupported", "denied", "vanished", "error", "not_finite", "zero"};
}

/// One value of one channel. `value` is present exactly when `status` is kOk.
template <class Unit>
struct Reading {
  Seconds at;  ///< monotonic clock, middle of the call that read it
  std::optional<Unit> value;
  ReadStatus status = ReadStatus::kUnsupported;
};

/// A reading of `value` taken at `at`, or an absent one where the number is zero, NaN, infinite or negative.
template <class Unit>
Reading<Unit> make_reading(Seconds at, double value);

/// An absent reading.
template <class Unit>
Reading<Unit> absent_reading(Seconds at, ReadStatus status) {
  return {at, std::nullopt, status};
}

/// Both channels of a meter, read one after the other.
struct Sample {
  Reading<Joules> energy;  ///< cumulative since an arbitrary origin
  Reading<Watts> power;
};

/// A value with the time it belongs to.
template <class Unit>
struct Timed {
  Seconds at;
  Unit value;
};

/// Kind of a difference between two counter values.
enum class DeltaStatus { kOk, kWrapped, kReset, kImplausible };
constexpr Words<4> words_of(DeltaStatus) { return {"ok", "wrapped", "reset", "implausible"}; }

/// A counter difference; the value is absent for kReset and kImplausible.
struct EnergyDelta {
  DeltaStatus status = DeltaStatus::kOk;
  std::optional<Joules> value;
};

/// What is known of a counter: the size of its range, absent where it does not wrap in practice, and the
/// power no board of this scope can exceed.
struct CounterLimits {
  std::optional<Joules> range;
  Watts max_power = Watts(10e3);
};

/// later - earlier, typed. A decrease is kWrapped when adding the range gives a power the board can draw,
/// else kReset; an increase the board cannot draw in the time between (plus 1 s of publication lag) is
/// kImplausible. Requires earlier.at <= later.at.
EnergyDelta compute_energy_delta(const Timed<Joules>& earlier, const Timed<Joules>& later, const CounterLimits& limits);

/// Static facts of a meter.
struct MeterInfo {
  std::string name;                 ///< family: "nvml", "amd", "intel", "rapl", "jetson", "tdp" or "replay"
  std::string source;               ///< library or path it reads
  std::string board;                ///< what is measured, in the vendor's words
  std::string driver;               ///< driver or library version; empty where not reported
  std::string power_field;          ///< "instant" or "average", where the vendor tells them apart; else empty
  std::optional<std::string> pci;   ///< "0000:3b:00.0"
  std::optional<std::string> uuid;  ///< 32 hexadecimal digits, as match.hpp normalises them
  Scope scope = Scope::kBoard;
  bool has_energy = false;
  bool has_power = false;
  bool estimated = false;  ///< a constant times time: no sensor
  bool simulated = false;  ///< replayed, or read from a simulated environment
  CounterLimits limits;
  std::optional<Watts> power_limit;
  std::vector<std::string> notes;  ///< quirks of this board worth knowing: two dies counted as one, ...

  /// Unique within a machine and accepted by --meter: "nvml:0000:3b:00.0", "rapl:package-0".
  std::string id() const;
};

/// Facts of the board at one moment, for the trial records; an absent one was not reported.
struct BoardState {
  std::optional<Hertz> core_clock;
  std::optional<Hertz> memory_clock;
  std::optional<double> temperature_c;
  std::vector<std::string> throttle_reasons;  ///< empty where not throttled; idle and user-set clocks do not count
  std::optional<std::vector<std::uint32_t>> process_ids;  ///< compute processes on the board, ours among them
  std::optional<Watts> power_limit;
  std::optional<bool> persistence;
  std::optional<bool> ecc;
};

/// A meter. One thread at a time may call read(); read_state() may run beside it in another.
class Meter {
 public:
  virtual ~Meter() = default;
  virtual const MeterInfo& info() const = 0;
  /// Reads every channel the meter has. Never throws for a failing sensor: the readings carry the status.
  /// Costs one to a few system or driver calls (5 us for a file, up to some ms for a vendor library).
  virtual Sample read() = 0;
  /// Reads clocks, temperature and the rest. Costs several driver calls: never inside a timed window.
  virtual BoardState read_state() { return {}; }
};

}  // namespace qtrap::power
