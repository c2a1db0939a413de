#include "tokenizer/byte_map.hpp"

#include <array>

namespace qtrap::tokenizer {
namespace {

constexpr char16_t kFirstOther = 0x100;
constexpr std::size_t kOthers = 68;
constexpr std::size_t kCharacters = kFirstOther + kOthers;

constexpr bool is_itself(unsigned byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

struct Map {
  std::array<char16_t, 256> characters{};
  std::array<std::int16_t, kCharacters> bytes{};  ///< -1: no byte's
};

constexpr Map make_map() {
  Map map;
  for (std::int16_t& byte : map.bytes) byte = -1;
  char16_t other = kFirstOther;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const char16_t character = is_itself(byte) ? static_cast<char16_t>(byte) : other++;
    map.characters[byte] = character;
    map.bytes[character] = static_cast<std::int16_t>(byte);
  }
  return map;
}

constexpr Map kMap = make_map();
static_assert(kMap.characters[' '] == u'\u0120' && kMap.characters[0xAD] == kCharacters - 1);

}  // namespace

std::string spell_byte(std::uint8_t byte) {
  const unsigned character = kMap.characters[byte];
  if (character < 0x80) return {static_cast<char>(character)};
  return {static_cast<char>(0xC0U | character >> 6U), static_cast<char>(0x80U | (character & 0x3FU))};
}

std::optional<std::string> read_spelling(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  while (!text.empty()) {
    unsigned character = static_cast<unsigned char>(text[0]);
    std::size_t size = 1;
    if (character >= 0x80) {  // all others of the map have two bytes
      if ((character & 0xE0U) != 0xC0U || text.size() < 2) return std::nullopt;
      character = (character & 0x1FU) << 6U | (static_cast<unsigned char>(text[1]) & 0x3FU);
      size = 2;
    }
    if (character >= kCharacters || kMap.bytes[character] < 0) return std::nullopt;
    bytes += static_cast<char>(kMap.bytes[character]);
    text.remove_prefix(size);
  }
  return bytes;
}

}  // namespace qtrap::tokenizer
