// Prints every program that the host builds, one line each, tab-separated: kernel, family, variant, file, entry, items
// per group, what builds it (`run`, `tune` for its candidates alone, `probe` or `ceiling`), options; of ceilings
// also the multiply-adds that the host counts per item and round.
// tools/check-kernels and tests/ptx read it, so that the off-line checks and the host cannot disagree.
// With --formats it prints the number formats instead: what kernels call one, and the table's unpack operations.
// With --launches it reads lines `NUMBER COUNT ROWS COLUMNS TOKENS SPLITS` from standard input (number of a line of the
// listing, from 0; the extent of a launch) and prints the launch of each: three global, then three local sizes.
#include <fmt/format.h>

#include <cstdint>
#include <iostream>
#include <string_view>

#include "device/probe.hpp"
#include "format/format.hpp"
#include "scheme/catalogue/ceiling_kernels.hpp"
#include "scheme/catalogue/program_list.hpp"

namespace {

using Programs = std::vector<qtrap::scheme::KernelProgram>;

void print_programs(const Programs& programs, const char* builder) {
  for (const qtrap::scheme::KernelProgram& program : programs) {
    const qtrap::scheme::KernelEntry& kernel = *program.kernel;
    fmt::print("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n", kernel.name(), kernel.family, kernel.variant, kernel.file,
               kernel.entry(), program.work_group, builder, qtrap::device::Device::build_options(program.options));
  }
}

int print_launches(const Programs& programs) {
  std::size_t number = 0;
  qtrap::scheme::Extent extent;
  while (std::cin >> number >> extent.count >> extent.rows >> extent.columns >> extent.tokens >> extent.splits) {
    if (number >= programs.size()) return 2;
    const qtrap::device::WorkSize size = programs[number].kernel->size(programs[number].tuning, extent);
    fmt::print("{} {}\n", fmt::join(size.global, " "), fmt::join(size.local, " "));
  }
  return std::cin.eof() ? 0 : 2;
}

int print_formats() {
  for (const qtrap::format::FormatInfo& format : qtrap::format::all_formats())
    fmt::print("{}\t{}\n", format.code, format.unpack_operations);
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  using namespace qtrap;
  if (count == 2 && std::string_view(arguments[1]) == "--formats") return print_formats();
  Programs programs = scheme::list_programs();
  const Programs candidates = scheme::list_candidates();
  if (count == 2 && std::string_view(arguments[1]) == "--launches") {
    programs.insert(programs.end(), candidates.begin(), candidates.end());
    return print_launches(programs);
  }
  print_programs(programs, "run");
  print_programs(candidates, "tune");
  for (const device::ProbeProgram& probe : device::probe_programs()) {
    fmt::print("{0}\tprobe\t{1}\t{2}\t{0}\t64\tprobe\t{3}\n", probe.entry, probe.name, probe.file,
               device::Device::build_options(std::string(probe.options)));
  }
  for (const scheme::ListedCeiling& ceiling : scheme::list_ceiling_programs()) {
    fmt::print("{0}_{1}\t{2}\t{1}\t{3}\t{0}\t{4}\tceiling\t{5}\t{6}\n", ceiling.program.entry, ceiling.variant->name,
               ceiling.variant->family, scheme::CeilingKernels::kFile, ceiling.work_group,
               device::Device::build_options(ceiling.program.options), ceiling.program.macs_per_round);
  }
  return 0;
}
