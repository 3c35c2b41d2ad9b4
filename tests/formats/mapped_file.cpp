#include "tfm/formats/mapped_file.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "support/as_nobody.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"
#include "tfm/formats/byte_views.hpp"
#include "tfm/formats/gguf.hpp"
#include "tfm/formats/safetensors.hpp"
#include "tfm/formats/torch_zip.hpp"

using Catch::Matchers::Contains;

namespace {
void write(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}
}  // namespace

TEST_CASE("a mapped file has the file's bytes, and keeps them when the file is gone") {
  const tfm_test::TemporaryFolder folder;
  std::string text(10'000, 'x');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 7);
  write(folder / "file", text);
  auto file = tfm::MappedFile::open(folder / "file");
  const auto copy = file;
  file.reset();
  std::filesystem::remove(folder / "file");
  const auto bytes = copy->bytes();
  copy->advise_sequential();
  REQUIRE(tfm::text_of(bytes) == text);
  SECTION("dropped parts are read again") {
    for (const std::size_t from : {0u, 1u, 4095u, 5000u}) {
      copy->drop(bytes.subspan(from));
      copy->drop(bytes.subspan(from, 1));
      CHECK(tfm::text_of(bytes) == text);
    }
  }
}

TEST_CASE("fetched parts come into memory") {
  const tfm_test::TemporaryFolder folder;
  write(folder / "file", std::string(2'000'000, 'x'));
  const int descriptor = ::open((folder / "file").c_str(), O_RDONLY | O_CLOEXEC);
  ::fsync(descriptor);
  ::posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);  // out of the system's memory, where a disk is behind it
  ::close(descriptor);
  const auto file = tfm::MappedFile::open(folder / "file");
  const auto bytes = file->bytes();
  struct statfs about {};
  if (::statfs((folder / "file").c_str(), &about) == 0 && about.f_type == EXT4_SUPER_MAGIC) CHECK_FALSE(file->resident(bytes));
  for (const auto& part : {bytes.first(1), bytes.subspan(4095, 2), bytes.last(5000), bytes}) {
    file->fetch(part);
    for (int naps = 0; !file->resident(part) && naps < 10'000; ++naps) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    CHECK(file->resident(part));
  }
  CHECK(tfm::text_of(bytes) == std::string(2'000'000, 'x'));
}

TEST_CASE("dropping a part gives its whole pages back, and no others") {
  const tfm_test::TemporaryFolder folder;
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  write(folder / "file", std::string(8 * page, 'x'));
  const auto file = tfm::MappedFile::open(folder / "file");
  unsigned sum = 0;
  for (const std::byte b : file->bytes()) sum += static_cast<unsigned>(b);
  REQUIRE(sum == 8 * page * 'x');
  // A page of a private mapping is resident for us as long as the page table has it: seen in pagemap, bit 63.
  const int pagemap = ::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  const auto resident = [&](std::size_t i) {
    const auto at = (reinterpret_cast<std::uintptr_t>(file->bytes().data()) / page + i) * 8;
    std::uint64_t entry = 0;
    return ::pread(pagemap, &entry, 8, static_cast<off_t>(at)) == 8 ? static_cast<int>(entry >> 63) : -1;
  };
  if (resident(0) < 0) return;  // the system does not say
  for (std::size_t i = 0; i < 8; ++i) REQUIRE(resident(i) == 1);
  file->drop(file->bytes().subspan(page + 1, 4 * page));
  CHECK(resident(0) == 1);
  CHECK(resident(1) == 1);
  CHECK(resident(2) == 0);
  CHECK(resident(3) == 0);
  CHECK(resident(4) == 0);
  CHECK(resident(5) == 1);
  ::close(pagemap);
}

TEST_CASE("a mapped file knows when it was last written, as it was when it was opened") {
  const tfm_test::TemporaryFolder folder;
  write(folder / "file", "text");
  const auto before = tfm::MappedFile::open(folder / "file");
  CHECK(tfm::MappedFile::open(folder / "file")->modified() == before->modified());
  const std::int64_t then = before->modified();
  std::filesystem::last_write_time(folder / "file", std::filesystem::last_write_time(folder / "file") + std::chrono::nanoseconds(1'500'000));
  CHECK(before->modified() == then);
  CHECK(tfm::MappedFile::open(folder / "file")->modified() == then + 1'500'000);
}

TEST_CASE("a Git LFS pointer is called one by everything that opens files, or reads bytes that somebody has opened") {
  const tfm_test::TemporaryFolder folder;
  const std::string pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + std::string(64, '7') + "\nsize 538090408\n";
  const std::string said = "this is a Git LFS pointer, not the file: the real file, of 538090408 bytes, was not downloaded (`git lfs pull` in its folder "
                           "fetches it)";
  const auto path = folder / "model";
  write(path, pointer);
  const auto opened = "tfm: cannot open " + path.string() + ": " + said;
  CHECK_THROWS_MATCHES(tfm::MappedFile::open(path), tfm::LoadError, Catch::Matchers::Message(opened));
  CHECK_THROWS_WITH(tfm::read_gguf(path), opened);
  CHECK_THROWS_WITH(tfm::read_gguf_metadata(path), opened);
  CHECK_THROWS_WITH(tfm::read_safetensors(path), opened);
  CHECK_THROWS_WITH(tfm::read_torch(path), opened);
  CHECK_THROWS_WITH(tfm::read_json(path), opened);
  const auto bytes = tfm::bytes_of(pointer);
  CHECK_THROWS_WITH(tfm::read_gguf(bytes, "m"), "tfm: m: " + said);
  CHECK_THROWS_WITH(tfm::read_safetensors(bytes, "m"), "tfm: m: " + said);
  CHECK_THROWS_WITH(tfm::JsonDocument(pointer, "m"), "tfm: m: " + said);
  write(path, "version https://git-lfs.github.com/spec/v1\r\n");  // of another system, and cut short
  CHECK_THROWS_WITH(tfm::MappedFile::open(path), Contains("this is a Git LFS pointer, not the file: the real file was not downloaded"));
  write(path, pointer + std::string(1024, ' '));  // a text about pointers
  CHECK(tfm::MappedFile::open(path)->bytes().size() > 1024);
}

TEST_CASE("what cannot be mapped is refused with its path and the reason") {
  const tfm_test::TemporaryFolder folder;
  const auto refused = [](const std::filesystem::path& path, const std::string& reason) {
    CHECK_THROWS_MATCHES(tfm::MappedFile::open(path), tfm::LoadError,
                         Catch::Matchers::Message("tfm: cannot open " + path.string() + ": " + reason));
  };
  refused(folder / "absent", "No such file or directory");
  refused(folder.path(), "it is a folder");
  write(folder / "empty", "");
  refused(folder / "empty", "it is empty");
  refused("/dev/null", "it is not a regular file");
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  refused(folder / "pipe", "it is not a regular file");
  write(folder / "a", "x");
  CHECK_THROWS_WITH(tfm::MappedFile::open((folder / "a").string() + std::string("\0b", 2)),
                    Contains("a\\x00b': the name holds a zero byte"));
  std::filesystem::permissions(folder / "a", std::filesystem::perms::none);
  const tfm_test::AsNobody nobody;
  refused(folder / "a", "Permission denied");
}
