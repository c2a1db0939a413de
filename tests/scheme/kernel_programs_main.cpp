// Prints every program that the host builds, one line each, tab-separated: kernel, family, variant, file, entry, items
// per group, what builds it (`run`, `tune` for its candidates alone, or `probe`), options. tools/check-kernels reads
// it, so that the off-line check and the host cannot disagree.
#include <fmt/format.h>

#include "device/probe.hpp"
#include "scheme/program_list.hpp"

namespace {

void print_programs(const std::vector<qtrap::scheme::KernelProgram>& programs, const char* builder) {
  for (const qtrap::scheme::KernelProgram& program : programs) {
    const qtrap::scheme::KernelEntry& kernel = *program.kernel;
    fmt::print("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n", kernel.name(), kernel.family, kernel.variant, kernel.file,
               kernel.entry(), program.work_group, builder, qtrap::device::Device::build_options(program.options));
  }
}

}  // namespace

int main() {
  using namespace qtrap;
  print_programs(scheme::list_programs(), "run");
  print_programs(scheme::list_candidates(), "tune");
  for (const device::ProbeProgram& probe : device::probe_programs()) {
    fmt::print("{0}\tprobe\t{1}\t{2}\t{0}\t64\tprobe\t{3}\n", probe.entry, probe.name, probe.file,
               device::Device::build_options(std::string(probe.options)));
  }
  return 0;
}
