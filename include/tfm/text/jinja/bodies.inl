#pragma once
// Template's own functions, on everything that they stand on.
#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/text/jinja/check.inl"
#include "tfm/text/jinja/json.inl"
#include "tfm/text/jinja/statement_parser.inl"

namespace tfm::inline TFM_ABI::jinja {

TFM_JINJA Template::Template(std::string_view source) {
  constexpr std::size_t longest = 4u << 20;
  if (source.size() > longest)
    raise<TemplateError>({"tfm: a chat template of ", source.size(), " bytes, expected at most ", longest});
  auto program = std::make_shared<Program>();
  Parser parser(Lexer(source).tokens(), *program);
  // In the order of Known.
  parser.reserve({"loop", "caller", "varargs", "kwargs", "range", "dict", "namespace", "cycler", "joiner", "lipsum",
                  "raise_exception", "strftime_now"});
  parser.parse();
  check_names(program->body, false);
  program_ = std::move(program);
}
TFM_JINJA Rendered Template::render(const Context& context, const Limits& limits) const {
  Machine machine(*program_, limits, context);
  machine.globals.resize(program_->names.size());
  for (std::uint32_t id = known_range; id < known_names; ++id) machine.globals[id] = globals::known(id);
  if (!context.now) machine.globals[known_strftime_now] = Value();
  for (std::size_t id = 0; id < program_->names.size(); ++id) {
    for (const auto& [name, value] : context.variables)
      if (name == program_->names[id]) machine.globals[id] = value;
  }
  Writer out(machine);
  machine.out = &out;
  execute(machine, program_->body, &machine.root);
  return out.rendered();
}
TFM_JINJA bool Template::mentions(std::string_view name) const {
  const auto& attributes = program_->attributes;
  return std::binary_search(attributes.begin(), attributes.end(), name) ||
         std::find(program_->names.begin() + known_names, program_->names.end(), name) != program_->names.end();
}
TFM_JINJA bool Template::marks_generation() const { return program_->generation; }

}  // namespace tfm::inline TFM_ABI::jinja
