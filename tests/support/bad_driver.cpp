// An OpenCL driver that misbehaves while it is loaded, as BAD_DRIVER says: print (on standard output, as libmali does),
// abort, crash, exit, hang. Offers no platform. Named by the .icd files that tests/cli/drivers_test.py writes.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

__attribute__((constructor)) void load() {
  const char* wanted = std::getenv("BAD_DRIVER");
  if (wanted == nullptr) return;
  if (std::strcmp(wanted, "print") == 0) {
    std::puts("this driver greets its users");
    std::fflush(stdout);
  }
  if (std::strcmp(wanted, "abort") == 0) {
    std::fputs("bad driver: cannot find its device\n", stderr);
    std::abort();
  }
  if (std::strcmp(wanted, "crash") == 0) std::raise(SIGSEGV);
  if (std::strcmp(wanted, "exit") == 0) std::exit(0);
  while (std::strcmp(wanted, "hang") == 0) ::pause();
}

}  // namespace
