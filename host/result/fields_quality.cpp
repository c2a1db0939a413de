// Field table of losses on text.
#include "result/fields.hpp"

namespace qtrap::result {

std::span<const Field<QualityRecord>> table_of(std::type_identity<QualityRecord>) {
  using R = QualityRecord;
  static const Field<R> kTable[] = {
      {&R::session_id, {"session_id", "", "session of the same program, kernels, device and weights"}},
      {&R::model, {"model", "", "model shape, as points name it"}},
      {&R::scheme, {"scheme", "", "precision scheme"}},
      {&R::weight_format, {"weight_format", "", "number format of its weights"}},
      {&R::group_size, {"group_size", "", "int4, int3 and int2 weights per scale, along k"}},
      {&R::text, {"text", "", "file of the text or of its token ids, as it was named"}},
      {&R::text_sha256, {"text_sha256", "", "SHA-256 of that file"}},
      {&R::windows, {"windows", "", "windows of text, from its beginning, each scored on its own"}},
      {&R::window_tokens, {"window_tokens", "", "tokens of a window"}},
      {&R::status, {"status", "", "ok, or error with a reason"}},
      {&R::reason, {"reason", "", "why there is no loss"}},
      {&R::predicted_tokens, {"predicted_tokens", "", "tokens that were predicted, of all windows"}},
      {&R::kl_nats_per_token,
       {"kl_nats_per_token", "nat",
        "KL divergence of the scheme's next-token distribution from f16's, mean over tokens"}},
      {&R::kl_nats_per_token_low, {"kl_nats_per_token_low", "nat", "lower end of its interval, 0 at least"}},
      {&R::kl_nats_per_token_high, {"kl_nats_per_token_high", "nat", "upper end"}},
      {&R::top1_agreement, {"top1_agreement", "1", "share of tokens whose likeliest successor is f16's"}},
      {&R::top1_agreement_low, {"top1_agreement_low", "1", "lower end of its interval, 0 at least"}},
      {&R::top1_agreement_high, {"top1_agreement_high", "1", "upper end, 1 at most"}},
      {&R::perplexity, {"perplexity", "1", "exp of the mean of -log p(next token), natural logarithm"}},
      {&R::perplexity_low, {"perplexity_low", "1", "lower end of its interval"}},
      {&R::perplexity_high, {"perplexity_high", "1", "upper end"}},
      {&R::anchor_perplexity, {"anchor_perplexity", "1", "perplexity of f16 on the same tokens"}},
      {&R::interval_method, {"interval_method", "", "how the intervals were made; null where one window has none"}},
      {&R::window_kl, {"window_kl", "nat", "KL divergence per token of each window"}},
      {&R::window_top1, {"window_top1", "1", "share of agreement of each window"}},
      {&R::window_log_loss, {"window_log_loss", "nat", "-log p(next token) per token of each window"}},
      {&R::window_anchor_log_loss, {"window_anchor_log_loss", "nat", "the same of f16"}},
  };
  return kTable;
}

}  // namespace qtrap::result
