#include "result/fit_file.hpp"

#include "result/json_codec.hpp"

namespace qtrap::result {

Result<std::string> to_fit_json(const FitFile& fit) {
  Problem problem;
  const Json json = encode_record(fit, problem);
  if (problem.found()) return problem.error();
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<FitFile> parse_fit(std::string_view text, std::string_view name) {
  auto json = parse_json(text, name);
  if (!json) return json.error();
  if (!json.value().is_object()) {
    return usage_error("a fit file is not a JSON object", quote_json(json.value()),
                       "give the file that `qtrap fit` wrote");
  }
  const Status version = check_version(json.value());
  if (!version) return version.error();
  FitFile fit;
  Problem problem;
  decode_record(json.value(), "", fit, problem);
  if (problem.found()) return problem.error();
  return fit;
}

}  // namespace qtrap::result
