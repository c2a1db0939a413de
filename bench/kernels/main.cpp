// bench/kernels: our kernels, the reads and copies that bound them, OpenBLAS and CLBlast on the same shapes,
// interleaved in one run and repeated over processes; a table on stdout, JSON beside it. See bench/README.md.
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "core/anchor.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "device/device.hpp"
#include "scheme/verify/verify.hpp"
#include "summary.hpp"
#include "workload.hpp"

namespace qtrap::bench {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string device;
  std::vector<std::string> shapes{"4096x14336"};
  std::vector<std::uint64_t> tokens{1, 4, 16, 64, 512};
  std::vector<std::string> only, formats;
  std::uint64_t cache_bytes = 0;
  std::string kernel_dir, compare_dir;
  std::string json_path = "bench-kernels.json";
  int processes = 3;
  TimingPlan timing;
  std::uint32_t group_size = 128;
  bool all = false, no_openblas = false, no_clblast = false, no_bandwidth = false;
  std::string worker_path;  ///< set in a worker: where its document goes
  int process = 0;
};

void add_options(CLI::App& app, Options& o) {
  app.add_option("--device", o.device, "index, cpu, gpu, PCI address or part of a name");
  app.add_option("--shapes", o.shapes, "weight shapes, e.g. 1024x1024,4096x14336")->delimiter(',');
  app.add_option("--columns", o.tokens, "columns of x, e.g. 1,16,512")->delimiter(',');
  app.add_flag("--all", o.all, "the five shapes with 1, 4, 16, 64 and 512 columns");
  app.add_option("--only", o.only, "only cases with one of these in their name")->delimiter(',');
  app.add_option("--formats", o.formats, "only these weight formats (f16 always), e.g. int4,q4_k")->delimiter(',');
  app.add_option("--cache-bytes", o.cache_bytes, "last-level cache, where the driver's word for it is wrong");
  app.add_option("--kernel-dir", o.kernel_dir, "kernels from this folder");
  app.add_option("--compare-dir", o.compare_dir,
                 "our cases a second time with kernels from this folder, as \"NAME other\"");
  app.add_option("--json", o.json_path, "where the JSON goes");
  app.add_option("--processes", o.processes, "processes")->check(CLI::PositiveNumber);
  app.add_option("--rounds", o.timing.rounds, "samples per case and process")->check(CLI::PositiveNumber);
  app.add_option("--case-seconds", o.timing.case_seconds, "time after which a case gets no further sample");
  app.add_option("--group", o.group_size, "columns per int4 group")->check(CLI::IsMember({32, 64, 128}));
  app.add_flag("--no-openblas", o.no_openblas, "without OpenBLAS");
  app.add_flag("--no-clblast", o.no_clblast, "without CLBlast");
  app.add_flag("--no-bandwidth", o.no_bandwidth, "without the passes over a whole matrix");
  app.add_option("--worker", o.worker_path)->group("");
  app.add_option("--process", o.process)->group("");
}

scheme::ProjectionShape parse_shape(const std::string& text) {
  const std::size_t cross = text.find('x');
  scheme::ProjectionShape shape;
  try {
    shape = {std::stoull(text.substr(0, cross)), std::stoull(text.substr(cross + 1))};
  } catch (const std::exception&) {
    shape = {};
  }
  if (cross == std::string::npos || shape.rows == 0 || shape.columns == 0)
    throw Failure(usage_error("not a shape", text, "write rows x columns, e.g. 4096x14336"));
  return shape;
}

