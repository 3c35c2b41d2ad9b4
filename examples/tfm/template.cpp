// tfm template: a conversation as the text that the model's chat template makes of it.
#include "arguments.hpp"
#include "support/terminal.hpp"
#include "support/text_file.hpp"
#include "tfm/checkpoint/load_tokenizer.hpp"
#include "tfm/text/jinja/conversation.hpp"
#include "tfm/text/rendering.hpp"

namespace cli {

namespace {

namespace jinja = tfm::jinja;
using jinja::Value;

Value json_file(const std::filesystem::path& file) {
  return jinja::from_json(read_text(file), jinja::by_caller, file == "-" ? "standard input" : file.string());
}

/// True, False, None, JSON, or else the text itself.
Value variable_of(const std::string& text) {
  if (text == "True" || text == "False") return Value::of(text == "True");
  if (text == "None") return Value::none();
  try {
    return jinja::from_json(text);
  } catch (const tfm::TemplateError&) {
    return Value::of(text, jinja::by_caller);
  }
}

}  // namespace

int run(const TemplateArguments& arguments) {
  jinja::Conversation conversation;
  if (arguments.now) conversation.now = jinja::DateTime::parse(*arguments.now);
  std::string source;
  tfm::SequenceMarks marks{"", ""};
  if (!arguments.model.empty()) {
    const auto [tokenizer, own, notes] = tfm::find_tokenizer(arguments.model);
    tell_notes(notes);
    source = own;
    marks = tfm::marks_of(tokenizer);
  }
  if (!arguments.source.empty()) source = read_text(arguments.source);
  else if (source.empty())
    tfm::raise<tfm::TemplateError>({"tfm: ", arguments.model.string(), " has no chat template; --template F is one"});
  marks.bos = arguments.bos.value_or(marks.bos);
  marks.eos = arguments.eos.value_or(marks.eos);

  conversation.messages = json_file(arguments.messages);
  if (const Value whole = conversation.messages; whole.is(jinja::Kind::dict)) {
    const Value *const messages = jinja::find(whole, "messages"), *const tools = jinja::find(whole, "tools");
    if (messages == nullptr)
      tfm::raise<tfm::TemplateError>({"tfm: ", arguments.messages.string(),
                                      ": found an object without \"messages\", expected a list of messages"});
    conversation.messages = *messages;
    if (tools != nullptr) conversation.tools = *tools;
  }
  if (!arguments.tools.empty()) conversation.tools = json_file(arguments.tools);
  if (!marks.bos.empty()) conversation.variables.emplace_back("bos_token", Value::of(marks.bos));
  if (!marks.eos.empty()) conversation.variables.emplace_back("eos_token", Value::of(marks.eos));
  for (const auto& [name, value] : arguments.variables) conversation.variables.emplace_back(name, variable_of(value));
  conversation.continue_final_message = arguments.go_on;
  conversation.add_generation_prompt = arguments.generation_prompt && !arguments.go_on;
  print(jinja::render(jinja::Template(source), conversation).text);
  return success;
}

}  // namespace cli
