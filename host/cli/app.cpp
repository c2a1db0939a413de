#include "cli/app.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <exception>
#include <functional>
#include <new>

#include "campaign/session_worker.hpp"
#include "cli/commands.hpp"
#include "cli/quality_command.hpp"
#include "core/error.hpp"
#include "device/discovery.hpp"
#include "program/device_cache.hpp"
#include "program/exit_code.hpp"
#include "program/output.hpp"
#include "program/probing.hpp"
#include "program/standard_streams.hpp"
#include "program/version.hpp"

namespace qtrap::cli {
namespace {

std::string version_text() {
  const program::Version& v = program::version();
  std::string text = fmt::format("qtrap {}\ncommit {}{}\ncompiler {}\n", v.number,
                                 v.commit.empty() ? "unknown" : v.commit, v.dirty ? " (modified)" : "", v.compiler);
  return text + "OpenCL loader " + device::loader_description() + "\n";
}

int exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kUsage:
      return program::kBadUsage;
    case ErrorKind::kRuntime:
      return program::kFailed;
    case ErrorKind::kInterrupted:
      break;
  }
  return program::kInterrupted;
}

int report_error(const Error& error) {
  program::say(fmt::format("qtrap: error: {}\n", error.message()));
  return exit_code(error.kind);
}

constexpr const char kNoMemory[] =
    "qtrap: error: out of host memory: free memory, give a smaller file or run a smaller campaign\n";

/// Said without another allocation.
int report_no_memory() {
  std::fputs(kNoMemory, stderr);
  return program::kFailed;
}

/// Destructors that need memory (those of large JSON values do) end here: one line and an exit code, no abort.
[[noreturn]] void end_badly() {
  try {
    if (const auto failure = std::current_exception()) std::rethrow_exception(failure);
  } catch (const std::bad_alloc&) {
    std::_Exit(report_no_memory());
  } catch (...) {
  }
  std::fputs("qtrap: error: unexpected failure: this is a defect of qtrap, please report it\n", stderr);
  std::_Exit(program::kFailed);
}

/// The program's options, bound to what the chosen command runs.
class CommandLine {
 public:
  explicit CommandLine(std::vector<std::string> argv) : argv_(std::move(argv)) {
    app_.require_subcommand(1);
    // An empty text: what is printed asks OpenCL's loader and is made when it is wanted.
    app_.set_version_flag("--version", "");
    app_.failure_message([](const CLI::App*, const CLI::Error&) { return std::string(); });
    add_device_commands();
    add_tune();
    add_quality();
    add_run();
    add_file_commands();
    refuse_empty_values();
  }

  int run() {
    reject_unknown_command();
    std::vector<std::string> reversed(argv_.rbegin(), argv_.rend() - 1);
    try {
      app_.parse(reversed);
    } catch (const CLI::CallForHelp&) {
      program::print(help_text());
      return program::kDone;
    } catch (const CLI::CallForVersion&) {
      program::print(version_text());
      return program::kDone;
    } catch (const CLI::ParseError& error) {
      return report_error(usage_error("bad usage", error.what(), "see `qtrap --help` or `qtrap COMMAND --help`"));
    }
    return action_();
  }

 private:
  /// CLI11 would say only that a command is missing.
  void reject_unknown_command() const {
    if (argv_.size() < 2 || argv_[1].starts_with('-')) return;
    std::vector<std::string> names;
    for (const CLI::App* command : app_.get_subcommands([](const CLI::App*) { return true; })) {
      if (command->get_name() == argv_[1]) return;
      if (!command->get_group().empty()) names.push_back(command->get_name());
    }
    throw Failure(usage_error("bad usage: unknown command", argv_[1],
                              fmt::format("choose one of {}; see `qtrap --help`", fmt::join(names, ", "))));
  }

  /// An empty value is a script's unset variable, and would be taken for the default.
  void refuse_empty_values() {
    const auto all = [](const auto*) { return true; };
    for (CLI::App* command : app_.get_subcommands([](CLI::App*) { return true; })) {
      if (command->get_group().empty()) continue;  // internal: the program itself fills its options
      for (CLI::Option* option : command->get_options(all)) {
        if (option->get_expected_max() == 0) continue;  // a flag
        // Unlike a check, a transformation comes before the option's own checks.
        option->transform([name = option->get_name()](const std::string& value) {
          if (value.empty()) throw Failure(usage_error("empty value", name, "give one, or leave it out"));
          return value;
        });
      }
    }
  }

