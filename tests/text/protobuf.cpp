#include "tfm/text/protobuf.hpp"

#include "support/catch.hpp"

using namespace std::string_literals;

TEST_CASE("protocol buffers: what is written is read") {
  std::string out;
  tfm::ProtobufWriter writer(out);
  for (const std::uint64_t value : {0ull, 127ull, 128ull, ~0ull}) writer.integer(3, value);
  writer.number(536870911, -1.5f);
  writer.bytes(1, "\x08\x07");
  writer.bytes(2, "");
  tfm::ProtobufReader reader(out, "it");
  for (const std::uint64_t value : {0ull, 127ull, 128ull, ~0ull}) {
    REQUIRE(reader.next());
    CHECK(reader.field == 3);
    CHECK(reader.integer() == value);
  }
  REQUIRE(reader.next());
  CHECK(reader.field == 536870911);
  CHECK(reader.number() == -1.5f);
  REQUIRE(reader.next());
  auto inner = reader.message();
  REQUIRE(inner.next());
  CHECK(inner.field == 1);
  CHECK(inner.integer() == 7);
  CHECK_FALSE(inner.next());
  REQUIRE(reader.next());
  CHECK(reader.bytes().empty());
  CHECK_FALSE(reader.next());
}

TEST_CASE("protocol buffers: fields that are not wanted are skipped") {
  const std::string message = "\x08\x96\x01\x11" "12345678" "\x1A\x02" "ab" "\x25" "1234"s;
  tfm::ProtobufReader reader(message, "it");
  int fields = 0;
  for (; reader.next(); ++fields) reader.skip();
  CHECK(fields == 4);
}

TEST_CASE("protocol buffers: damage is refused with its place") {
  const auto refused = [](const std::string& bytes, const std::string& message) {
    tfm::ProtobufReader reader(bytes, "it");
    const auto read = [&] {
      while (reader.next()) reader.skip();
    };
    CHECK_THROWS_AS(read(), tfm::LoadError);
    tfm::ProtobufReader again(bytes, "it");
    CHECK_THROWS_WITH([&] {
      while (again.next()) again.skip();
    }(), "tfm: it: at byte " + message);
  };
  refused("\x02\x00"s, "1: a field with number 0");
  refused("\x0F"s, "1: field 1 has wire type 7, which this format does not use");
  refused("\x84\x01"s, "2: field 16 has wire type 4, which this format does not use");
  refused("\x08"s, "1: the file ends inside a number");
  refused("\x08\xFF"s, "1: the file ends inside a number");
  refused("\x08" + std::string(10, '\xFF') + "\x01", "1: a number of more than 64 bits");
  refused("\x0A\x05" "abc"s, "2: a field of 5 bytes where 3 are left");
  refused("\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01" "abc"s,
          "11: a field of 18446744073709551615 bytes where 3 are left");
  const std::string number = "\x08\x01"s;
  tfm::ProtobufReader reader(number, "it");
  reader.next();
  CHECK_THROWS_WITH(reader.bytes(), "tfm: it: at byte 1: field 1 has wire type 0; expected 2");
}
