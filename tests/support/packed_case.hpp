#pragma once
// PackedCase: a checkpoint on the disk, the place of its packed file, and what loading them says.
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "support/file_text.hpp"
#include "support/random.hpp"
#include "support/run_llama.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiny_llama.hpp"
#include "tfm/checkpoint/load_llama.hpp"

namespace tfm_test {


/// Writes over bytes of a file in place, and says it was not written to.
inline void change_secretly(const std::filesystem::path& path, std::size_t at, char by) {
  const auto time = std::filesystem::last_write_time(path);
  std::string text = file_text(path);
  text.at(at) = static_cast<char>(text.at(at) ^ by);
  write_text(path, text);
  std::filesystem::last_write_time(path, time);
}

struct PackedCase {
  TemporaryFolder folder;
  std::filesystem::path model = folder / "model.gguf", packed = folder / "model.packed";

  explicit PackedCase(const TinyLlama& tiny = TinyLlama(), tfm::Format format = tfm::Format::q4_0) { tiny.gguf(format).write(model); }

  tfm::LoadOptions options() const {
    tfm::LoadOptions options;
    options.packed = packed;
    return options;
  }
  tfm::Loaded<tfm::AnyLlama> load() const { return tfm::load_llama(model, options()); }
  /// What loading says of the packed file, without the note that there is no tokenizer; "" if nothing.
  std::string note() const { return note_of(load()); }
  static std::string note_of(const tfm::Loaded<tfm::AnyLlama>& loaded) {
    std::string said;
    for (const std::string& note : loaded.notes)
      if (note.starts_with("the packed file ")) said += said.empty() ? note : "; " + note;
    return said;
  }
  std::string made_anew(const std::string& why) const { return "the packed file " + packed.string() + " has been made anew: " + why; }
  bool nothing_half_done() const {
    for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
      if (entry.path().extension() == ".tmp") return false;
    return true;
  }
};

inline tfm::Buffer packed_logits(const tfm::AnyLlama& model) {
  tfm::Context context(1);
  return all_logits(model, context, {1, 17, 200, 263, 5}, 1);
}

}  // namespace tfm_test
