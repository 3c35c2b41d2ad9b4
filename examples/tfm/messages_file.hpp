#pragma once
// Conversations in files: JSON, an array of {"role", "content"}, or an object whose "messages" is one.
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "tfm/text/chat_template.hpp"

namespace cli {

/// Of a file, or of "-": standard input. Errors: LoadError, which names the file, the place, what was found and expected.
std::vector<tfm::Message> read_messages(const std::filesystem::path& file);

/// The file becomes these messages, whole or not at all. One that is there, and is no conversation, is left as it is. Errors: LoadError.
void write_messages(const std::filesystem::path& file, std::span<const tfm::Message> messages);

}  // namespace cli
