// Prints every program that the host builds, one line each, tab-separated: kernel, family, variant, file, entry, items
// per group, options. tools/check-kernels reads it, so that the off-line check and the host cannot disagree.
#include <fmt/format.h>

#include "device/probe.hpp"
#include "scheme/program_list.hpp"

int main() {
  using namespace qtrap;
  for (const scheme::KernelProgram& program : scheme::list_programs()) {
    const scheme::KernelEntry& kernel = *program.kernel;
    fmt::print("{}\t{}\t{}\t{}\t{}\t{}\t{}\n", kernel.name(), kernel.family, kernel.variant, kernel.file,
               kernel.entry(), program.work_group, device::Device::build_options(program.options));
  }
  for (const device::ProbeProgram& probe : device::probe_programs()) {
    fmt::print("{0}\tprobe\t{1}\t{2}\t{0}\t64\t{3}\n", probe.entry, probe.name, probe.file,
               device::Device::build_options(std::string(probe.options)));
  }
  return 0;
}
