// The packed file, from outside: the bits of a model are those that packing gives, whatever stands at its path.
#include <sys/stat.h>

#include <chrono>
#include <thread>

#include "support/after_questions.hpp"
#include "support/allocations.hpp"
#include "support/as_nobody.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/packed_case.hpp"

using namespace tfm;
using Catch::Matchers::Contains;
using tfm_test::AfterQuestions;
using tfm_test::error_of;
using tfm_test::file_text;
using tfm_test::packed_logits;
using tfm_test::PackedCase;
using tfm_test::same_bits;
using tfm_test::TinyLlama;
namespace fs = std::filesystem;

namespace {

const DynamicLlamaShape medium{4096, 256, 6, 8, 4, 1024, 512, 0, 1e-5f, 10000.f, false, {}};
constexpr fs::perms read_only = static_cast<fs::perms>(0555);

}  // namespace

TEST_CASE("a packed model has the bits that packing gives, when its file is made and when it is mapped") {
  for (const Format format : {Format::f32, Format::f16, Format::q8_0, Format::q4_0, Format::q4_1}) {
    const PackedCase files(TinyLlama(), format);
    const Buffer expected = packed_logits(load_llama(files.model).model);
    for (const char* const start : {"made", "mapped", "mapped again"}) {
      INFO(name(format) << ", " << start);
      const auto loaded = files.load();
      CHECK(same_bits(packed_logits(loaded.model), expected));
      CHECK(files.note_of(loaded).empty());
      CHECK(fs::exists(files.packed));
    }
    CHECK(files.nothing_half_done());
  }
}

TEST_CASE("a packed file of a folder, quantised at loading") {
  const PackedCase files;
  TinyLlama().write_folder(files.folder / "hf");
  LoadOptions options = files.options();
  options.format = Format::int8;
  const Buffer expected = packed_logits(load_llama(files.folder / "hf", {.format = Format::int8}).model);
  for (int start = 0; start < 2; ++start) {
    const auto loaded = load_llama(files.folder / "hf", options);
    CHECK(same_bits(packed_logits(loaded.model), expected));
    CHECK(files.note_of(loaded).empty());
  }
  const auto other = load_llama(files.folder / "hf", files.options());
  CHECK(files.note_of(other) == files.made_anew("it holds 'model.embed_tokens.weight' as Int8 [264, 32], expected "
                                                "'model.embed_tokens.weight' as F32 [264, 32]"));
}

TEST_CASE("a mapped model takes no heap for its weights, and lives without its files") {
  const PackedCase files(TinyLlama(medium), Format::q8_0);
  const Buffer expected = packed_logits(files.load().model);
  tfm_test::Allocations counted;
  const auto loaded = files.load();
  const long long weights = loaded.model.weight_bytes();
  INFO("weights " << weights << ", live " << counted.live() << ", peak " << counted.peak());
  CHECK(weights > 4 * MiB);
  CHECK(counted.peak() < 256 * KiB);
  fs::remove(files.packed);
  fs::remove(files.model);
  CHECK(same_bits(packed_logits(loaded.model), expected));
}

TEST_CASE("writing a packed file takes no memory beside the packed weights") {
  const PackedCase files(TinyLlama(medium), Format::q8_0);
  tfm_test::Allocations counted;
  const auto loaded = files.load();
  CHECK(counted.peak() < loaded.model.weight_bytes() + 256 * KiB);
}

TEST_CASE("a checkpoint that is another now is packed anew, and a note says why") {
  const PackedCase files;
  files.load();
  SECTION("by its time") {
    fs::last_write_time(files.model, fs::last_write_time(files.model) + std::chrono::milliseconds(10));
    CHECK(files.note() == files.made_anew(files.model.string() + " has been written to since it was packed"));
  }
  SECTION("by its size") {
    const auto before = fs::file_size(files.model);
    TinyLlama().gguf(Format::q8_0).write(files.model);
    CHECK(files.note() == files.made_anew(joined({files.model.string(), " has ", fs::file_size(files.model), " bytes, and had ", before, " when it was packed"})));
  }
  SECTION("by its bytes alone") {
    tfm_test::change_secretly(files.model, fs::file_size(files.model) - 100, 1);
    CHECK(files.note() == files.made_anew(files.model.string() + " holds other bytes than when it was packed"));
  }
  CHECK(files.note().empty());
  const Buffer expected = packed_logits(load_llama(files.model).model);
  files.load();
  CHECK(same_bits(packed_logits(files.load().model), expected));
}

TEST_CASE("heads of another size in config.json are another way to read the same tensors") {
  const PackedCase files;
  const fs::path folder = files.folder / "hf";
  TinyLlama tiny;
  tiny.write_folder(folder);
  load_llama(folder, files.options());
  CHECK(files.note_of(load_llama(folder, files.options())).empty());
  tiny.config["num_attention_heads"] = "2", tiny.config["num_key_value_heads"] = "1";
  tfm_test::write_text(folder / "config.json", tiny.config_json());
  CHECK(files.note_of(load_llama(folder, files.options())) ==
        files.made_anew((folder / "model.safetensors").string() + " has other tensors than when it was packed, or reads them in another way"));
}

