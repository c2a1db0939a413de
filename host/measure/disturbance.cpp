#include "measure/disturbance.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <locale>
#include <set>
#include <sstream>
#include <utility>

#include "core/file.hpp"

namespace qtrap::measure {
namespace {

constexpr double kForeignProcessors = 0.25;
const Seconds kShortestSpan(0.5);

double to_seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

/// Fields of a line of /proc/stat after its name.
struct ProcessorTimes {
  double busy = 0;
  double counted = 0;
};

/// One line of /proc/stat; absent for those that are not "cpu" or "cpuN". The number of "cpu", the sum of all, is -1.
std::optional<std::pair<int, ProcessorTimes>> parse_stat_line(const std::string& line) {
  if (!line.starts_with("cpu")) return std::nullopt;
  std::istringstream fields(line.substr(3));
  fields.imbue(std::locale::classic());
  int processor = -1;
  if (line.size() > 3 && line[3] != ' ') fields >> processor;
  double user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0;
  fields >> user >> nice >> system >> idle >> iowait >> irq >> softirq >> steal;
  if (!fields) return std::nullopt;
  const double busy = user + nice + system + irq + softirq + steal;
  return std::pair(processor, ProcessorTimes{busy, busy + idle + iowait});
}

/// Processor time of the scope's processors; absent where none is found.
std::optional<std::map<int, ProcessorTimes>> read_stat(const LoadScope& scope) {
  std::ifstream file(scope.root / "proc/stat");
  std::map<int, ProcessorTimes> times;
  std::string line;
  while (std::getline(file, line)) {
    const auto one = parse_stat_line(line);
    if (!one) break;  // the processors come first
    const bool wanted = scope.processors.empty()
                            ? (scope.used_only ? one->first >= 0 : one->first < 0)
                            : std::binary_search(scope.processors.begin(), scope.processors.end(), one->first);
    if (wanted) times.insert(*one);
  }
  if (times.empty()) return std::nullopt;
  return times;
}

/// Threads of this process: fields 14, 15 (time in user and kernel mode) and 39 (last processor) of proc(5)'s stat.
std::map<int, Task> read_tasks(const std::filesystem::path& root) {
  std::map<int, Task> tasks;
  for (const auto& task : list_folder(root / "proc/self/task")) {
    std::ifstream file(task / "stat");
    std::string line;
    if (!std::getline(file, line)) continue;
    const std::size_t name_end = line.rfind(')');  // the name may hold spaces
    if (name_end == std::string::npos) continue;
    std::istringstream fields(line.substr(name_end + 1));
    fields.imbue(std::locale::classic());
    std::vector<std::string> words(std::istream_iterator<std::string>(fields), {});
    constexpr std::size_t kUser = 11, kKernel = 12, kProcessor = 36;  // counted from field 3
    if (words.size() <= kProcessor) continue;
    const auto number = [&](std::size_t at) {
      std::uint64_t value = 0;
      std::from_chars(words[at].data(), words[at].data() + words[at].size(), value);
      return value;
    };
    int id = 0;
    const std::string name = task.filename();
    std::from_chars(name.data(), name.data() + name.size(), id);
    tasks[id] = {number(kUser) + number(kKernel), static_cast<int>(number(kProcessor))};
  }
  return tasks;
}

/// Processors on which threads of this process ran in between.
std::set<int> used_processors(const LoadSnapshot& from, const LoadSnapshot& to) {
  std::set<int> used;
  for (const auto& [id, task] : to.tasks) {
    const auto before = from.tasks.find(id);
    if (before != from.tasks.end() && before->second.ticks == task.ticks) continue;
    used.insert(task.processor);
    if (before != from.tasks.end()) used.insert(before->second.processor);
  }
  return used;
}

/// Busy time in between that counts: all of it, or that of the processors in use.
double busy_between(const LoadSnapshot& from, const LoadSnapshot& to) {
  if (to.by_processor.empty()) return to.busy_s - from.busy_s;
  double busy = 0;
  for (const int processor : used_processors(from, to)) {
    const auto before = from.by_processor.find(processor);
    const auto after = to.by_processor.find(processor);
    if (before != from.by_processor.end() && after != to.by_processor.end()) busy += after->second - before->second;
  }
  return busy;
}

}  // namespace

LoadScope make_load_scope(const MachineLimits& limits, bool on_cpu) {
  LoadScope scope;
  scope.processors = limits.processors;
  scope.used_only = !on_cpu;
  scope.quota_files = limits.quota_files;
  return scope;
}

std::optional<LoadSnapshot> read_load(const Clock& clock, const LoadScope& scope) {
  const auto times = read_stat(scope);
  rusage own{};
  if (!times || getrusage(RUSAGE_SELF, &own) != 0) return std::nullopt;
  const auto ticks_per_s = static_cast<double>(sysconf(_SC_CLK_TCK));
  LoadSnapshot snapshot{clock.now(), 0, to_seconds(own.ru_utime) + to_seconds(own.ru_stime)};
  for (const auto& [processor, time] : *times) {
    snapshot.busy_s += time.busy / ticks_per_s;
    snapshot.counted_s += time.counted / ticks_per_s;
    if (scope.used_only) snapshot.by_processor[processor] = time.busy / ticks_per_s;
  }
  if (scope.used_only) snapshot.tasks = read_tasks(scope.root);
  snapshot.throttled_periods = read_throttled_periods(scope.quota_files);
  return snapshot;
}

double compute_foreign_processors(const LoadSnapshot& from, const LoadSnapshot& to) {
  const double elapsed_s = (to.at - from.at).value();
  if (elapsed_s <= 0) return 0;
  return std::max(0.0, busy_between(from, to) - (to.own_s - from.own_s)) / elapsed_s;
}

LoadMonitor::LoadMonitor(const Clock& clock, LoadScope scope) : clock_(&clock), scope_(std::move(scope)) { begin(); }

void LoadMonitor::begin() {
  if (auto now = read_load(*clock_, scope_)) marks_.push_back(std::move(*now));
}

std::vector<std::string> LoadMonitor::judge() {
  const auto now = read_load(*clock_, scope_);
  if (!now || marks_.empty()) return {kLoadUnknown};
  std::vector<std::string> flags;
  if (now->throttled_periods > marks_.back().throttled_periods) flags.emplace_back(kQuotaThrottled);
  // The latest mark that lies far enough back serves; older ones never will again.
  while (marks_.size() > 1 && now->at - marks_[1].at >= kShortestSpan) marks_.pop_front();
  const LoadSnapshot& from = marks_.front();
  if (now->at - from.at < kShortestSpan) return flags;
  if (now->counted_s <= from.counted_s) {
    flags.emplace_back(kLoadUnknown);
  } else if (compute_foreign_processors(from, *now) > kForeignProcessors) {
    flags.emplace_back(kForeignLoad);
  }
  return flags;
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