  std::string help_text() const {
    for (const CLI::App* command : app_.get_subcommands()) return command->help();
    return app_.help();
  }

  CLI::App* add(const std::string& name, const std::string& description, std::function<int()> action) {
    CLI::App* command = app_.add_subcommand(name, description);
    command->callback([this, action = std::move(action)] { action_ = action; });
    return command;
  }

  void add_device_options(CLI::App* command, bool json, bool variant) {
    command->add_option("--device", run_.device.selector, "Index, cpu, gpu, PCI address or part of a name")
        ->type_name("SEL");
    command->add_option("--kernel-dir", run_.device.kernel_dir, "Kernel sources to use instead of the embedded ones")
        ->type_name("DIR");
    if (variant)
      command->add_option("--variant", run_.device.variant, "Kernel variant, as `verify` names them")
          ->type_name("NAME");
    if (json) command->add_flag("--json", run_.device.json, "Print JSON instead of a table");
  }

  /// Internal: a process that this program starts for a device, as make_worker_arguments() describes it.
  CLI::App* add_worker(const std::string& name, std::function<int()> action) {
    CLI::App* worker = add(name, "", std::move(action));
    worker->group("");
    worker->add_option("--output-descriptor", descriptor_)->required();
    worker->add_option("--expect", run_.device.expected)->expected(3)->required();
    worker->add_option("--kernel-dir", run_.device.kernel_dir);
    worker->add_option("--variant", run_.device.variant);
    worker->add_option("--cache", run_.device.cache);
    worker->add_option("--probes", run_.device.probes);
    return worker;
  }

  void add_watchdog(CLI::App* command) {
    command
        ->add_option("--watchdog", run_.device.watchdog_s,
                     "End what gives no sign of life for this long and for ten times what it should take; 0: never")
        ->type_name("SECONDS")
        ->check(CLI::Range(0.0, 1e9));
  }

  void add_device_commands() {
    auto* devices = add("devices", "List every OpenCL device with its capabilities",
                        [this] { return run_devices(run_.device, verbose_); });
    devices->add_flag("--verbose", verbose_, "With what the compiler said of each capability that is missing");
    devices->add_flag("--json", run_.device.json, "Print JSON instead of a table");
    add_watchdog(devices);
    auto* verify = add("verify", "Compare every kernel with a host reference",
                       [this] { return run_verify(run_.device, kernel_); });
    add_device_options(verify, true, true);
    verify->add_option("--kernel", kernel_, "Only kernels whose name contains this")->type_name("NAME");
    add_watchdog(verify);
    add_item_workers();
    auto* meters = add("meters", "List energy meters, found or denied, with the reason",
                       [this] { return run_meters(run_.device, characterise_); });
    add_device_options(meters, true, false);
    meters->add_flag("--characterise", characterise_,
                     "Load the device and measure its sensor's period, window and delay (minutes)");
    auto* ceilings = add("ceilings", "Measure bandwidth, arithmetic rate and launch cost",
                         [this] { return run_ceilings(run_.device); });
    add_watchdog(ceilings);
    add_device_options(ceilings, true, false);
    add_worker("measure-ceilings", [this] {
      return run_ceilings_worker(run_.device, descriptor_);
    })->add_flag("--json", run_.device.json);
    add_worker("measure-cache", [this] { return program::run_cache_sweep(run_.device, descriptor_); });
  }

  /// Internal: processes that may die of what they try.
  void add_item_workers() {
    const auto add_items = [this](const std::string& name, const std::function<int()>& work) {
      CLI::App* worker = add_worker(name, [this, work] {
        items_.device = run_.device;
        items_.output_descriptor = descriptor_;
        return work();
      });
      worker->add_option("--first", items_.first);
      worker->add_flag("--alone", items_.alone);
      return worker;
    };
    auto* probe = add_items("probe-device", [this] { return program::run_probe_worker(items_); });
    auto* verify = add_items("verify-kernels", [this] { return run_verify_worker(items_, kernel_); });
    auto* quality = add_items("quality-schemes", [this] { return run_quality_worker(items_, scoring_); });
    auto* tune = add_items("tune-kernels", [this] { return run_tune_worker(items_, tune_.search); });
    probe->add_flag("--timer", items_.timer);
    verify->add_option("--kernel", kernel_);
    quality->add_option("--campaign-json", scoring_.campaign_json)->required();
    quality->add_option("--schemes", scoring_.schemes)->delimiter(',')->required();
    tune->add_option("--tokens", tune_.search.tokens)->delimiter(',');
    tune->add_option("--max-seconds", tune_.search.max_seconds);
  }

