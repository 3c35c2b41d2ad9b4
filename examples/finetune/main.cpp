// finetune: teaches a LLaMA a task by an adapter beside it, on a laptop. Each command is a file of its own; here is what
// they share: the way in, and the way out with an exit code that means something.
#include <csignal>
#include <exception>
#include <new>
#include <string>
#include <variant>

#include "arguments.hpp"
#include "command_line.hpp"
#include "support/interrupt.hpp"
#include "support/terminal.hpp"
#include "tfm/core/error.hpp"

namespace {

int fail(int code, const std::string& message) {
  cli::tell((message.starts_with("tfm: ") ? message : "tfm: " + message) + "\n");
  return code;
}

int run(const cli::Arguments& arguments) {
  try {
    return std::visit([](const auto& command) { return cli::run(command); }, arguments);
  } catch (const tfm::Stopped&) { return cli::interrupted; } catch (const tfm::OptionError& error) {
    return fail(cli::usage, error.what());
  } catch (const cli::UsageError& error) { return fail(cli::usage, error.what()); } catch (const std::bad_alloc&) {
    return fail(cli::failure, "out of memory; a smaller --micro-batch or --cutoff needs less");
  } catch (const std::exception& error) { return fail(cli::failure, error.what()); }
}

}  // namespace

int main(int count, char** words) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that leaves is noticed by the write
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is noticed by the write
  const auto asked = cli::parse_command_line(count, words);
  if (const int* const code = std::get_if<int>(&asked)) return *code;
  cli::catch_interrupt(true);
  const int code = run(std::get<cli::Arguments>(asked));
  return code == cli::success && !cli::output_is_whole() ? cli::failure : code;
}
