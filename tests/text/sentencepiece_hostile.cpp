#include "support/catch.hpp"
#include "support/hostile.hpp"
#include "tfm/text/sentencepiece.hpp"

TEST_CASE("sentencepiece: malformed models are refused, or used without harm") {
  const int seed = GENERATE(0, 1);
  const auto corpus = tfm_test::HostileCorpus::make(seed, {"sentencepiece"});
  if (!corpus) return;
  int used = 0;
  for (const auto& hostile : corpus->cases()) {
    tfm_test::hold_to_promise(hostile, {"parse", "model", "use"}, [&](const std::filesystem::path& path) {
      const tfm::AnyTokenizer tokenizer = tfm::SentencePieceTokenizer(path);
      ++used;
      using namespace std::string_literals;
      const std::string odd = "<s>\0\xFF \xE2\x96\x81 na\xC3\xAFve \xF0\x9F\x9A\x80</s>"s;
      for (const std::string& text : {"ab a b"s, odd, std::string(3000, 'b')}) {
        const auto typed = tokenizer.encode(tfm::UserText{text});
        for (const tfm::Token token : typed) CHECK_FALSE(tokenizer.is_control(token));
        CHECK(tfm::is_utf8(tokenizer.decode(typed)));
        CHECK(tfm::is_utf8(tokenizer.decode(tokenizer.encode(tfm::TemplateText{text}))));
      }
      for (tfm::Token token = 0; token < tokenizer.size(); ++token) tokenizer.leading_bytes(token);
    });
  }
  CHECK(used > 0);
}
