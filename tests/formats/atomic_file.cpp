#include "tfm/formats/atomic_file.hpp"

#include <sys/resource.h>

#include <csignal>

#include "support/as_nobody.hpp"
#include "support/catch.hpp"
#include "support/file_text.hpp"
#include "support/temporary_folder.hpp"

using Catch::Matchers::Contains;
using tfm_test::file_text;

namespace {

std::vector<std::string> names_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename().string());
  return names;
}

}  // namespace

TEST_CASE("a file appears under its name when it is committed, and replaces the old one") {
  const tfm_test::TemporaryFolder folder;
  const auto target = folder / "file";
  for (const std::string text : {"first", "the second"}) {
    tfm::AtomicFile file(target);
    file.write(text.substr(0, 3));
    file.write(text.substr(3));
    CHECK(file_text(target) != text);
    file.commit();
    CHECK(file_text(target) == text);
    CHECK(names_in(folder.path()) == std::vector<std::string>{"file"});
  }
  tfm::write_file(target, {});
  CHECK(file_text(target).empty());
}

TEST_CASE("without a commit nothing changes") {
  const tfm_test::TemporaryFolder folder;
  const auto target = folder / "file";
  tfm::write_file(target, tfm::bytes_of("old"));
  {
    tfm::AtomicFile file(target), another(target);
    file.write("new");
    another.write("newer");
    CHECK(names_in(folder.path()).size() == 3);
  }
  CHECK(file_text(target) == "old");
  CHECK(names_in(folder.path()) == std::vector<std::string>{"file"});
}

TEST_CASE("where a file cannot be written, the error says why") {
  const tfm_test::TemporaryFolder folder;
  CHECK_THROWS_WITH(
      tfm::AtomicFile(folder / "absent" / "file"),
      Contains("tfm: cannot write " + (folder / "absent" / "file").string()) && Contains("No such file or directory"));
  CHECK_THROWS_WITH(tfm::AtomicFile(folder.path().string() + "/"), Contains("it is not a file's name"));
  std::filesystem::create_directory(folder / "taken");
  {
    tfm::AtomicFile file(folder / "taken");
    file.write("x");
    CHECK_THROWS_WITH(file.commit(), Contains("cannot rename the temporary file: Is a directory"));
  }
  CHECK(names_in(folder.path()) == std::vector<std::string>{"taken"});
  std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  const tfm_test::AsNobody nobody;
  CHECK_THROWS_WITH(tfm::AtomicFile(folder / "file"),
                    Contains("tfm: cannot write " + (folder / "file").string()) && Contains("Permission denied"));
}

TEST_CASE("a disk that is full leaves the old file, and no other") {
  const tfm_test::TemporaryFolder folder;
  const auto target = folder / "file";
  tfm::write_file(target, tfm::bytes_of("old"));
  // A limit on the size of files fails a write halfway, as a full disk does.
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  rlimit small = before;
  small.rlim_cur = 1000;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  std::string error;
  try {
    tfm::AtomicFile file(target);
    file.write(std::string(3000, 'x'));
    file.commit();
  } catch (const tfm::LoadError& e) {
    error = e.what();
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(error == "tfm: cannot write " + target.string() + ": after 1000 bytes: File too large");
  CHECK(file_text(target) == "old");
  CHECK(names_in(folder.path()) == std::vector<std::string>{"file"});
}
