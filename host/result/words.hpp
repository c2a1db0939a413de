// Closed lists of several tables: enums with the words of files, and lists of words that no code branches on.
#pragma once

#include <array>
#include <string_view>

#include "table/words.hpp"

namespace qtrap::result {

/// The enumerator's word, as files hold it and messages print it.
template <table::IsWord E>
constexpr const char* to_string(E value) {
  return table::word_of(value).data();  // words are literals
}

/// What a ratio or a cost is of.
enum class Quantity { kTime, kEnergy };
inline constexpr std::array<std::string_view, 2> kQuantityWords{"time", "energy"};
constexpr const auto& words_of(Quantity) { return kQuantityWords; }

/// What an interval says of a ratio.
enum class Verdict { kTrap, kNoTrap, kNoEffect, kUndecided };
inline constexpr std::array<std::string_view, 4> kVerdictWords{"trap", "no_trap", "no_effect", "undecided"};
constexpr const auto& words_of(Verdict) { return kVerdictWords; }

/// What a ratio's interval is over. kUnpaired: it has none, for its anchor was published in another table.
enum class Basis { kNone, kBlocks, kSessions, kImported, kUnpaired };
inline constexpr std::array<std::string_view, 5> kBasisWords{"none", "blocks", "sessions", "imported", "unpaired"};
constexpr const auto& words_of(Basis) { return kBasisWords; }

/// Whether there is a fit.
enum class FitStatus { kOk, kNoData };
inline constexpr std::array<std::string_view, 2> kFitStatusWords{"ok", "no_data"};
constexpr const auto& words_of(FitStatus) { return kFitStatusWords; }

/// Form of a decomposition.
enum class Form { kAdditive, kRoofline };
inline constexpr std::array<std::string_view, 2> kFormWords{"additive", "roofline"};
constexpr const auto& words_of(Form) { return kFormWords; }

/// Whether a crossing was found. kAbove, kBelow: undecided beyond the largest (smallest) decided size, so that a
/// crossing can lie there alone.
enum class CriticalStatus { kFound, kAbove, kBelow, kTrappedEverywhere, kNeverTrapped, kNotIdentified };
inline constexpr std::array<std::string_view, 6> kCriticalStatusWords{
    "found", "above", "below", "trapped_everywhere", "never_trapped", "not_identified"};
constexpr const auto& words_of(CriticalStatus) { return kCriticalStatusWords; }

/// How a crossing was found.
enum class CriticalMethod { kInterpolated, kFitted };
inline constexpr std::array<std::string_view, 2> kCriticalMethodWords{"interpolated", "fitted"};
constexpr const auto& words_of(CriticalMethod) { return kCriticalMethodWords; }

/// What a crossing lies on: model sizes, batches or hops of a chain; its words are the keys of the crossing's value.
enum class Axis { kParams, kBatch, kHops };
inline constexpr std::array<std::string_view, 3> kAxisWords{"n_star", "b_star", "h_star"};
constexpr const auto& words_of(Axis) { return kAxisWords; }

/// On which side of a crossing the trap lies: below it, so that it dissolves, or above.
enum class Direction { kDissolves, kSetsIn };
inline constexpr std::array<std::string_view, 2> kDirectionWords{"dissolves", "sets_in"};
constexpr const auto& words_of(Direction) { return kDirectionWords; }

/// What a step works on: a token of each sequence after the other, or those of a prompt together.
enum class Phase { kDecode, kPrefill };
inline constexpr std::array<std::string_view, 2> kPhaseWords{"decode", "prefill"};
constexpr const auto& words_of(Phase) { return kPhaseWords; }

/// Part of a measured time or energy.
enum class Part { kStatic, kBytes, kPassBytes, kOperations, kDequantize, kCast, kLaunches, kSyncs };
inline constexpr std::array<std::string_view, 8> kPartWords{"static",     "bytes", "pass_bytes", "operations",
                                                            "dequantize", "cast",  "launches",   "syncs"};
constexpr const auto& words_of(Part) { return kPartWords; }

/// Where the spread that a plan reckons with comes from.
enum class SpreadSource { kFiles, kReference };
inline constexpr std::array<std::string_view, 2> kSpreadSourceWords{"files", "reference"};
constexpr const auto& words_of(SpreadSource) { return kSpreadSourceWords; }

inline constexpr std::size_t kPartCount = kPartWords.size();

namespace words {

inline constexpr std::array<std::string_view, 4> kEnergyMethods{"counter", "integrated", "estimated", "simulated"};
inline constexpr std::array<std::string_view, 7> kEnergyStatuses{"ok",    "no_meter",    "too_short", "unattributable",
                                                                 "reset", "implausible", "no_pass"};
inline constexpr std::array<std::string_view, 3> kStopReasons{"precision", "budget", "trials"};
inline constexpr std::array<std::string_view, 2> kOrigins{"measured", "imported"};
inline constexpr std::array<std::string_view, 2> kWorkloads{"projections", "decoder"};
inline constexpr std::array<std::string_view, 4> kDeviceTypes{"cpu", "gpu", "accelerator", "other"};
inline constexpr std::array<std::string_view, 3> kPaths{"none", "split", "fused"};
inline constexpr std::array<std::string_view, 3> kLookStops{"decided", "seen", "sessions"};

}  // namespace words

/// Whether an energy of this method was read, and not estimated or simulated.
constexpr bool is_read_by_sensor(std::string_view method) { return method == "counter" || method == "integrated"; }

}  // namespace qtrap::result
