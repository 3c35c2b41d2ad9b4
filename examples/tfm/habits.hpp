#pragma once
// What people type who come from llama.cpp, Ollama or transformers, and what it is called here.
#include <string_view>

namespace cli {

/// What to say of another program's option, "-ngl" or "--mlock": how a sentence that begins with its name goes on. Empty: it is not known.
std::string_view foreign_option(std::string_view word);
/// The command that another program's command is here; empty: it is not known.
std::string_view foreign_command(std::string_view word);

}  // namespace cli
