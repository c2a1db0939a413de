#include "tokenizer/unicode.hpp"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/ustring.h>

#include <cstdint>

#include "core/contract.hpp"

namespace qtrap::tokenizer {
namespace {

constexpr UChar32 kReplacement = 0xFFFD;

void expect_success(UErrorCode code) {
  if (U_FAILURE(code)) fail_contract(u_errorName(code));
}

std::int32_t length_of(std::size_t size) {
  expects(size <= INT32_MAX, "ICU counts in 32 bits");
  return static_cast<std::int32_t>(size);
}

}  // namespace

std::u16string to_utf16(std::string_view bytes) {
  std::u16string text(bytes.size(), u'\0');  // never more units than bytes
  std::int32_t length = 0;
  UErrorCode code = U_ZERO_ERROR;
  u_strFromUTF8WithSub(text.data(), length_of(text.size()), &length, bytes.data(), length_of(bytes.size()),
                       kReplacement, nullptr, &code);
  expect_success(code);
  text.resize(static_cast<std::size_t>(length));
  return text;
}

std::string to_utf8(std::u16string_view text) {
  std::string bytes(text.size() * 3, '\0');  // never more than three for each unit
  std::int32_t length = 0;
  UErrorCode code = U_ZERO_ERROR;
  u_strToUTF8(bytes.data(), length_of(bytes.size()), &length, text.data(), length_of(text.size()), &code);
  expect_success(code);
  bytes.resize(static_cast<std::size_t>(length));
  return bytes;
}

std::string normalize_nfc(std::string_view text) {
  UErrorCode code = U_ZERO_ERROR;
  const icu::Normalizer2* form = icu::Normalizer2::getNFCInstance(code);
  expect_success(code);
  std::string out;
  icu::StringByteSink<std::string> sink(&out, length_of(text.size()));
  form->normalizeUTF8(0, icu::StringPiece(text.data(), length_of(text.size())), sink, nullptr, code);
  expect_success(code);
  return out;
}

}  // namespace qtrap::tokenizer
