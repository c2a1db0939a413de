#include "power/meters/jetson.hpp"

#include <algorithm>
#include <array>

#include "core/file.hpp"
#include "power/meters/file_meter.hpp"

namespace qtrap::power {

namespace {

// Rails that carry the whole module, by generation: Orin NX and Nano, TX2 and Xavier NX, Nano.
constexpr std::array kInputRails{"VDD_IN", "POM_5V_IN", "VIN", "5V_IN"};

struct NamedRail {
  std::string name;
  MeterFiles::Rail files;
};

std::vector<NamedRail> list_rails(const MeterEnvironment& environment) {
  std::vector<NamedRail> rails;
  for (const auto& hwmon : list_hwmon(environment, "ina3221")) {
    for (int channel = 1; channel <= 3; ++channel) {
      const std::string number = std::to_string(channel);
      const auto label = read_first_line(hwmon / ("in" + number + "_label"));
      // Channels without a label, or labelled NC, are not connected.
      if (!label || label->empty() || *label == "NC") continue;
      rails.push_back({*label, {hwmon / ("in" + number + "_input"), hwmon / ("curr" + number + "_input")}});
    }
  }
  return rails;
}

}  // namespace

std::vector<Finding> find_jetson(const MeterEnvironment& environment, const Clock& clock) {
  const std::vector<NamedRail> rails = list_rails(environment);
  if (rails.empty()) {
    return {{"jetson", (environment.sysfs_root() / "class/hwmon/*/name = ina3221").string(), nullptr,
             "no INA3221 rail monitor (only Jetson modules have one)", "", std::nullopt}};
  }
  MeterInfo info;
  info.name = "jetson";
  info.scope = Scope::kModule;
  info.limits.max_power = Watts(500);
  MeterFiles files;
  const auto input = std::find_if(rails.begin(), rails.end(), [](const NamedRail& rail) {
    return std::find(kInputRails.begin(), kInputRails.end(), rail.name) != kInputRails.end();
  });
  for (const NamedRail& rail : rails) {
    if (input != rails.end() && &rail != &*input) continue;
    files.rails.push_back(rail.files);
    info.board += (info.board.empty() ? "" : " + ") + rail.name;
  }
  if (input == rails.end()) {
    info.scope = Scope::kRails;
    info.notes.emplace_back("no input rail: the sum of the measured rails, not the whole module");
  }
  info.source = files.rails.front().voltage_mv.parent_path().string();
  return {make_file_finding(environment, info, files, clock)};
}

}  // namespace qtrap::power
