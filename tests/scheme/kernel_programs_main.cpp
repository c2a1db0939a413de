// Prints every program that the host builds, one line each, tab-separated: kernel, family, file, entry, items per group,
// options. tools/check-kernels reads it, so that the off-line check and the host cannot disagree.
#include <cstdio>

#include "device/probe.hpp"
#include "scheme/program_list.hpp"

int main() {
  using namespace qtrap;
  const std::string& common = device::Device::common_options();
  for (const scheme::KernelProgram& program : scheme::list_programs()) {
    const std::string name = program.kernel->name();
    std::printf("%s\t%.*s\t%.*s\t%s\t%zu\t%s %s\n", name.c_str(), static_cast<int>(program.kernel->family.size()),
                program.kernel->family.data(), static_cast<int>(program.kernel->file.size()), program.kernel->file.data(),
                name.c_str(), program.work_group, common.c_str(), program.options.c_str());
  }
  for (const device::ProbeProgram& probe : device::probe_programs()) {
    const std::string entry(probe.entry);
    std::printf("%s\tprobe\t%s\t%s\t64\t%s %s\n", entry.c_str(), std::string(probe.file).c_str(), entry.c_str(),
                common.c_str(), std::string(probe.options).c_str());
  }
  return 0;
}
