// Models in several GGUF files: all parts by the path of one, and what is said of parts that do not belong together.
#include "tfm/formats/gguf_split.hpp"

#include <map>

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/temporary_folder.hpp"
#include "tfm/formats/gguf.hpp"
#include "tfm/formats/gguf_writer.hpp"

using namespace tfm;
using tfm_test::error_of;
using tfm_test::TemporaryFolder;

namespace {

/// Three parts with a tensor each, "t0" to "t2", whose bytes are their number.
struct SplitParts {
  struct Part {
    std::string file, tensor;
    std::uint16_t number, count = 3;
    bool there = true;
  };
  std::vector<Part> all{
      {"m-00001-of-00003.gguf", "t0", 0}, {"m-00002-of-00003.gguf", "t1", 1}, {"m-00003-of-00003.gguf", "t2", 2}};
  std::int32_t tensors = 3;
  TemporaryFolder folder;

  std::filesystem::path path(std::size_t i) const { return folder / all[i].file; }
  void write() const {
    for (const Part& part : all) {
      if (!part.there) continue;
      GgufWriter file;
      if (part.number == 0) file.set("general.name", "in the first alone");
      file.set("split.no", part.number), file.set("split.count", part.count), file.set("split.tensors.count", tensors);
      file.add(part.tensor, DataType::f32, {2},
               [&](std::span<std::byte> out) { std::fill(out.begin(), out.end(), std::byte(part.number)); });
      file.write(folder / part.file);
    }
  }
  std::string error(std::size_t opened = 0) const {
    write();
    const std::string found = error_of<LoadError>([&] { read_gguf(path(opened)); }),
                      begin = "tfm: " + folder.path().string() + "/";
    return found.starts_with(begin) ? found.substr(begin.size()) : found;
  }
};

}  // namespace

TEST_CASE("a model in several GGUF files is read by the path of any of them") {
  SplitParts parts;
  parts.write();
  for (std::size_t i = 0; i < 3; ++i) {
    const Gguf whole = read_gguf(parts.path(i));
    CHECK(whole.metadata.file() == parts.path(0).string());
    CHECK(whole.metadata.at("general.name").text() == "in the first alone");
    CHECK(read_gguf_metadata(parts.path(i)).at("general.name").text() == "in the first alone");
    REQUIRE(whole.tensors.tensors().size() == 3);
    for (std::size_t t = 0; t < 3; ++t) {
      const Tensor& tensor = whole.tensors.at("t" + std::to_string(t));
      CHECK(tensor.bytes.front() == std::byte(t));
      CHECK(whole.tensors.file_of(tensor) == parts.path(t).string());
    }
  }
  SplitParts one;
  one.all = {{"whatever.gguf", "t0", 0, 1}};
  one.tensors = 1;
  one.write();
  CHECK(read_gguf(one.path(0)).tensors.tensors().size() == 1);
}

TEST_CASE("parts of a GGUF model that do not belong together are refused, by name") {
  CHECK([] {
    SplitParts p;
    p.all[1].there = false;
    return p.error();
  }() == "m-00001-of-00003.gguf: this is part 1 of 3 of a model, and part 2, 'm-00002-of-00003.gguf', does not lie "
         "beside it");
  CHECK([] {
    SplitParts p;
    p.all[0].there = false;
    return p.error(2);
  }() == "m-00003-of-00003.gguf: this is part 3 of 3 of a model, and part 1, 'm-00001-of-00003.gguf', does not lie "
         "beside it");
  CHECK([] {
    SplitParts p;
    p.all[0].file = "a.gguf";
    return p.error();
  }() == "a.gguf: this is part 1 of 3 of a model (split.no, split.count), expected a name that ends with "
         "'-00001-of-00003.gguf', by which the other "
         "parts are found");
  CHECK([] {
    SplitParts p;
    p.all[1].number = 2;
    return p.error();
  }() == "m-00002-of-00003.gguf: split.no and split.count say 2 and 3, expected 1 and 3, as its name does");
  CHECK([] {
    SplitParts p;
    p.all[2].count = 4;
    return p.error();
  }() == "m-00003-of-00003.gguf: split.no and split.count say 2 and 4, expected 2 and 3, as its name does");
  CHECK([] {
    SplitParts p;
    p.all[0].number = 3;
    return p.error();
  }() == "m-00001-of-00003.gguf: key 'split.no': found u16 3, expected an integer from 0 to 2");
  CHECK([] {
    SplitParts p;
    p.all[0].count = 0;
    return p.error();
  }() == "m-00001-of-00003.gguf: key 'split.count': found u16 0, expected an integer from 1 to 65535");
  CHECK([] {
    SplitParts p;
    p.tensors = 4;
    return p.error();
  }() == "m-00001-of-00003.gguf: key 'split.tensors.count': found i32 4, and the 3 parts of the model have 3 tensors");
  SplitParts twice;
  twice.all[2].tensor = "t1";
  CHECK(twice.error() == "m-00001-of-00003.gguf: tensor 't1' is in " + twice.path(1).string() + " and again in " +
                             twice.path(2).string());
}
