// Losses on text: the windows of a plan's text, the process that evaluates schemes on them, and records of what it
// finds. A scheme that fails, or that the process dies of, costs its own record alone.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "campaign/run_plan.hpp"
#include "device/device.hpp"
#include "quality/evaluate.hpp"
#include "result/records.hpp"

namespace qtrap::campaign {

/// Whether the plan's campaign names a text.
bool has_text(const RunPlan& plan);

/// All tokens of the plan's text. Throws Failure: a file that cannot be read, no tokenizer with the weights.
std::vector<std::uint32_t> read_ids(const RunPlan& plan);

/// The windows of the plan's text. Throws Failure: a file that cannot be read, a text with fewer tokens than its
/// windows, windows that the model's context cannot hold, no tokenizer with the weights.
quality::Text read_text(const RunPlan& plan);

using RecordSink = std::function<void(result::QualityRecord)>;

/// In the parent: a process that evaluates `schemes` of the plan, another one behind each scheme that it dies of.
/// Records come in the order of `schemes`, without a session_id; fewer where the user stopped. Returns why the rest has
/// none; empty: all have.
std::string run_scoring(const RunPlan& plan, const program::DeviceOptions& device,
                        const std::vector<std::string>& schemes, const RecordSink& on_record);

/// In that process, on its device: tells of each scheme from number `first` before and after it.
void score_schemes(device::Device& device, const std::string& campaign_json, const std::vector<std::string>& schemes,
                   std::size_t first, const std::function<void(const std::string& scheme)>& on_begin,
                   const RecordSink& on_record);

}  // namespace qtrap::campaign