  /// Keys of the campaign as options of their own.
  void add_key(CLI::App* command, const std::string& option, const std::string& key, const std::string& description,
               const std::string& type) {
    command
        ->add_option_function<std::string>(
            option, [this, key](const std::string& value) { keys_.push_back(key + "=" + value); }, description)
        ->type_name(type);
  }

  void add_text_options(CLI::App* command) {
    add_key(command, "--weights", "weights",
            "GGUF, safetensors, model.safetensors.index.json, or the folder of one of the last two", "FILE");
    add_key(command, "--text", "text", "Text in UTF-8, for the tokenizer that comes with the weights", "FILE");
    add_key(command, "--tokens", "token_ids", "In place of a text: decimal token ids", "FILE");
    add_key(command, "--windows", "windows", "Windows of text, the units of the intervals (8)", "N");
    add_key(command, "--window-tokens", "window_tokens", "Tokens of a window (512)", "N");
  }

  /// What was given on the command line goes before --set.
  void take_keys() { run_.overrides.insert(run_.overrides.begin(), keys_.begin(), keys_.end()); }

  void add_quality() {
    auto* quality = add("quality", "Evaluate what each scheme does to a model's output on a text", [this] {
      run_.argv = argv_;
      take_keys();
      return run_quality(run_);
    });
    add_device_options(quality, true, true);
    quality
        ->add_option(
            "campaign", run_.campaign,
            "Path, or name of a file in profiles/campaigns/, for its schemes (default: all that compute alike once)")
        ->type_name("CAMPAIGN");
    add_text_options(quality);
    add_key(quality, "--schemes", "schemes", "Schemes, e.g. w8a8,nf4-fused", "SCHEMES");
    add_key(quality, "--group-size", "group_size", "int4, int3 and int2 weights per scale (128)", "N");
    quality->add_option("--out", run_.out, "Result file to write the losses to; - is stdout")->type_name("FILE");
    add_watchdog(quality);
    quality->add_flag("--quiet", run_.quiet, "No progress on stderr");
  }

  void add_tune() {
    auto* tune = add("tune", "Search the kernels' tunables for a device; `run` uses what is found (minutes)", [this] {
      tune_.device = run_.device;
      return run_tune(tune_);
    });
    add_device_options(tune, true, true);
    tune->add_option("--tokens", tune_.search.tokens, "Tokens in lockstep to tune for, e.g. 1,8,64")
        ->delimiter(',')
        ->check(CLI::Range(1, 65536));
    tune->add_option("--max-seconds", tune_.search.max_seconds, "No further candidate after this time")
        ->check(CLI::Range(0.0, 1e6));
    add_watchdog(tune);
    tune->add_option("--out", tune_.out,
                     "Tuning file (default: the user's cache folder, where `run` looks); - is stdout")
        ->type_name("FILE");
    tune->add_flag("--quiet", tune_.quiet, "No progress on stderr");
  }

