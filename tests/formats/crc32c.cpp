#include "tfm/formats/crc32c.hpp"

#include <fcntl.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <iterator>

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/temporary_folder.hpp"
#include "tfm/formats/append_file.hpp"
#include "tfm/formats/byte_views.hpp"

using namespace tfm;

TEST_CASE("CRC-32C of the RFC's examples") {  // RFC 3720, appendix B.4
  std::byte bytes[32] = {};
  CHECK(crc32c(bytes) == 0x8a9136aau);
  for (std::byte& b : bytes) b = std::byte{0xff};
  CHECK(crc32c(bytes) == 0x62a8ab43u);
  for (std::size_t i = 0; i < 32; ++i) bytes[i] = static_cast<std::byte>(i);
  CHECK(crc32c(bytes) == 0x46dd794eu);
  CHECK(crc32c(bytes_of("123456789")) == 0xe3069283u);
  CHECK(crc32c({}) == 0);
}

TEST_CASE("a log grows by records, and says what the system refuses") {
  const tfm_test::TemporaryFolder folder;
  const auto path = folder / "log";
  {
    AppendFile log(path, AppendFile::Mode::create);
    log.write(bytes_of("one\n"));
    AppendFile moved(std::move(log));
    moved.write(bytes_of("two\n"));
  }
  AppendFile more(path, AppendFile::Mode::append);
  more.write(bytes_of("three\n"));
  std::ifstream file(path);
  CHECK(std::string(std::istreambuf_iterator<char>(file), {}) == "one\ntwo\nthree\n");
  CHECK(tfm_test::error_of<LoadError>([&] { AppendFile again(path, AppendFile::Mode::create); }) == "tfm: cannot write " + path.string() + ": File exists");
  CHECK(tfm_test::error_of<LoadError>([&] { AppendFile none(folder / "none/log", AppendFile::Mode::append); }) ==
        "tfm: cannot write " + (folder / "none/log").string() + ": No such file or directory");
  rlimit limit{}, small{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &limit) == 0);
  small = limit;
  small.rlim_cur = 16;
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::string message = tfm_test::error_of<LoadError>([&] { more.write(bytes_of("four\n")); });
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  std::signal(SIGXFSZ, old_handler);
  CHECK(message == "tfm: cannot write " + path.string() + ": after 16 bytes: File too large");
}