TEST_CASE("bytes between the sampled pages are looked at on request") {
  const PackedCase files(TinyLlama({1024, 256, 2, 4, 2, 256, 64, 0, 1e-5f, 10000.f, true, {}}), Format::f32);
  LoadOptions verified = files.options();
  verified.verify_packed = true;
  const auto verified_note = [&] { return files.note_of(load_llama(files.model, verified)); };
  files.load();
  CHECK(verified_note() == files.made_anew("it was made without the hash of all bytes"));
  CHECK(verified_note().empty());
  CHECK(files.note().empty());
  const std::string whole = file_text(files.packed);
  const std::size_t pages = whole.size() / 4096;
  REQUIRE(pages > 4 * 66);

  int unseen = 0;
  for (std::size_t page = pages / 2; page < pages / 2 + 8; ++page) {
    tfm_test::change_secretly(files.packed, page * 4096 + 50, 1);
    const std::string note = files.note();
    if (!note.empty()) CHECK(note == files.made_anew("its panels are damaged"));
    else CHECK(verified_note() == files.made_anew("its panels are damaged"));
    unseen += note.empty();
    CHECK(verified_note() == (note.empty() ? "" : files.made_anew("it was made without the hash of all bytes")));
    CHECK(file_text(files.packed) == whole);
  }
  CHECK(unseen > 4);
  unseen = 0;
  for (std::size_t page = pages / 2; page < pages / 2 + 8; ++page) {
    tfm_test::change_secretly(files.model, page * 4096 + 50, 1);
    unseen += files.note().empty();
    verified_note();
    const Buffer expected = packed_logits(load_llama(files.model).model);
    CHECK(same_bits(packed_logits(load_llama(files.model, verified).model), expected));
  }
  CHECK(unseen > 4);
}

TEST_CASE("a packed file that is cut short anywhere is made anew") {
  const PackedCase files(TinyLlama({264, 32, 1, 4, 2, 64, 64, 0, 1e-5f, 10000.f, true, {}}));
  const Buffer expected = packed_logits(files.load().model);
  const std::string whole = file_text(files.packed);
  const std::size_t lengths[] = {0, 1, 7, 8, 19, 27, 28, 100, 700, 1500, 4095, 4096, 5000, whole.size() - 4096, whole.size() - 1};
  for (const std::size_t length : lengths) {
    INFO(length << " of " << whole.size());
    fs::resize_file(files.packed, length);
    const auto loaded = files.load();
    CHECK(same_bits(packed_logits(loaded.model), expected));
    CHECK(files.note_of(loaded).empty() == (length == 0));
    CHECK(file_text(files.packed) == whole);
  }
  tfm_test::write_text(files.packed, whole + whole);
  CHECK(files.note() == files.made_anew(joined({"it has ", 2 * whole.size(), " bytes, expected ", whole.size()})));
  CHECK(file_text(files.packed) == whole);
}

TEST_CASE("where no packed file can be written, the model loads, and a note says why") {
  const PackedCase files;
  const Buffer expected = packed_logits(load_llama(files.model).model);
  LoadOptions absent;
  absent.packed = files.folder / "absent" / "file";
  const auto loaded = load_llama(files.model, absent);
  CHECK(same_bits(packed_logits(loaded.model), expected));
  CHECK(files.note_of(loaded) == "the packed file " + absent.packed.string() + " is not made: cannot write " + absent.packed.string() +
                                     ": cannot make a temporary file in " + (files.folder / "absent").string() + ": No such file or directory");

  files.load();
  fs::resize_file(files.packed, 5000);
  fs::permissions(files.folder.path(), read_only);
  const tfm_test::AsNobody nobody;
  const auto damaged = files.load();
  CHECK(same_bits(packed_logits(damaged.model), expected));
  CHECK_THAT(files.note_of(damaged), Contains(" is not made, and the one that is there is not used, for it has 5000 bytes, expected ") &&
                                         Contains("Permission denied"));
}

TEST_CASE("a packed file in a folder that is read-only is mapped") {
  const PackedCase files;
  files.load();
  fs::permissions(files.folder.path(), read_only);
  const tfm_test::AsNobody nobody;
  CHECK(files.note().empty());
}

