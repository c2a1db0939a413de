#include "core/machine_limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

namespace qtrap {
namespace {

constexpr int kMostProcessors = 1 << 16;
constexpr std::uint64_t kUnknownMemory = std::uint64_t{1} << 60;  ///< more than any machine has, less than "none"

/// The whole text of a file of /proc or /sys (their sizes are not told beforehand); empty where it cannot be read.
std::string read_text(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return in ? text.str() : std::string();
}

std::vector<std::string_view> split(std::string_view text, char by) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(by), text.size());
    if (end > 0) parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

bool has_word(std::string_view list, std::string_view word) {
  const auto words = split(list, ',');
  return std::find(words.begin(), words.end(), word) != words.end();
}

template <class T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view rest(parsed.ptr, static_cast<std::size_t>(text.data() + text.size() - parsed.ptr));
  if (parsed.ec != std::errc{} || rest.find_first_not_of(" \n") != std::string_view::npos) return std::nullopt;
  return value;
}

/// The number after "KEY " at the beginning of a line.
std::optional<std::uint64_t> find_number(std::string_view text, std::string_view key) {
  for (const std::string_view line : split(text, '\n')) {
    if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == ' ')
      return parse_number<std::uint64_t>(line.substr(key.size() + 1));
  }
  return std::nullopt;
}

/// One mount of a control group file system.
struct Mount {
  std::string_view root;   ///< group that is mounted there
  std::string_view point;  ///< where
};

/// The mount of `controller` of version 1, or that of version 2 for an empty one.
std::optional<Mount> find_mount(std::string_view mountinfo, std::string_view controller) {
  for (const std::string_view line : split(mountinfo, '\n')) {
    const std::size_t dash = line.find(" - ");
    if (dash == std::string_view::npos) continue;
    const auto before = split(line.substr(0, dash), ' ');
    const auto after = split(line.substr(dash + 3), ' ');  // type, source, options of the file system
    if (before.size() < 5 || after.size() < 3) continue;
    const bool wanted =
        controller.empty() ? after[0] == "cgroup2" : after[0] == "cgroup" && has_word(after[2], controller);
    if (wanted) return Mount{before[3], before[4]};
  }
  return std::nullopt;
}

/// The process's group in the hierarchy of `controller`, or of version 2 for an empty one.
std::optional<std::string_view> find_group(std::string_view cgroup, std::string_view controller) {
  for (const std::string_view line : split(cgroup, '\n')) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    if (controller.empty() ? controllers.empty() : has_word(controllers, controller)) return line.substr(second + 1);
  }
  return std::nullopt;
}

template <class T>
void lower(std::optional<T>& least, std::optional<T> value) {
  if (value && (!least || *value < *least)) least = value;
}

/// Processors' worth of time that the group in `folder` may use.
std::optional<double> read_quota(const std::filesystem::path& folder) {
  std::optional<double> quota;
  std::optional<double> period;
  if (const std::string both = read_text(folder / "cpu.max"); !both.empty()) {  // "max 100000" or "40000 100000"
    const auto words = split(both, ' ');
    if (words.size() == 2) {
      quota = parse_number<double>(words[0]);
      period = parse_number<double>(words[1]);
    }
  } else {
    quota = parse_number<double>(read_text(folder / "cpu.cfs_quota_us"));  // -1: none
    period = parse_number<double>(read_text(folder / "cpu.cfs_period_us"));
  }
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  return *quota / *period;
}

void read_processors(const MachineSources& sources, MachineLimits& limits) {
  for (const std::string& status = read_text(sources.root / "proc/self/status");
       const std::string_view line : split(status, '\n')) {
    constexpr std::string_view kKey = "Cpus_allowed_list:\t";
    if (!line.starts_with(kKey)) continue;
    if (auto list = parse_processor_list(line.substr(kKey.size()))) limits.processors = std::move(*list);
  }
  // The mask of a process that nobody restricted names every processor the machine could ever have.
  const auto online = parse_processor_list(read_text(sources.root / "sys/devices/system/cpu/online"));
  if (!online) return;
  std::erase_if(limits.processors, [&](int one) { return !std::binary_search(online->begin(), online->end(), one); });
}

void read_memory(const std::filesystem::path& folder, std::uint64_t machine_bytes, MachineLimits& limits) {
  auto limit = parse_number<std::uint64_t>(read_text(folder / "memory.max"));
  if (!limit) limit = parse_number<std::uint64_t>(read_text(folder / "memory.limit_in_bytes"));
  if (!limit || *limit >= machine_bytes) return;  // version 1 writes a huge number for "none"
  const std::string stat = read_text(folder / "memory.stat");
  // Cached file pages give way; anonymous ones do not.
  const auto version_2 = find_number(stat, "anon");
  const std::uint64_t used = version_2 ? *version_2 : find_number(stat, "total_rss").value_or(0);
  lower(limits.memory_limit_bytes, limit);
  lower(limits.memory_room_bytes, std::optional(*limit > used ? *limit - used : 0));
}

