#include "tfm/checkpoint/word_vocab_file.hpp"

#include <sys/resource.h>

#include <csignal>

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/temporary_folder.hpp"

namespace {

using tfm::LoadError, tfm::WordVocab;

const std::vector<std::string> words{".", "l'ami", "a\"b\\c", "\xC3\xA9t\xC3\xA9", ""};

TEST_CASE("a word vocabulary is saved and comes back", "[word_vocab]") {
  const tfm_test::TemporaryFolder folder;
  tfm::save_word_vocab(WordVocab(words), folder / "vocab.json");
  const WordVocab back = tfm::load_word_vocab(folder / "vocab.json");
  CHECK(back.words() == words);
  CHECK(back.size() == 9);
  // Made from no words at all, it holds the reserved tokens.
  tfm::save_word_vocab(WordVocab({}), folder / "empty.json");
  CHECK(tfm::load_word_vocab(folder / "empty.json").size() == 4);
}

TEST_CASE("a file that is no word vocabulary is refused by name", "[word_vocab]") {
  const tfm_test::TemporaryFolder folder;
  const std::filesystem::path file = folder / "v.json";
  const auto message = [&](std::string_view text) {
    tfm::write_file(file, tfm::bytes_of(text));
    return tfm_test::error_of<LoadError>([&] { tfm::load_word_vocab(file); });
  };
  const std::string name = "tfm: " + file.string() + ": ";
  CHECK(message(R"({"type": "bpe", "reserved": [], "words": []})") ==
        name + "'type': found the string 'bpe', expected 'word_vocab'");
  CHECK(message(R"({"reserved": []})") == name + "the JSON's root: 'type' is missing");
  CHECK(message(R"({"type": "word_vocab", "reserved": ["<pad>"], "words": []})") ==
        name + "'reserved[0]': found the string '<pad>', expected <unk>, <pad>, <bos>, <eos> in this order");
  CHECK(message(R"({"type": "word_vocab", "reserved": ["<unk>", "<pad>"], "words": []})") ==
        name + "'reserved': found 2 tokens, expected <unk>, <pad>, <bos>, <eos>");
  CHECK(message(R"({"type": "word_vocab", "reserved": ["<unk>", "<pad>", "<bos>", "<eos>"], "words": ["a", 3]})")
            .find("'words[1]'") != std::string::npos);
  CHECK(message("{").find("not valid JSON") != std::string::npos);
}

TEST_CASE("a vocabulary that does not fit on the disk leaves the old one", "[word_vocab]") {
  const tfm_test::TemporaryFolder folder;
  tfm::save_word_vocab(WordVocab(words), folder / "v.json");
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{16, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const auto message = tfm_test::error_of<LoadError>([&] { tfm::save_word_vocab(WordVocab({}), folder / "v.json"); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(message.find("tfm: cannot write " + (folder / "v.json").string()) == 0);
  CHECK(tfm::load_word_vocab(folder / "v.json").words() == words);
}

}  // namespace