  void add_run() {
    auto* command = add("run", "Run a campaign, write one result file, print the table", [this] {
      run_.argv = argv_;
      take_keys();
      return campaign::run_campaign(run_);
    });
    add_device_options(command, false, true);
    command->add_option("campaign", run_.campaign, "Path, or name of a file in profiles/campaigns/")
        ->type_name("CAMPAIGN");
    command
        ->add_option("--meter", run_.meter,
                     "auto, none, nvml, amd, intel, rapl, jetson (each also with :WHICH), tdp:WATTS or replay:FILE")
        ->type_name("SPEC");
    command
        ->add_option("--tuning", run_.tuning,
                     "auto (what `tune` kept for the device, else profiles/devices/), none, or a tuning file")
        ->type_name("SPEC");
    command->add_flag("--require-energy", run_.require_energy, "Fail at once when no meter measures the device");
    command->add_flag("--require-gpu", run_.require_gpu, "Fail at once when the device is no GPU");
    command->add_option("--out", run_.out, "Result file (default: results/CAMPAIGN-TIME.jsonl); - is stdout")
        ->type_name("FILE");
    command->add_option("--resume", run_.resume, "Finish this result file")->type_name("FILE");
    command
        ->add_option(
            "--refine", run_.refine,
            "Measure, into this finished result file, the batch and the model size between the two beside each "
            "crossing that `fit` finds in it")
        ->type_name("FILE");
    add_text_options(command);
    command->add_option("--seed", run_.seed, "Seed of weights and block order")->type_name("N");
    command->add_option("--set", run_.overrides, "Override one campaign key, e.g. --set batch=1,8; may be repeated")
        ->type_name("KEY=VALUE")
        ->take_all()
        ->allow_extra_args(false);
    command
        ->add_option("--until", run_.until,
                     "Add sessions until every ratio to f16 is decided, or RATIO would have been seen in it; every "
                     "look at them counts, so that together they are wrong in 5 % of campaigns at most")
        ->type_name("RATIO");
    command
        ->add_option("--max-sessions", run_.max_sessions,
                     "With --until: sessions at most (default: the campaign's `sessions`)")
        ->type_name("N")
        ->check(CLI::Range(2, 100));  // as the campaign's key
    add_watchdog(command);
    command->add_flag("--dry-run", run_.dry_run, "Print what would run and how much memory it takes");
    command->add_flag("--quiet", run_.quiet, "No progress on stderr");

    add_session_worker();
  }

  /// Internal: started by `run`, one process per session.
  void add_session_worker() {
    auto* worker = add_worker("run-session", [this] {
      worker_.device = run_.device;
      worker_.output_descriptor = descriptor_;
      worker_.argv = argv_;
      return campaign::run_worker(worker_);
    });
    worker->add_option("--campaign-json", worker_.campaign_json)->required();
    worker->add_option("--cell", worker_.cells)->required();
    worker->add_option("--resident", worker_.resident)->required();
    worker->add_option("--avoid", worker_.avoid)->take_all()->allow_extra_args(false);
    worker->add_option("--lost", worker_.lost)->take_all()->allow_extra_args(false);
    worker->add_option("--left-out", worker_.left_out)->take_all()->allow_extra_args(false);
    worker->add_flag("--alone", worker_.alone);
    worker->add_option("--seed", worker_.seed);
    worker->add_option("--session-index", worker_.session_index);
    worker->add_flag("--first", worker_.first);
    worker->add_option("--meter", worker_.meter);
    worker->add_option("--tuning", worker_.tuning);
  }

