#include "terminal.hpp"

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "tfm/core/error.hpp"

namespace cli {

namespace {

int output_error = 0;  // of the first write to standard output that failed

termios former_mode;
TerminalMode::Mode current_mode;
volatile std::sig_atomic_t mode_is_changed = 0;

/// For a signal that ends the program while the terminal is in another mode.
extern "C" void restore_and_die(int signal) {
  if (mode_is_changed != 0) tcsetattr(standard_input, TCSANOW, &former_mode);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void change_mode(TerminalMode::Mode mode) {
  if (tcgetattr(standard_input, &former_mode) != 0) return;
  termios raw = former_mode;
  raw.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON);
  raw.c_lflag |= NOFLSH;  // Ctrl-C throws away neither what was written nor what was typed
  if (mode == TerminalMode::editing) {
    raw.c_lflag &= ~static_cast<tcflag_t>(ISIG | IEXTEN);
    raw.c_iflag &= ~static_cast<tcflag_t>(IXON | ICRNL | INLCR | ISTRIP);
  }
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  for (const int signal : {SIGTERM, SIGHUP, SIGQUIT}) std::signal(signal, restore_and_die);
  current_mode = mode;
  mode_is_changed = 1;
  tcsetattr(standard_input, TCSADRAIN, &raw);
}

void restore_mode() {
  if (mode_is_changed == 0) return;
  tcsetattr(standard_input, TCSADRAIN, &former_mode);
  mode_is_changed = 0;
}

}  // namespace

bool is_terminal(int stream) { return isatty(stream) == 1; }

bool has_escapes(int stream) {
  const char* const name = std::getenv("TERM");
  return is_terminal(stream) && name != nullptr && *name != '\0' && std::strcmp(name, "dumb") != 0;
}

TerminalSize terminal_size(int stream) {
  winsize size{};
  if (ioctl(stream, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

bool write_all(int stream, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(stream, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

bool print(std::string_view text) {
  if (output_error == 0 && !write_all(standard_output, text)) {
    output_error = errno == 0 ? EIO : errno;
    if (output_error != EPIPE) tell("tfm: standard output: " + std::string(std::strerror(output_error)) + "\n");
  }
  return output_error == 0;
}

void tell(std::string_view text) { write_all(standard_error, text); }

void tell_dimly(std::string_view text) {
  const bool pale = has_escapes(standard_error) && std::getenv("NO_COLOR") == nullptr;
  tell(pale ? "\x1b[2m" + std::string(text) + "\x1b[0m" : std::string(text));
}

bool output_is_whole() { return output_error == 0; }

std::string read_all_input() {
  std::string all;
  char block[65536];
  while (true) {
    const ssize_t got = ::read(standard_input, block, sizeof block);
    if (got < 0 && errno == EINTR) tfm::raise(tfm::Stopped());
    if (got < 0) tfm::raise(tfm::LoadError("tfm: standard input: " + std::string(std::strerror(errno))));
    if (got == 0) return all;
    all.append(block, static_cast<std::size_t>(got));
  }
}

std::string printable(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7f) c = ' ';
  return out;
}

TerminalMode::TerminalMode(Mode mode) { change_mode(mode); }
TerminalMode::~TerminalMode() { restore_mode(); }

void suspend() {
  const bool changed = mode_is_changed != 0;
  restore_mode();
  std::raise(SIGTSTP);
  if (changed) change_mode(current_mode);
}

}  // namespace cli
