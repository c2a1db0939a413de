// Records by their tables: what is written, left out, read and refused, in either manner.
#include "table/codec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "table/schema.hpp"

namespace qtrap::table {

enum class Colour { kRed, kDarkBlue };
constexpr Words<2> words_of(Colour) { return {"red", "dark_blue"}; }

/// Takes one of the words alone, and may have none.
struct Flag {
  std::optional<Colour> colour;
  bool operator==(const Flag&) const = default;
};

/// Has no colour of its own, and may not go without.
struct Label {
  std::optional<Colour> colour;
  bool operator==(const Label&) const = default;
};

struct Wheel {
  Colour colour = Colour::kRed;
  std::optional<double> width;
  bool operator==(const Wheel&) const = default;
};

struct Cart {
  std::string name;
  std::vector<Wheel> wheels;
  std::optional<std::string> owner;
  std::vector<std::int64_t> loads{7};
  std::map<std::string, Wheel> spare;
  bool operator==(const Cart&) const = default;
};

std::variant<std::optional<Colour>> special_types(std::type_identity<Flag>);
std::variant<std::optional<Colour>> special_types(std::type_identity<Label>);
std::variant<Colour> special_types(std::type_identity<Wheel>);
std::variant<std::vector<Wheel>, std::map<std::string, Wheel>> special_types(std::type_identity<Cart>);

constexpr Words<1> kFlagColours{word_of(Colour::kDarkBlue)};
std::span<const Field<Flag>> table_of(std::type_identity<Flag>) {
  static const Field<Flag> kTable[] = {{&Flag::colour, {"colour", "", "what it shows", kFlagColours}}};
  return kTable;
}
std::span<const Field<Label>> table_of(std::type_identity<Label>) {
  static const Field<Label> kTable[] = {{&Label::colour, {"colour", "", "what it shows", {}, kGiven}}};
  return kTable;
}
std::span<const Field<Wheel>> table_of(std::type_identity<Wheel>) {
  static const Field<Wheel> kTable[] = {{&Wheel::colour, {"colour", "", "what it looks like"}},
                                        {&Wheel::width, {"width", "m", "how wide it is"}}};
  return kTable;
}
std::span<const Field<Cart>> table_of(std::type_identity<Cart>) {
  static const Field<Cart> kTable[] = {
      {&Cart::name, {"name", "", "what it is called", {}, kFileName}},
      {&Cart::wheels, {"wheels", "", "what it rolls on"}},
      {&Cart::owner, {"owner", "", "whose it is", {}, kLeftOut}},
      {&Cart::loads, {"loads", "kg", "what it takes", {}, kMayMiss | kDistinct, Range{1, 100}}},
      {&Cart::spare, {"spare", "", "wheels beside", {}, kMayMiss | kLeftOut}},
  };
  return kTable;
}

namespace {

using ::testing::StartsWith;

constexpr const char* kCart = R"({"schema": "cart", "schema_version": "1.2", "name": "a", "wheels": [)"
                              R"({"colour": "red"}, {"colour": "dark_blue", "width": 0.5}]})";

Result<Cart> read(std::string_view text) { return parse_file<Cart>(text, "f", "cart", "1.2"); }

std::string changed(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Codec, WritesKeysInTableOrderAndLeavesOutWhatIsAbsent) {
  const Cart cart = read(kCart).value();
  EXPECT_EQ(cart.wheels[1], (Wheel{Colour::kDarkBlue, 0.5}));
  EXPECT_EQ(cart.loads, std::vector<std::int64_t>{7}) << "what a file leaves out keeps its initial value";
  const std::string text = dump_line(encode_file(cart, "cart", "1.2").value());
  EXPECT_EQ(text, R"({"schema":"cart","schema_version":"1.2","name":"a","wheels":[{"colour":"red","width":null},)"
                  R"({"colour":"dark_blue","width":0.5}],"loads":[7]})");
  EXPECT_EQ(read(text).value(), cart);
}

TEST(Codec, WritesNoNumberThatIsNotFiniteAndNoNegativeCount) {
  Cart cart = read(kCart).value();
  cart.wheels[0].width = std::nan("");
  EXPECT_THAT(write_document(cart).error().message(), StartsWith("`width` is not finite (nan)"));
  cart.wheels[0].width.reset();
  cart.loads = {-1};
  EXPECT_THAT(write_document(cart).error().message(), StartsWith("`loads` is negative (-1)"));
}

TEST(Codec, ReadStrictlyRefusesWithPlaceValueAndFix) {
  const std::tuple<const char*, const char*, const char*> cases[] = {
      {"\"colour\": \"red\"", "\"color\": \"red\"",
       "f: unknown key (wheels[0].color): did you mean `colour`? known are colour, width"},
      {"\"name\": \"a\", ", "", "f: a key is missing (name): add it: what it is called"},
      {"\"dark_blue\"", "\"blue\"", "f: `wheels[1].colour` is not in its closed list (blue): use red, dark_blue"},
      {"\"dark_blue\"", "3", "f: `wheels[1].colour` has the wrong type (3): give a text in quotes"},
      {"0.5", "\"wide\"", "f: `wheels[1].width` has the wrong type (\"wide\"): give a number"},
      {"\"a\"", "\"../a\"", "f: `name` cannot be part of a file name (\"../a\"): use letters, digits"},
      {"\"a\"", "\"\"", "f: `name` is empty (\"\"): give a text"},
      {"\"a\"", "\"a\", \"owner\": null", "f: `owner` has the wrong type (null): give a text in quotes"},
      {"\"a\"", "\"a\", \"loads\": [3, 3]", "f: `loads` holds an entry twice (3): give each once"},
      {"\"a\"", "\"a\", \"loads\": [3, 101]", "f: `loads[1]` is out of range (101): give an integer from 1 to 100"},
      {"\"a\"", "\"a\", \"loads\": []", "f: `loads` is an empty list ([]): give at least one entry"},
      {"\"a\"", "\"a\", \"spare\": {}", "f: `spare` is an empty object (an object): give at least one entry"},
      {"\"a\"", "\"a\", \"spare\": {\"x\": {}}", "f: a key is missing (spare.x.colour): add it: what it looks like"},
      {"\"cart\"", "\"car\"", "f has another schema (\"car\"): a file with schema cart is needed"},
      {"\"1.2\"", "\"2.0\"", "f: the schema_version is newer than this program (2.0): use a qtrap that reads version"},
      {"\"1.2\"", "\"x\"", "f: `schema_version` is not MAJOR.MINOR (\"x\"): write \"1.2\""},
  };
  ASSERT_TRUE(read(kCart));
  for (const auto& [from, to, message] : cases) {
    const auto cart = read(changed(kCart, from, to));
    ASSERT_FALSE(cart) << message;
    EXPECT_THAT(cart.error().message(), StartsWith(message));
    EXPECT_EQ(cart.error().kind, ErrorKind::kUsage);
  }
}

TEST(Codec, KeyTakesThoseOfAnEnumsWordsThatItListsOrNone) {
  const auto read_flag = [](const char* text) { return parse_document<Flag>(text, "f", "1.2"); };
  EXPECT_EQ(read_flag(R"({"colour": "dark_blue"})").value(), Flag{Colour::kDarkBlue});
  EXPECT_EQ(read_flag(R"({"colour": null})").value(), Flag{});
  EXPECT_EQ(read_flag(R"({})").value(), Flag{});
  for (const char* other : {"red", "green"}) {
    EXPECT_EQ(read_flag((R"({"colour": ")" + std::string(other) + R"("})").c_str()).error().message(),
              "f: `colour` is not in its closed list (" + std::string(other) + "): use dark_blue");
  }
  EXPECT_EQ(read_flag(R"({"colour": 3})").error().message(),
            "f: `colour` has the wrong type (3): give a text in quotes");
  EXPECT_EQ(write_document(Flag{Colour::kRed}).error().message(),
            "`colour` is not in its closed list (red): use dark_blue");
  EXPECT_EQ(write_document(Flag{}).value(), "{\n  \"colour\": null\n}\n");
  EXPECT_EQ(object_schema<Flag>(Json::object(), Manner::kLenient)["properties"]["colour"]["enum"],
            Json({"dark_blue", nullptr}));
}

TEST(Codec, RefusesToWriteOrReadWhatAWriterForgot) {
  const auto read_label = [](const char* text) { return parse_document<Label>(text, "f", "1.2"); };
  EXPECT_EQ(write_document(Label{}).error().message(), "`colour` was not given: set it: what it shows");
  EXPECT_EQ(write_document(Label{Colour::kRed}).value(), "{\n  \"colour\": \"red\"\n}\n");
  EXPECT_EQ(read_label(R"({"colour": "red"})").value(), Label{Colour::kRed});
  EXPECT_EQ(read_label(R"({"colour": null})").error().message(),
            "f: `colour` has the wrong type (null): give a text in quotes");
  EXPECT_EQ(read_label(R"({})").error().message(), "f: a key is missing (colour): add it: what it shows");
  const Json schema = object_schema<Label>(Json::object(), Manner::kLenient);
  EXPECT_EQ(schema["required"], Json({"colour"}));
  EXPECT_EQ(schema["properties"]["colour"]["type"], "string");
  EXPECT_EQ(schema["properties"]["colour"]["enum"], Json({"red", "dark_blue"}));
}

TEST(Codec, ReadLenientlyTakesKeysOfLaterVersionsAndEmptyLists) {
  const auto cart = parse_document<Cart>(
      R"({"schema_version": "1.9", "name": "", "wheels": [], "later": 1, "spare": {}})", "f", "1.2");
  ASSERT_TRUE(cart) << cart.error().message();
  EXPECT_TRUE(cart.value().wheels.empty());
  EXPECT_EQ(parse_document<Cart>(R"({"name": "a"})", "f", "1.2").error().message(),
            "f: a key is missing (wheels): add it: what it rolls on");
}

TEST(TableSchema, SaysWhatIsRequiredNullableAndTheDefault) {
  const Json schema = file_schema<Cart>("cart", "a cart");
  EXPECT_EQ(schema["required"], Json({"schema", "name", "wheels"}));
  EXPECT_EQ(schema["additionalProperties"], false);
  EXPECT_EQ(schema["properties"]["owner"]["type"], "string") << "left out, never null";
  EXPECT_EQ(schema["properties"]["loads"]["default"], Json({7}));
  EXPECT_EQ(schema["properties"]["loads"]["items"]["maximum"], 100);
  const Json& wheel = schema["properties"]["wheels"]["items"];
  EXPECT_EQ(wheel["properties"]["width"]["type"], Json({"number", "null"}));
  EXPECT_EQ(wheel["properties"]["colour"]["enum"], Json({"red", "dark_blue"}));
  const std::string text = describe_schema("Carts", schema, true);
  EXPECT_NE(text.find("| `wheels[].width` | number, or null |  | how wide it is [m] |"), std::string::npos) << text;
  EXPECT_NE(text.find("| `spare.*.colour` | text | required | what it looks like: `red`, `dark_blue` |"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("| `loads` | list of: an integer from 1 to 100 | [7] | what it takes [kg] |"), std::string::npos);
}

}  // namespace
}  // namespace qtrap::table