  void add_file_commands() {
    auto* check = add("check", "Validate model, campaign, result or fit files", [this] { return run_check(files_); });
    check->add_option("files", files_, "Files to validate")->required()->type_name("FILE");
    auto* fit = add("fit", "Fit the time and energy decompositions", [this] { return run_fit(fit_); });
    fit->add_option("results", fit_.files, "Result files")->required()->type_name("RESULT");
    fit->add_option("--out", fit_.out, "Fit file to write; - is stdout")->type_name("FIT.json");
    fit->add_option("--tdp", fit_.tdp_w, "Board power, to count energy as TDP x time beside the measured one")
        ->type_name("WATTS");
    fit->add_option("--weight", fit_.weights, "Exponent of throughput, energy or accuracy in a weighted index")
        ->type_name("CRITERION=EXPONENT")
        ->take_all()
        ->allow_extra_args(false);
    fit->add_option("--accuracy", fit_.accuracy, "Measured accuracies: columns model, scheme, accuracy")
        ->type_name("TABLE.csv");
    fit->add_option("--seed", fit_.seed, "Seed of the bootstrap")->type_name("N");
    fit->add_option("--no-effect-margin", fit_.no_effect_margin,
                    "A ratio within 1 -+ this is no effect; else the files'")
        ->type_name("SHARE");
    auto* plan = add("plan", "Say what a campaign will be able to tell, and with how many sessions",
                     [this] { return run_plan(plan_); });
    plan->add_option("campaign", plan_.run.campaign, "Campaign file, or name of one in profiles/campaigns/")
        ->required()
        ->type_name("CAMPAIGN");
    plan->add_option("results", plan_.files, "Result files that tell how far sessions and blocks spread")
        ->type_name("RESULT");
    plan->add_option("--ratio", plan_.ratio, "Ratio to f16 that is to be told from 1 (1.05)")->type_name("RATIO");
    plan->add_option("--power", plan_.power, "Probability of seeing it (0.8)")->type_name("POWER");
    plan->add_option("--set", plan_.run.overrides, "Override one campaign key; may be repeated")
        ->type_name("KEY=VALUE")
        ->take_all()
        ->allow_extra_args(false);
    plan->add_flag("--json", plan_.json, "Print JSON instead of a table");
    auto* compare = add("compare", "Devices and sessions side by side, each against its own f16 anchor",
                        [this] { return run_compare(files_, run_.device.json); });
    compare->add_option("results", files_, "Result files")->required()->type_name("RESULT");
    compare->add_flag("--json", run_.device.json, "Print JSON instead of tables");
    auto* importer = add("import", "Turn somebody else's table into a result file", [this] {
      import_.argv = argv_;
      return run_import(import_);
    });
    importer->add_option("table", import_.table, "Table of separated cells, or JSON")
        ->required()
        ->type_name("TABLE.csv");
    importer->add_option("--map", import_.map, "Map file, or name of a file in profiles/imports/")
        ->required()
        ->type_name("MAP.json");
    auto* anchor =
        importer->add_option("--anchor", import_.anchor, "Table whose f16 serves cells that have none; unpaired")
            ->type_name("TABLE.csv");
    importer->add_option("--anchor-map", import_.anchor_map, "Map of that table, where it is another")
        ->needs(anchor)
        ->type_name("MAP.json");
    importer->add_option("--out", import_.out, "Result file to write; - is stdout")->required()->type_name("RESULT");
    auto* weights = add("weights", "List the tensors of a file of weights, and the model that they make",
                        [this] { return run_weights(weights_); });
    weights
        ->add_option("file", weights_.path,
                     "GGUF, safetensors, model.safetensors.index.json, or the folder of one of the last two")
        ->required()
        ->type_name("FILE");
    weights->add_flag("--json", weights_.json, "Print JSON instead of tables");
    weights->add_option("--text", weights_.text, "Text to be told in tokens of the file's tokenizer")
        ->type_name("TEXT");
    weights->add_option("--out", weights_.out, "Model profile to write, of the weights' shape; - is stdout")
        ->type_name("MODEL.json");
    auto* exporter = add("export", "Write tidy tables", [this] { return run_export(files_, format_, records_, out_); });
    exporter->add_option("results", files_, "Result files")->required()->type_name("RESULT");
    exporter->add_option("--format", format_, "csv, md or sql")->required();
    exporter->add_option("--records", records_, "points, trials or quality");
    exporter->add_option("--out", out_, "File to write (default: stdout)")->type_name("FILE");
  }

  std::vector<std::string> argv_;
  CLI::App app_{"Energy and time of fp16, int8 and int4 multi-hop chains on any OpenCL device.", "qtrap"};
  std::function<int()> action_;
  campaign::RunOptions run_;
  campaign::WorkerOptions worker_;
  program::ItemWorkerOptions items_;
  int descriptor_ = -1;  ///< the parent's pipe
  std::string kernel_;
  bool characterise_ = false;
  bool verbose_ = false;
  TuneCommandOptions tune_;
  QualityWorkerOptions scoring_;
  std::vector<std::string> keys_;  ///< of the campaign, as KEY=VALUE
  FitCommandOptions fit_;
  PlanOptions plan_;
  std::vector<std::string> files_;
  std::string out_;
  ImportOptions import_;
  WeightsOptions weights_;
  std::string format_;
  std::string records_ = "points";
};

}  // namespace

int run(const std::vector<std::string>& arguments) {
  std::set_terminate(end_badly);
  program::set_results_apart();
  try {
    return CommandLine(arguments).run();
  } catch (const Failure& failure) {
    return report_error(failure.error());
  } catch (const std::bad_alloc&) {
    return report_no_memory();
  } catch (const std::exception& error) {
    return report_error(
        runtime_error("unexpected failure", error.what(), "this is a defect of qtrap, please report it"));
  }
}

}  // namespace qtrap::cli
