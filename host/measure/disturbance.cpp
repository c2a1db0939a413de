#include "measure/disturbance.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace qtrap::measure {
namespace {

constexpr double kForeignProcessors = 0.25;
const Seconds kShortestSpan(0.5);

double to_seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

}  // namespace

std::optional<LoadSnapshot> read_load(const Clock& clock, const std::filesystem::path& root) {
  std::ifstream file(root / "proc/stat");
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  std::istringstream fields(line);
  fields.imbue(std::locale::classic());
  std::string name;
  double user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0;
  fields >> name >> user >> nice >> system >> idle >> iowait >> irq >> softirq >> steal;
  rusage own{};
  if (!fields || name != "cpu" || getrusage(RUSAGE_SELF, &own) != 0) return std::nullopt;
  const auto ticks_per_s = static_cast<double>(sysconf(_SC_CLK_TCK));
  return LoadSnapshot{clock.now(), (user + nice + system + irq + softirq + steal) / ticks_per_s,
                      to_seconds(own.ru_utime) + to_seconds(own.ru_stime)};
}

double compute_foreign_processors(const LoadSnapshot& from, const LoadSnapshot& to) {
  const double elapsed_s = (to.at - from.at).value();
  if (elapsed_s <= 0) return 0;
  return std::max(0.0, (to.busy_s - from.busy_s) - (to.own_s - from.own_s)) / elapsed_s;
}

LoadMonitor::LoadMonitor(const Clock& clock, std::filesystem::path root) : clock_(&clock), root_(std::move(root)) {
  begin();
}

void LoadMonitor::begin() {
  if (const auto now = read_load(*clock_, root_)) marks_.push_back(*now);
}

bool LoadMonitor::saw_foreign_load() {
  const auto now = read_load(*clock_, root_);
  if (!now || marks_.empty()) return false;
  // The latest mark that lies far enough back serves; older ones never will again.
  while (marks_.size() > 1 && now->at - marks_[1].at >= kShortestSpan) marks_.pop_front();
  const Seconds span = now->at - marks_.front().at;
  if (span < kShortestSpan) return false;
  return compute_foreign_processors(marks_.front(), *now) > kForeignProcessors;
}

std::vector<std::string> judge_board(const power::BoardState& state, std::uint32_t own_pid) {
  std::vector<std::string> flags;
  if (!state.throttle_reasons.empty()) flags.emplace_back(kThrottled);
  if (state.process_ids && !state.process_ids->empty()) {
    const auto& ids = *state.process_ids;
    const bool listed = std::find(ids.begin(), ids.end(), own_pid) != ids.end();
    const auto others = listed ? std::count_if(ids.begin(), ids.end(), [&](auto id) { return id != own_pid; })
                               : static_cast<std::ptrdiff_t>(ids.size()) - 1;
    if (others > 0) flags.emplace_back(kForeignProcess);
  }
  return flags;
}

}  // namespace qtrap::measure
