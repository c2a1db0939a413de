#include "import/table.hpp"

#include <fmt/format.h>

#include "core/text.hpp"
#include "import/csv.hpp"
#include "import/json_table.hpp"

namespace qtrap::importer {

Result<Table> parse_table(std::string_view text, std::string_view name, std::optional<char> separator) {
  if (!separator && looks_like_json(text)) return parse_json_table(text, name);
  return parse_csv(text, name, separator);
}

std::optional<Error> find_bad_text(std::string_view text, std::string_view name) {
  if (!is_utf8(text)) return usage_error(fmt::format("{} is not UTF-8", name), "", "save it as UTF-8 text");
  if (text.find('\0') == std::string_view::npos) return std::nullopt;
  return usage_error(fmt::format("{} is not a text", name), "NUL byte", "give a comma-separated table");
}

std::string_view skip_byte_order_mark(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  return text;
}

}  // namespace qtrap::importer
