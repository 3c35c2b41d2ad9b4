#include "tfm/text/charsmap.hpp"

#include "support/catch.hpp"

namespace {
/// A table with the one rule that "a" becomes the text at `value`. Units are reached by exclusive or.
struct Rules {
  std::vector<std::uint32_t> units;
  std::string texts = std::string("x\0", 2);

  static std::uint32_t node(std::uint32_t offset, unsigned char label, bool match) {
    return offset << 10 | (match ? 0x100u : 0u) | label;
  }
  static std::uint32_t text(std::uint32_t value) { return 0x80000000u | value; }  // no byte's label
  explicit Rules(std::uint32_t value = 0) : units(512, text(0)) {
    units[0] = node(256, 0, false);                        // children at 256 ^ label
    units[256 ^ 'a'] = node(256 ^ 'a' ^ 128, 'a', true);  // children at 128 ^ label; its text there
    units[128] = text(value);
  }
  std::string bytes() const {
    std::string out(4, '\0');
    const auto size = static_cast<std::uint32_t>(units.size() * 4);
    std::memcpy(out.data(), &size, 4);
    out.append(reinterpret_cast<const char*>(units.data()), size);
    return out + texts;
  }
};
void refused(const std::string& rules, const std::string& part) {
  CHECK_THROWS_WITH(tfm::check_charsmap(rules, "it"),
                    Catch::Contains("tfm: it: the normalisation rules ") && Catch::Contains(part));
  CHECK_THROWS_AS(tfm::check_charsmap(rules, "it"), tfm::LoadError);
}
}  // namespace

TEST_CASE("charsmap: sound rules, and none") {
  CHECK_NOTHROW(tfm::check_charsmap("", "it"));
  CHECK_NOTHROW(tfm::check_charsmap(Rules().bytes(), "it"));
}

TEST_CASE("charsmap: rules that would lead the library astray") {
  const std::string good = Rules().bytes();
  refused("ab", "have 2 bytes");
  refused(good.substr(0, 1000), "say that their table has 2048");
  refused(good + "y", "end with a zero byte");
  refused(Rules(2).bytes(), "name a text outside their 2 bytes");
  Rules outside;
  outside.units[0] = Rules::node(512, 0, false);
  refused(outside.bytes(), "lead outside their table of 512 units");
  Rules loop;
  loop.units[128 ^ 'b'] = Rules::node(128 ^ 'b' ^ 256, 'b', false);  // ab, and then a again
  refused(loop.bytes(), "lead back to themselves");
  Rules wide;
  wide.texts = std::string(2000, 'x') + '\0';
  refused(wide.bytes(), "hold a text of more than 1024 bytes");
  Rules chain;  // a, aa, aaa, …: every one of them a match
  chain.units.resize(256 * 40, Rules::text(0));
  for (std::uint32_t i = 1; i < 39; ++i) {
    const std::uint32_t at = 256 * i ^ 'a', base = 256 * (i + 1);
    chain.units[at] = Rules::node(at ^ base, 'a', true);
  }
  chain.units[0] = Rules::node(256, 0, false);
  refused(chain.bytes(), "match one text in more than 32 ways");
}
