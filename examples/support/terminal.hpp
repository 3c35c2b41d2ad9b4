#pragma once
// The program's three streams: what they are connected to, writing to them, and the terminal's modes.
#include <string>
#include <string_view>

namespace cli {

inline constexpr int standard_input = 0, standard_output = 1, standard_error = 2;

bool is_terminal(int stream);
/// Whether escape sequences make sense there: a terminal, and one that is not "dumb".
bool has_escapes(int stream);

struct TerminalSize {
  int columns = 80, rows = 24;
};
TerminalSize terminal_size(int stream);

/// Writes all of it, at once where possible. False once the stream has failed: the reader is gone, the disk is full.
bool write_all(int stream, std::string_view text);

/// Writes to standard output, and remembers if that failed. False: stop, nobody reads.
bool print(std::string_view text);
/// Writes to standard error, which may fail in silence.
void tell(std::string_view text);
/// The same in a paler colour, where the terminal has colours and nobody minds (NO_COLOR).
void tell_dimly(std::string_view text);
/// False once print() has failed. The reason has been told then, unless it is a reader that left.
bool output_is_whole();

/// All of standard input.
std::string read_all_input();

/// What a model says on its way to a terminal: control characters, which could move the cursor or worse, become spaces.
std::string printable(std::string_view text);

/// Puts the terminal at standard input into a mode until the end of the scope. A signal that ends or stops the program
/// brings back the mode that was there before.
class TerminalMode {
 public:
  enum Mode {
    editing,    ///< every key arrives as it is pressed, Ctrl-C too; nothing is echoed
    answering,  ///< nothing is echoed; Ctrl-C interrupts
  };
  explicit TerminalMode(Mode mode);
  ~TerminalMode();
  TerminalMode(const TerminalMode&) = delete;
  TerminalMode& operator=(const TerminalMode&) = delete;
};

/// Stops the program as Ctrl-Z does, in the terminal's former mode; returns when it goes on.
void suspend();

}  // namespace cli
