#pragma once
// HostileCorpus: the malformed files of shared/hostile, made when a test runs, and what is promised of each of them.
#if __has_include(<malloc.h>)
#include <malloc.h>
#endif

#include <cstdlib>
#include <ctime>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/sanitized.hpp"
#include "support/temporary_folder.hpp"
#include "tfm/core/error.hpp"
#include "tfm/formats/json.hpp"

namespace tfm_test {

// ThreadSanitizer takes ten times the time and more, the others up to four times; what is promised is the program's own time.
#if defined(__SANITIZE_THREAD__)
inline constexpr bool time_counts = false;
#else
inline constexpr bool time_counts = true;
#endif
inline constexpr double most_seconds = sanitized ? 40 : 10;

/// An entry of the manifest: a file, or a folder of files.
struct HostileCase {
  std::string name;    // below the corpus: "gguf/version-4.gguf"
  std::string format;  // "gguf"
  std::string stage;   // who must notice: parse, model, use
  std::string expect;  // "error", "ok", "either but no crash"
  std::filesystem::path path;
};

class HostileCorpus {
  std::unique_ptr<TemporaryFolder> folder_ = std::make_unique<TemporaryFolder>();
  std::vector<HostileCase> cases_;

 public:
  /// The cases of some groups ("gguf", "safetensors", "json", and so on: make_hostile.py --only). Without script or
  /// Python the test is marked as skipped.
  static std::optional<HostileCorpus> make(int seed, const std::vector<std::string>& groups) {
    const auto script = require(shared() / "hostile/make_hostile.py");
    if (!script) return std::nullopt;
    if (std::system("python3 -c pass 2> /dev/null") != 0) {
      std::cout << "[tfm: skipped] not there: python3\n";
      SUCCEED("skipped");
      return std::nullopt;
    }
    HostileCorpus corpus;
    const std::filesystem::path out = *corpus.folder_ / "corpus";
    std::string command = "PYTHONDONTWRITEBYTECODE=1 python3 '" + script->string() + "' --seed " +
                          std::to_string(seed) + " --out '" + out.string() + "'";
    for (const auto& group : groups) command += " --only " + group;
    REQUIRE(std::system((command + " > /dev/null").c_str()) == 0);
    const auto manifest = tfm::read_json(out / "manifest.json");
    for (const tfm::Json entry : manifest.root().elements()) {
      const auto text = [&](std::string_view key) { return std::string(entry.at(key).text()); };
      corpus.cases_.push_back({text("file"), text("format"), text("stage"), text("expect"), out / text("file")});
    }
    REQUIRE(!corpus.cases_.empty());
    return corpus;
  }
  const std::vector<HostileCase>& cases() const noexcept { return cases_; }
  /// Where the corpus lies: files that a case needs beside it are copied from here.
  std::filesystem::path path() const { return *folder_ / "corpus"; }
};

/// Peak of this process's memory since the last reset, in bytes; 0 where the system does not say.
class PeakMemory {
  static tfm::Index status(std::string_view line) {
    std::ifstream file("/proc/self/status");
    for (std::string word; file >> word;)
      if (tfm::Index kib = 0; word == line && file >> kib) return kib * 1024;
    return 0;
  }
  tfm::Index before_ = 0;

 public:
  PeakMemory() {
#if defined(__GLIBC__)
    ::malloc_trim(0);  // what was freed before must not hide what is taken now
#endif
    std::ofstream reset("/proc/self/clear_refs");
    reset << "5" << std::flush;
    if (reset) before_ = status("VmRSS:");
  }
  tfm::Index grown() const { return before_ > 0 ? status("VmHWM:") - before_ : 0; }
};

inline tfm::Index size_of(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return static_cast<tfm::Index>(std::filesystem::file_size(path));
  tfm::Index sum = 0;
  for (const auto& file : std::filesystem::directory_iterator(path)) sum += static_cast<tfm::Index>(file.file_size());
  return sum;
}

/// Reads a case and holds the outcome against the promise. `stages` are those for which this reader must notice what is
/// wrong: a format's reader answers for parse, who builds a model for model too. In every case: nothing but tfm::Error
/// is thrown, its message names the file, under 10 seconds, and memory under twice the file and 64 MiB.
template <class Read>
void hold_to_promise(const HostileCase& hostile, const std::set<std::string>& stages, Read&& read) {
  INFO(hostile.name << ", stage " << hostile.stage << ", expected: " << hostile.expect);
  const PeakMemory memory;
  const std::clock_t start = std::clock();  // of this program, so that a busy machine fails no test
  std::optional<std::string> error;
  try {
    read(hostile.path);
  } catch (const tfm::Error& e) {
    error = e.what();
  } catch (const std::exception& e) {
    FAIL("not a tfm::Error: " << e.what());
  }
  if (time_counts) CHECK(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC < most_seconds);
  if (!sanitized) CHECK(memory.grown() < 2 * size_of(hostile.path) + 64 * tfm::MiB);
  if (hostile.expect == "error" && stages.count(hostile.stage) > 0) CHECK(error.has_value());
  if (hostile.expect == "ok") CHECK(error.value_or("") == "");
  if (error) {
    INFO(*error);
    CHECK(error->substr(0, 5) == "tfm: ");
    CHECK(error->find(hostile.path.string()) != std::string::npos);
    CHECK(error->size() < 1000 + 2 * hostile.path.string().size());
  }
}

}  // namespace tfm_test
