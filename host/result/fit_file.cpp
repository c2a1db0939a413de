#include "result/fit_file.hpp"

#include "result/file_fields.hpp"
#include "table/codec.hpp"

namespace qtrap::result {

Result<std::string> to_fit_json(const FitFile& fit) { return table::write_document(fit); }

Result<FitFile> parse_fit(std::string_view text, std::string_view name) {
  return table::parse_document<FitFile>(text, name, kFitVersion);
}

}  // namespace qtrap::result
