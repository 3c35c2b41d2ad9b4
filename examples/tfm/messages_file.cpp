#include "messages_file.hpp"

#include <nlohmann/json.hpp>
#include <system_error>

#include "support/text_file.hpp"
#include "tfm/formats/atomic_file.hpp"
#include "tfm/formats/json.hpp"
#include "tfm/train/data/conversations.hpp"

namespace cli {

namespace {

tfm::Message message_of(const tfm::Json& value) {
  const tfm::Json role = value.at("role");
  const auto known = tfm::role_named(role.text());
  if (!known) role.refuse({"found ", role.found(), ", expected 'system', 'user', 'assistant' or 'tool'"});
  tfm::Message message{*known, std::string(value.at("content").text())};
  std::vector<std::pair<tfm::jinja::Value, tfm::jinja::Value>> more;
  for (const tfm::Json member : value.members())
    if (member.key() != "role" && member.key() != "content" && !member.is(tfm::JsonKind::null)) more.emplace_back(tfm::jinja::Value::of(member.key()), tfm::template_value(member));
  if (!more.empty()) message.more = tfm::jinja::make_dict(std::move(more));
  return message;
}

std::vector<tfm::Message> messages_of(const std::string& text, const std::string& name) {
  const tfm::JsonDocument document(text, name);
  const tfm::Json root = document.root();
  std::vector<tfm::Message> messages;
  for (const tfm::Json one : (root.is(tfm::JsonKind::object) ? root.at("messages") : root).elements()) messages.push_back(message_of(one));
  return messages;
}

}  // namespace

std::vector<tfm::Message> read_messages(const std::filesystem::path& file) {
  return messages_of(read_text(file), file == "-" ? "standard input" : file.string());
}

void write_messages(const std::filesystem::path& file, std::span<const tfm::Message> messages) {
  std::error_code unknown;
  if (std::filesystem::exists(std::filesystem::symlink_status(file, unknown))) {
    try {
      if (!std::filesystem::is_regular_file(file)) throw tfm::LoadError("it is no file");
      read_messages(file);
    } catch (const std::exception&) {
      tfm::raise(tfm::LoadError("tfm: " + file.string() + " is there already, and is no conversation: it stays as it is; choose another name"));
    }
  }
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const tfm::Message& message : messages) {
    auto& one = all.emplace_back(nlohmann::ordered_json{{"role", name(message.role)}, {"content", message.content}});
    if (message.more.is(tfm::jinja::Kind::dict)) one.update(nlohmann::ordered_json::parse(tfm::jinja::to_json(message.more)));
  }
  const std::string text = all.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  tfm::write_file(std::filesystem::is_symlink(file, unknown) ? std::filesystem::canonical(file) : file, tfm::bytes_of(text));
}

}  // namespace cli
