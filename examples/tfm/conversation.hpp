#pragma once
// A conversation in the terminal: what is typed is said, and lines that begin with a slash are commands.
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "line_editor.hpp"
#include "model.hpp"
#include "support/progress_bar.hpp"
#include "support/loaded_adapters.hpp"
#include "tfm/generate/chat.hpp"

namespace cli {

using Chat = tfm::Chat<tfm::AnyModel>;

/// Says what the user says, or tools, and prints the answer; its figures go to standard error, with `advice` where the context is full. False if it was
/// not finished: Ctrl-C, or nobody reads any more.
/// What the model thinks before it answers is told in one dim line, and goes to `thoughts`.
bool say(Chat& chat, ProgressBar& bar, std::vector<tfm::Message> said, const std::string& advice, std::string& thoughts);

class Conversation {
  Chat& chat_;
  LoadedAdapters& adapters_;
  ProgressBar& bar_;
  std::string advice_;                 // where the context is full
  std::optional<std::string> system_;  // the one that /system gave
  std::string thoughts_;               // before the last answer

  bool answer(const std::string& text);
  bool obey(const std::string& line);
  void regenerate();
  void undo();
  void save(const std::string& file);
  void load(const std::string& file);
  void set_system(const std::string& text);
  void set_adapter(const std::string& names);
  void reset();

 public:
  Conversation(Chat& chat, LoadedAdapters& adapters, ProgressBar& bar, std::string advice);
  /// Talks until the user leaves; says `first`, if there is one, before all. The exit code.
  int run(const std::string& model, LineEditor editor, const std::optional<std::string>& first);
};

}  // namespace cli
