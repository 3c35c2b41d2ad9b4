// finetune: from a CSV file of tweets to a LoRA adapter, and what it is worth. Each command is a file of its own.
#include "arguments.hpp"
#include "command_line.hpp"
#include "support/program.hpp"

int main(int count, char** words) { return cli::run_program(count, words, cli::parse_command_line, "a smaller --micro-batch or --cutoff needs less"); }
