#include "report/table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/contract.hpp"
#include "core/text.hpp"

namespace qtrap::report {
namespace {

std::string text_of(const Value& value) {
  struct Visitor {
    std::string operator()(std::monostate) const { return "–"; }
    std::string operator()(const std::string& text) const { return escape_controls(text); }
    std::string operator()(std::int64_t number) const { return fmt::format("{}", number); }
    std::string operator()(double number) const { return fmt::format("{:.4g}", number); }
    std::string operator()(bool flag) const { return flag ? "yes" : "no"; }
    std::string operator()(const std::vector<std::string>& list) const {
      return escape_controls(fmt::format("{}", fmt::join(list, ", ")));
    }
  };
  return std::visit(Visitor{}, value);
}

bool is_number(const Value& value) {
  return std::holds_alternative<std::int64_t>(value) || std::holds_alternative<double>(value);
}

std::string padded(const std::string& text, std::size_t width, bool right) {
  const std::string space(width - std::min(width, count_characters(text)), ' ');
  return right ? space + text : text + space;
}

}  // namespace

std::string to_text(const Table& table) {
  std::string out;
  std::vector<std::size_t> widths;
  std::vector<bool> right;
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    std::size_t width = count_characters(table.columns[c].heading);
    bool numeric = !table.rows.empty();
    for (const auto& row : table.rows) {
      width = std::max(width, count_characters(text_of(row.at(c))));
      numeric = numeric && (is_number(row[c]) || std::holds_alternative<std::monostate>(row[c]));
    }
    widths.push_back(width);
    right.push_back(numeric);
  }
  const auto line = [&](auto&& cell) {
    std::string text;
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
      if (!table.columns[c].heading.empty()) text += (text.empty() ? "" : "  ") + padded(cell(c), widths[c], right[c]);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  };
  line([&](std::size_t c) { return table.columns[c].heading; });
  for (const auto& row : table.rows) line([&](std::size_t c) { return text_of(row[c]); });
  return out;
}

std::string to_json(const Table& table) {
  auto rows = nlohmann::ordered_json::array();
  for (const auto& row : table.rows) {
    nlohmann::ordered_json object;
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
      if (table.columns[c].key.empty()) continue;
      std::visit(
          [&](const auto& value) {
            using T = std::decay_t<decltype(value)>;
            auto& slot = object[table.columns[c].key];
            if constexpr (std::is_same_v<T, std::monostate>) {
              slot = nullptr;
            } else {
              if constexpr (std::is_same_v<T, double>) expects(std::isfinite(value), "a number in JSON is finite");
              slot = value;
            }
          },
          row.at(c));
    }
    rows.push_back(std::move(object));
  }
  return rows.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace qtrap::report