TEST_CASE("what is no packed file is neither used nor lost") {
  const PackedCase files, other;
  const Buffer expected = packed_logits(load_llama(files.model).model);
  LoadOptions options;
  const auto note = [&](const fs::path& path) {
    options.packed = path;
    const auto loaded = load_llama(files.model, options);
    CHECK(same_bits(packed_logits(loaded.model), expected));
    return files.note_of(loaded);
  };
  const std::string before = file_text(other.model);
  const auto left = [](const fs::path& path) { return "the packed file " + path.string() + " is not used, and is left as it is: "; };
  CHECK(note(other.model) == left(other.model) + "it is no packed file");
  CHECK(file_text(other.model) == before);
  const fs::path folder = files.folder / "taken", pipe = files.folder / "pipe";
  fs::create_directory(folder);
  REQUIRE(::mkfifo(pipe.c_str(), 0666) == 0);
  CHECK(note(folder) == left(folder) + "cannot open " + folder.string() + ": it is a folder");
  CHECK(note(pipe) == left(pipe) + "cannot open " + pipe.string() + ": it is not a regular file");
  CHECK(fs::is_fifo(pipe));
}

TEST_CASE("a packed file for a checkpoint that changes while it is packed is not made") {
  const PackedCase files;
  LoadOptions options = files.options();
  options.progress = [&](const Progress&) { fs::last_write_time(files.model, fs::last_write_time(files.model) + std::chrono::seconds(1)); };
  CHECK(files.note_of(load_llama(files.model, options)) ==
        "the packed file " + files.packed.string() + " is not made: " + files.model.string() + " has been written to while it was packed");
  CHECK(!fs::exists(files.packed));
}

TEST_CASE("options of packed files that make no sense are refused") {
  const PackedCase files;
  const auto bytes = TinyLlama().gguf().bytes();
  const std::string packed = "tfm: LoadOptions::packed, '" + files.packed.string() + "', ";
  CHECK(error_of<OptionError>([&] { load_llama(bytes, "memory", files.options()); }) ==
        packed + "is for checkpoints that are loaded from a path: bytes in memory have no size and time to be known again by");
  CHECK(error_of<OptionError>([&] { load_llama(files.model, {.packed = files.model}); }) ==
        "tfm: LoadOptions::packed, '" + files.model.string() + "', is a file of the checkpoint itself, expected another path");
  CHECK(error_of<OptionError>([&] { load_llama(files.model, {.verify_packed = true}); }) ==
        "tfm: LoadOptions::verify_packed is set without LoadOptions::packed, a path");
}

TEST_CASE("many who make a packed file at once leave a good one") {
  const PackedCase files;
  const Buffer expected = packed_logits(load_llama(files.model).model);
  for (int round = 0; round < 5; ++round) {
    std::atomic<int> right{0};
    std::vector<std::thread> many;
    for (int i = 0; i < 4; ++i)
      many.emplace_back([&] { right += same_bits(packed_logits(files.load().model), expected); });
    for (std::thread& one : many) one.join();
    CHECK(right == 4);
    const auto loaded = files.load();
    CHECK(files.note_of(loaded).empty());
    CHECK(same_bits(packed_logits(loaded.model), expected));
    CHECK(files.nothing_half_done());
    if (round % 2 == 0) fs::remove(files.packed);
    else fs::resize_file(files.packed, 6000);
  }
}

TEST_CASE("loading hears a stop while a packed file is made and while it is mapped, and leaves nothing behind") {
  const PackedCase files;
  LoadOptions options = files.options();
  options.threads = 1;
  for (const bool mapped : {false, true}) {
    if (mapped) files.load();
    for (const bool verify : {false, true}) {
      options.verify_packed = verify, options.stop = {};
      if (mapped && verify) load_llama(files.model, options);
      int stopped = 0;
      for (int n = 0; n < 100'000; n += 1 + n / 8) {
        INFO("mapped " << mapped << ", stopped at question " << n);
        options.stop = AfterQuestions(n);
        tfm_test::Allocations counted;
        bool heard = false;
        try {
          load_llama(files.model, options);
        } catch (const Stopped&) {
          heard = true;
        }
        CHECK(fs::exists(files.packed) == (mapped || !heard));
        if (!heard) break;
        ++stopped;
        CHECK(counted.live() == 0);
        CHECK(files.nothing_half_done());
      }
      CHECK(stopped > 10);
      if (!mapped) fs::remove(files.packed);
    }
  }
}

TEST_CASE("progress of a packed file goes up to what is loaded, and up to what is written") {
  const PackedCase files;
  LoadOptions options = files.options();
  std::vector<std::string> phases;
  Progress last;
  options.progress = [&](const Progress& progress) {
    if (phases.empty() || phases.back() != progress.what) phases.push_back(std::string(progress.what));
    else CHECK(progress.done > last.done);
    last = {"", progress.done, progress.total};
  };
  load_llama(files.model, options);
  CHECK(phases == std::vector<std::string>{"loading", "writing"});
  CHECK(last.total == static_cast<Index>(fs::file_size(files.packed)));
  CHECK(last.done > last.total - 4096);
  phases.clear();
  load_llama(files.model, options);
  CHECK(phases == std::vector<std::string>{"loading"});
  CHECK(last.done == last.total);
}
