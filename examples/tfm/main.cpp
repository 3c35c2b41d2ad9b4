// tfm: runs LLaMA-family models in the terminal. Each command is a file of its own.
#include "arguments.hpp"
#include "command_line.hpp"
#include "support/program.hpp"

int main(int count, char** words) {
  return cli::run_program(count, words, cli::parse_command_line, "a smaller --context or --chunk needs less, and tfm info tells how much");
}
