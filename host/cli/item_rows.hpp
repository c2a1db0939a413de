// Rows of `verify` and `tune` as text, between the process that makes them and the one that shows them.
#pragma once

#include <functional>
#include <string>

#include "cli/commands.hpp"
#include "program/devices.hpp"
#include "scheme/verify/verify.hpp"
#include "tune/tune.hpp"

namespace qtrap::cli {

/// The frame of a process that works through items: runs `work` with the device opened. False from it: the device is
/// lost and another process goes on. Returns its exit code.
int run_on_device(const program::ItemWorkerOptions& options, const std::function<bool(device::Device&)>& work);

/// What `verify --kernel KERNEL` and its --variant ask for.
scheme::VerifyOptions make_verify_options(const program::DeviceOptions& options, const std::string& kernel);

/// Names of items: a kernel to verify, a kernel to tune at a number of tokens; and the rows of those that were not
/// done.
std::string encode_item(const scheme::KernelEntry& kernel);
std::string encode_item(const std::string& kernel, std::uint64_t tokens);
scheme::VerifyRow make_failed_verify_row(const std::string& item, const std::string& reason);
tune::TunedKernel make_failed_tune_row(const std::string& item, const std::string& reason);

std::string encode_row(const scheme::VerifyRow& row);
scheme::VerifyRow decode_verify_row(const std::string& text);
std::string encode_row(const tune::TunedKernel& tuned);
tune::TunedKernel decode_tune_row(const std::string& text);

}  // namespace qtrap::cli
