// Closed lists of the files: enums with their words.
#pragma once

#include "core/phase.hpp"
#include "core/words.hpp"

namespace qtrap::result {

/// What a ratio or a cost is of.
enum class Quantity { kTime, kEnergy };
constexpr Words<2> words_of(Quantity) { return {"time", "energy"}; }

/// What an interval says of a ratio. kNoMeter is of points alone: nothing read their energy.
enum class Verdict { kTrap, kNoTrap, kNoEffect, kUndecided, kNoMeter };
constexpr Words<5> words_of(Verdict) { return {"trap", "no_trap", "no_effect", "undecided", "no_meter"}; }

/// What a ratio's interval is over. kUnpaired: it has none, for its anchor was published in another table.
enum class Basis { kNone, kBlocks, kSessions, kImported, kUnpaired };
constexpr Words<5> words_of(Basis) { return {"none", "blocks", "sessions", "imported", "unpaired"}; }

/// What the interval of a cost or a crossing is over; kBracket: none, signs alone.
enum class IntervalBasis { kSessions, kBlocks, kConfigurations, kBracket };
constexpr Words<4> words_of(IntervalBasis) { return {"sessions", "blocks", "configurations", "bracket"}; }

/// Whether a ratio is decided by physics or by the kernel path.
enum class DecidingKind { kPhysics, kPath };
constexpr Words<2> words_of(DecidingKind) { return {"physics", "path"}; }

/// Whether there is a fit.
enum class FitStatus { kOk, kNoData };
constexpr Words<2> words_of(FitStatus) { return {"ok", "no_data"}; }

/// Form of a decomposition.
enum class Form { kAdditive, kRoofline };
constexpr Words<2> words_of(Form) { return {"additive", "roofline"}; }

/// Whether a crossing was found. kAbove, kBelow: undecided beyond the largest (smallest) decided size, so that a
/// crossing can lie there alone.
enum class CriticalStatus { kFound, kAbove, kBelow, kTrappedEverywhere, kNeverTrapped, kNotIdentified };
constexpr Words<6> words_of(CriticalStatus) {
  return {"found", "above", "below", "trapped_everywhere", "never_trapped", "not_identified"};
}

/// How a crossing was found.
enum class CriticalMethod { kInterpolated, kFitted };
constexpr Words<2> words_of(CriticalMethod) { return {"interpolated", "fitted"}; }

/// What a crossing lies on: model sizes, batches or hops of a chain; its words are the keys of the crossing's value.
enum class Axis { kParams, kBatch, kHops };
constexpr Words<3> words_of(Axis) { return {"n_star", "b_star", "h_star"}; }

/// On which side of a crossing the trap lies: below it, so that it dissolves, or above.
enum class Direction { kDissolves, kSetsIn };
constexpr Words<2> words_of(Direction) { return {"dissolves", "sets_in"}; }

using qtrap::Phase;

/// Part of a measured time or energy.
enum class Part { kStatic, kBytes, kPassBytes, kOperations, kDequantize, kCast, kLaunches, kSyncs };
constexpr Words<8> words_of(Part) {
  return {"static", "bytes", "pass_bytes", "operations", "dequantize", "cast", "launches", "syncs"};
}

/// Where the spread that a plan reckons with comes from.
enum class SpreadSource { kFiles, kReference };
constexpr Words<2> words_of(SpreadSource) { return {"files", "reference"}; }

inline constexpr std::size_t kPartCount = kWords<Part>.size();

/// Where a file comes from.
enum class Origin { kMeasured, kImported };
constexpr Words<2> words_of(Origin) { return {"measured", "imported"}; }

/// What a step runs. kKernel: a kernel of no language model, whose `model` is its name.
enum class Workload { kProjections, kDecoder, kKernel };
constexpr Words<3> words_of(Workload) { return {"projections", "decoder", "kernel"}; }

/// Family of the kernels that ran.
enum class KernelFamily { kCpu, kGpu };
constexpr Words<2> words_of(KernelFamily) { return {"cpu", "gpu"}; }

/// Where the constants of a sensor come from.
enum class SensorBasis { kCharacterised, kAssumed };
constexpr Words<2> words_of(SensorBasis) { return {"characterised", "assumed"}; }

/// Where the size of the last-level cache comes from.
enum class CacheBasis { kMeasured, kSystem, kDriver, kNone };
constexpr Words<4> words_of(CacheBasis) { return {"measured", "system", "driver", "none"}; }

/// How a run ended.
enum class Ending { kComplete, kInterrupted, kFailed };
constexpr Words<3> words_of(Ending) { return {"complete", "interrupted", "failed"}; }

/// Why no session is added after a look: no ratio is undecided; what is undecided is nearer to 1 than the ratio looked
/// for, with 80 % power; it was the last one planned.
enum class LookStop { kDecided, kSeen, kSessions };
constexpr Words<3> words_of(LookStop) { return {"decided", "seen", "sessions"}; }

/// Where a device's rates come from: its session's ceilings, or its maker.
enum class RateBasis { kMeasured, kNominal };
constexpr Words<2> words_of(RateBasis) { return {"measured", "nominal"}; }

/// Kind of a window; kCheck is none.
enum class TrialMode { kBare, kProfiled, kPhaseLoop, kProbe, kIdle, kCheck };
constexpr Words<6> words_of(TrialMode) { return {"bare", "profiled", "phase_loop", "probe", "idle", "check"}; }

/// Where the phase times of a window come from.
enum class TimeBasis { kEvents, kHost };
constexpr Words<2> words_of(TimeBasis) { return {"events", "host"}; }

/// Why a session stopped repeating a cell.
enum class StopReason { kPrecision, kBudget, kTrials };
constexpr Words<3> words_of(StopReason) { return {"precision", "budget", "trials"}; }

/// Whether a point was measured.
enum class PointStatus { kOk, kUnsupported, kSkipped, kError };
constexpr Words<4> words_of(PointStatus) { return {"ok", "unsupported", "skipped", "error"}; }

/// Where a point's figures come from.
enum class PointBasis { kMeasured, kFitted, kInterpolated, kExtrapolated, kEstimated, kSimulated };
constexpr Words<6> words_of(PointBasis) {
  return {"measured", "fitted", "interpolated", "extrapolated", "estimated", "simulated"};
}

/// Whether a fraction of the roof stands.
enum class RoofStatus { kOk, kInCache, kCeilingTooLow };
constexpr Words<3> words_of(RoofStatus) { return {"ok", "in_cache", "ceiling_too_low"}; }

/// Whether an energy of this method was read, and not estimated or simulated.
constexpr bool is_read_by_sensor(EnergyMethod method) {
  return method == EnergyMethod::kCounter || method == EnergyMethod::kIntegrated;
}

}  // namespace qtrap::result
