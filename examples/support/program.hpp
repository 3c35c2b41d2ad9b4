#pragma once
// What every program has in common: the way in, and the way out with an exit code that means something.
#include <csignal>
#include <exception>
#include <new>
#include <string>
#include <variant>

#include "exit_code.hpp"
#include "interrupt.hpp"
#include "terminal.hpp"
#include "tfm/core/error.hpp"

namespace cli {

inline int fail(int code, const std::string& message) {
  tell((message.starts_with("tfm: ") ? message : "tfm: " + message) + "\n");
  return code;
}

/// Runs the command, one of a variant's, that `parse(count, words)` gives, with its overload of run(); `less_memory` is what to do
/// where memory is out.
template <class Parse>
int run_program(int count, const char* const* words, Parse&& parse, const std::string& less_memory) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that leaves is noticed by the write
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is noticed by the write
  const auto asked = parse(count, words);
  if (const int* const code = std::get_if<int>(&asked)) return *code;
  catch_interrupt(true);
  try {
    const int code = std::visit([](const auto& command) { return run(command); }, std::get<0>(asked));
    return code == success && !output_is_whole() ? failure : code;
  } catch (const tfm::Stopped&) { return interrupted; } catch (const tfm::OptionError& error) {
    return fail(usage, error.what());
  } catch (const UsageError& error) { return fail(usage, error.what()); } catch (const std::bad_alloc&) {
    return fail(failure, "out of memory; " + less_memory);
  } catch (const std::exception& error) { return fail(failure, error.what()); }
}

}  // namespace cli