std::string read_line(const char* path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

std::string cpu_model() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

device::KernelSources sources_of(const std::string& folder) {
  return folder.empty() ? device::KernelSources::embedded() : device::KernelSources::from_folder(folder).value();
}

device::DeviceInfo selected_device(const Options& options) {
  device::DeviceInfo info = device::select_device(device::list_devices().value(), options.device).value();
  if (options.cache_bytes > 0) info.cache_bytes = options.cache_bytes;
  return info;
}

void keep_wanted(Group& group, const std::vector<std::string>& only) {
  if (only.empty()) return;
  std::erase_if(group.cases, [&](const Case& item) {
    return std::none_of(only.begin(), only.end(),
                        [&](const std::string& part) { return item.name.find(part) != std::string::npos; });
  });
}

Json group_json(const Group& group, const std::vector<std::vector<double>>& samples) {
  Json cases = Json::array();
  for (std::size_t i = 0; i < group.cases.size(); ++i) {
    const Case& item = group.cases[i];
    cases.push_back({{"name", item.name},
                     {"kind", item.kind},
                     {"reference", item.reference},
                     {"bytes", item.bytes},
                     {"macs", item.macs},
                     {"samples_s", samples[i]}});
  }
  return {{"rows", group.rows},
          {"columns", group.columns},
          {"tokens", group.tokens},
          {"loadavg_before", read_line("/proc/loadavg")},
          {"cases", cases}};
}

/// What one process does: makes the buffers, checks the results in process 0, times every group.
class Worker {
 public:
  explicit Worker(const Options& options)
      : options_(options), info_(selected_device(options)), device_(info_, sources_of(options.kernel_dir)) {
    if (!options.compare_dir.empty()) other_.emplace(info_, sources_of(options.compare_dir));
    device_.probe_capabilities();
    if (other_) other_->probe_capabilities();
    openblas_ = options.no_openblas ? PeerState{"OpenBLAS", "left out", nullptr} : make_openblas();
    clblast_ = options.no_clblast ? PeerState{"CLBlast", "left out", nullptr} : make_clblast(info_);
    for (PeerState* peer : {&openblas_, &clblast_}) {
      if (peer->peer) peers_.push_back(peer);
    }
  }

  Json run() {
    Json document{{"device",
                   {{"name", info_.name},
                    {"platform", info_.platform},
                    {"platform_version", info_.platform_version},
                    {"driver", info_.driver},
                    {"compute_units", info_.compute_units},
                    {"cache_bytes", info_.cache_bytes},
                    {"float_vector_width", info_.float_vector_width}}},
                  {"cpu", cpu_model()},
                  {"started", utc_timestamp()},
                  {"kernels_sha256", device_.sources().sha256()},
                  {"openblas", openblas_.status},
                  {"clblast", clblast_.status}};
    const char* affinity = std::getenv("POCL_AFFINITY");
    document["pocl_affinity"] = affinity != nullptr ? Json(affinity) : Json(nullptr);
    if (options_.process == 0) verify(document);
    for (const std::string& text : options_.shapes) time_shape(parse_shape(text), document);
    return document;
  }

 private:
  void verify(Json& document) {
    const std::string family = info_.kernel_family();
    for (device::Device* device : {&device_, other_ ? &*other_ : nullptr}) {
      if (device == nullptr) continue;
      for (const scheme::VerifyRow& row : scheme::verify_kernels(*device, {{family}, "", false, ""})) {
        if (row.status == scheme::VerifyStatus::kFail)
          throw Failure(runtime_error("a kernel is wrong, nothing is timed", row.kernel + ": " + row.reason,
                                      "run `qtrap verify`"));
      }
    }
    document["checks"] = Json::array();
  }

  void time_shape(scheme::ProjectionShape shape, Json& document) {
    Workload workload(device_, shape, options_.group_size, options_.formats);
    std::optional<Workload> other;
    if (other_) other.emplace(*other_, shape, options_.group_size, options_.formats);
    const auto take = [&](const auto& make) {
      Group group = make(workload, peers_);
      if (other) {
        for (Case& item : make(*other, std::vector<PeerState*>{}).cases) {
          if (item.kind == "roof" || item.name == "copy") continue;
          item.name += " other";
          group.cases.push_back(std::move(item));
        }
      }
      keep_wanted(group, options_.only);
      TimingPlan plan = options_.timing;
      plan.order_seed = static_cast<std::uint32_t>(options_.process);
      const auto samples = time_group(group, plan, clock_);
      document["groups"].push_back(group_json(group, samples));
    };
    for (const std::uint64_t tokens : options_.tokens) {
      take([&](Workload& from, const std::vector<PeerState*>& peers) { return from.make_group(tokens, peers); });
      if (options_.process == 0) check(workload, tokens, document["checks"]);
    }
    if (options_.no_bandwidth) return;
    take([&](Workload& from, const std::vector<PeerState*>&) { return from.make_bandwidth_group(); });
  }

  void check(Workload& workload, std::uint64_t tokens, Json& checks) {
    for (const Check& check : workload.check(tokens, peers_)) {
      checks.push_back({{"name", check.name}, {"tokens", check.tokens}, {"worst_error_of_allowed", check.worst_error}});
      if (!check.passed())
        throw Failure(runtime_error("a result is wrong at the timed shape",
                                    fmt::format("{} with {} columns: {} of the "
                                                "allowed error",
                                                check.name, tokens, check.worst_error),
                                    "run `qtrap verify`"));
    }
  }

  const Options& options_;
  device::DeviceInfo info_;
  device::Device device_;
  std::optional<device::Device> other_;
  PeerState openblas_, clblast_;
  std::vector<PeerState*> peers_;
  MonotonicClock clock_;
};

/// Runs this program again as a worker and returns its document.
Json run_worker(const std::vector<std::string>& arguments, int process) {
  const std::string path =
      (std::filesystem::temp_directory_path() / fmt::format("bench-kernels-{}-{}.json", getpid(), process)).string();
  std::vector<std::string> words = arguments;
  for (const std::string& word : {std::string("--worker"), path, std::string("--process"), std::to_string(process)})
    words.push_back(word);
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t child = 0;
  int status = 0;
  if (posix_spawn(&child, "/proc/self/exe", nullptr, nullptr, argv.data(), environ) != 0 ||
      waitpid(child, &status, 0) != child)
    throw Failure(runtime_error("a process could not be started", "/proc/self/exe", "check the limits on processes"));
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw Failure(runtime_error("a process failed", std::to_string(process), "see its message above"));
  Json document = Json::parse(read_file(path).value());
  std::filesystem::remove(path);
  return document;
}

std::vector<Measured> pool_processes(const std::vector<Json>& documents) {
  std::vector<Measured> all;
  for (const Json& document : documents) {
    for (const Json& group : document.at("groups")) {
      for (const Json& item : group.at("cases")) {
        const auto samples = item.at("samples_s").get<std::vector<double>>();
        const auto same = std::find_if(all.begin(), all.end(), [&](const Measured& m) {
          return m.rows == group.at("rows") && m.columns == group.at("columns") && m.tokens == group.at("tokens") &&
                 m.name == item.at("name");
        });
        if (same != all.end()) {
          same->medians_s.push_back(compute_median(samples));
          continue;
        }
        all.push_back({group.at("rows"),
                       group.at("columns"),
                       group.at("tokens"),
                       item.at("name"),
                       item.at("kind"),
                       item.at("reference"),
                       item.at("bytes"),
                       item.at("macs"),
                       {compute_median(samples)}});
      }
    }
  }
  return all;
}

Json interval_json(const Interval& i) { return {{"value", i.value}, {"low", i.low}, {"high", i.high}}; }

Json summary_json(const std::vector<Measured>& all, const std::vector<TargetResult>& targets,
                  const std::vector<Hole>& holes) {
  Json table = Json::array();
  for (const Measured& item : all) {
    Json row{{"rows", item.rows},   {"columns", item.columns}, {"tokens", item.tokens},
             {"case", item.name},   {"kind", item.kind},       {"time_s", interval_json(pool(item.medians_s))},
             {"bytes", item.bytes}, {"macs", item.macs}};
    const Measured* f16 = find_case(all, item.rows, item.columns, item.tokens, kAnchor);
    if (f16 != nullptr) row["time_of_f16"] = interval_json(compute_ratio(item, *f16, Measure::kTime));
    const Measured* roof = find_case(all, item.rows, item.columns, item.tokens, item.reference);
    if (roof != nullptr)
      row["bytes_per_s_of_roof"] = interval_json(compute_ratio(item, *roof, Measure::kBytesPerSecond));
    table.push_back(row);
  }
  Json target_rows = Json::array();
  for (const TargetResult& target : targets) {
    target_rows.push_back({{"target", target.text},
                           {"wanted", target.limit},
                           {"at_least", target.at_least},
                           {"measured", target.ratio ? interval_json(*target.ratio) : Json(nullptr)},
                           {"met", target.ratio ? Json(target.met()) : Json(nullptr)}});
  }
  Json hole_rows = Json::array();
  for (const Hole& hole : holes) {
    hole_rows.push_back({{"rows", hole.rows},
                         {"columns", hole.columns},
                         {"tokens", hole.tokens},
                         {"scheme", hole.name},
                         {"what", hole.what}});
  }
  return {{"table", table}, {"targets", target_rows}, {"holes", hole_rows}};
}

void run_parent(const Options& options, const std::vector<std::string>& arguments) {
  std::vector<Json> documents;
  documents.reserve(static_cast<std::size_t>(options.processes));
  for (int process = 0; process < options.processes; ++process) documents.push_back(run_worker(arguments, process));
  const std::vector<Measured> all = pool_processes(documents);
  const auto targets = evaluate_targets(all);
  const auto holes = find_holes(all);
  const Json& first = documents.front();
  std::string text = fmt::format("{} on {}, OpenBLAS: {}, CLBlast: {}, {} processes, load {}\n",
                                 first["device"]["name"].get<std::string>(), first["cpu"].get<std::string>(),
                                 first["openblas"].get<std::string>(), first["clblast"].get<std::string>(),
                                 options.processes, first["groups"][0]["loadavg_before"].get<std::string>());
  text += format_table(all) + '\n' + format_targets(targets, holes);
  std::fputs(text.c_str(), stdout);
  Json result{{"schema", "qtrap.bench-kernels"}, {"schema_version", 1}, {"arguments", arguments}};
  result.update(summary_json(all, targets, holes));
  result["processes"] = documents;
  write_file(options.json_path, result.dump(1) + '\n', true).value();
}

}  // namespace
}  // namespace qtrap::bench

int main(int argc, char** argv) {
  using namespace qtrap::bench;
  Options options;
  CLI::App app("Times qtrap's kernels, what bounds them and other libraries on the same shapes.");
  add_options(app, options);
  CLI11_PARSE(app, argc, argv);
  if (options.all) {
    options.shapes = {"1024x1024", "4096x4096", "4096x14336", "14336x4096", "8192x28672"};
    options.tokens = {1, 4, 16, 64, 512};
  }
  try {
    if (options.worker_path.empty()) {
      run_parent(options, {argv, argv + argc});
    } else {
      qtrap::write_file(options.worker_path, Worker(options).run().dump(), true).value();
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench/kernels: error: %s\n", error.what());
    return 1;
  }
  return 0;
}