/// The grant of a batch job on this node. Without confinement by control groups nothing else tells of it.
void read_slurm(const MachineSources& sources, std::uint64_t machine_bytes, MachineLimits& limits) {
  const auto variable = [&](const char* name) -> std::optional<std::uint64_t> {
    const auto found = sources.environment.find(name);
    const auto value = found == sources.environment.end() ? std::nullopt : parse_number<std::uint64_t>(found->second);
    return value && *value > 0 ? value : std::nullopt;
  };
  const auto on_node = variable("SLURM_CPUS_ON_NODE");
  const auto per_task = variable("SLURM_CPUS_PER_TASK");
  if (const auto processors = per_task ? per_task : on_node; processors && *processors < kMostProcessors)
    limits.granted = static_cast<int>(*processors);
  auto mebibytes = variable("SLURM_MEM_PER_NODE");
  if (const auto each = variable("SLURM_MEM_PER_CPU"); !mebibytes && each && on_node) mebibytes = *each * *on_node;
  if (!mebibytes || *mebibytes >= machine_bytes >> 20) return;
  lower(limits.memory_limit_bytes, std::optional(*mebibytes << 20));
  lower(limits.memory_room_bytes, std::optional(*mebibytes << 20));
}

std::uint64_t read_machine_memory(const std::filesystem::path& root) {
  for (const std::string& text = read_text(root / "proc/meminfo"); const std::string_view line : split(text, '\n')) {
    const auto words = split(line, ' ');
    if (words.size() < 2 || words[0] != "MemTotal:") continue;
    if (const auto kibibytes = parse_number<std::uint64_t>(words[1])) return *kibibytes << 10;
  }
  return kUnknownMemory;
}

}  // namespace

MachineSources MachineSources::system() {
  MachineSources sources;
  for (const char* name : {"SLURM_CPUS_ON_NODE", "SLURM_CPUS_PER_TASK", "SLURM_MEM_PER_NODE", "SLURM_MEM_PER_CPU"}) {
    if (const char* value = std::getenv(name)) sources.environment.emplace(name, value);
  }
  return sources;
}

std::optional<int> MachineLimits::usable_threads() const {
  std::optional<int> threads;
  if (!processors.empty()) threads = static_cast<int>(processors.size());
  lower(threads, granted);
  // Rounded down: a thread more would be stopped in every period of the quota.
  if (cpu_quota) lower(threads, std::optional(std::max(1, static_cast<int>(std::min(*cpu_quota + 1e-9, 1e6)))));
  return threads;
}

bool MachineLimits::is_dense(int threads) const {
  if (static_cast<std::size_t>(threads) > processors.size()) return false;
  for (int i = 0; i < threads; ++i) {
    if (processors[static_cast<std::size_t>(i)] != i) return false;
  }
  return true;
}

MachineLimits read_machine_limits(const MachineSources& sources) {
  MachineLimits limits;
  read_processors(sources, limits);
  const std::uint64_t machine_bytes = read_machine_memory(sources.root);
  const std::string mountinfo = read_text(sources.root / "proc/self/mountinfo");
  const std::string cgroup = read_text(sources.root / "proc/self/cgroup");
  for (const auto& folder : find_control_groups(mountinfo, cgroup, "cpu")) {
    const auto here = sources.root / folder.relative_path();
    const auto quota = read_quota(here);
    lower(limits.cpu_quota, quota);
    if (quota) limits.quota_files.push_back(here / "cpu.stat");
  }
  for (const auto& folder : find_control_groups(mountinfo, cgroup, "memory"))
    read_memory(sources.root / folder.relative_path(), machine_bytes, limits);
  read_slurm(sources, machine_bytes, limits);
  return limits;
}

std::uint64_t read_throttled_periods(const std::vector<std::filesystem::path>& quota_files) {
  std::uint64_t periods = 0;
  for (const auto& file : quota_files) periods += find_number(read_text(file), "nr_throttled").value_or(0);
  return periods;
}

std::optional<std::vector<int>> parse_processor_list(std::string_view text) {
  std::vector<int> processors;
  for (const std::string_view part : split(text, ',')) {
    const std::size_t dash = part.find('-');
    const auto first = parse_number<int>(part.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_number<int>(part.substr(dash + 1));
    if (!first || !last || *first < 0 || *last < *first || *last >= kMostProcessors) return std::nullopt;
    for (int i = *first; i <= *last; ++i) processors.push_back(i);
  }
  if (processors.empty()) return std::nullopt;
  std::sort(processors.begin(), processors.end());
  processors.erase(std::unique(processors.begin(), processors.end()), processors.end());
  return processors;
}

std::string format_processor_list(const std::vector<int>& processors) {
  std::string text;
  for (std::size_t i = 0; i < processors.size();) {
    std::size_t end = i + 1;
    while (end < processors.size() && processors[end] == processors[end - 1] + 1) ++end;
    text += fmt::format("{}{}", text.empty() ? "" : ",", processors[i]);
    if (end - i > 1) text += fmt::format("-{}", processors[end - 1]);
    i = end;
  }
  return text;
}

std::vector<std::filesystem::path> find_control_groups(std::string_view mountinfo, std::string_view cgroup,
                                                       std::string_view controller) {
  auto mount = find_mount(mountinfo, controller);
  auto group = find_group(cgroup, controller);
  if (!mount || !group) {
    mount = find_mount(mountinfo, "");
    group = find_group(cgroup, "");
  }
  if (!mount || !group) return {};
  // A container may see its own group as the mount's root, and name it from the machine's root all the same.
  std::string_view below = *group;
  if (mount->root != "/" && below.starts_with(mount->root)) below.remove_prefix(mount->root.size());
  if (below.starts_with("/..")) below = "/";  // outside of our namespace
  const std::filesystem::path point(mount->point);
  std::vector<std::filesystem::path> folders;
  for (std::filesystem::path at = std::filesystem::path(below).relative_path(); !at.empty(); at = at.parent_path())
    folders.push_back(point / at);
  folders.push_back(point);
  return folders;
}

}  // namespace qtrap
