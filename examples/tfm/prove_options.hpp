#pragma once
// The options of tfm prove but the model, and its help, which says what is hashed.
#include <string>

#include "model_options.hpp"

namespace cli {

inline constexpr const char* prove_footer =
    R"(Three sequences of tokens are read in many ways: by every instruction set that the CPU has and that fuses
multiplication and addition, on 1, 2 and 3 threads, at once, in pieces and token by token, alone and in a
batch. All logits must have the same bits; then one hash is printed, the same on every CPU with AVX2 or NEON.
Otherwise the exit code is 1, and what differs first is told. On a CPU without a fused multiply-add, or with
--isa baseline on x86, nothing can be proved: exit code 1.

Script 1: prompt p of 0, 1, 2 has 1, 40 or 270 ids, at most the model's context less 16; its id i is
(104729 (p + 1) + 7919 i) mod V for a vocabulary of V. 16 ids follow, each the likeliest, the first of equals.
The SHA-256 is of, all numbers little-endian: int64 9, "tfm prove", int64 1, int64 V; for exact arithmetic with
keys and values in F32, then for fast with F16: the int64 length of its name, its name; for each sequence
its length and its ids as int64, and the V logits after each id as float32.
With --json: {"sha256", "script", "instruction_sets", "ways", "tokens", "notes"}.

Examples:
  tfm prove --model model.gguf
  tfm prove --model folder/ --json
  tfm prove --model model.gguf --expect 64-HEXADECIMAL-DIGITS         exit code 1 unless it is that)";

inline void add_prove_options(CLI::App& app, ProveArguments& prove) {
  app.footer(prove_footer);
  add_choice(app, "--isa", prove.isa, isas, "NAME", "This instruction set alone, not all that the CPU has");
  app.add_option("--expect", prove.expected, "The hash that is expected")->type_name("HASH")->check([](const std::string& word) {
    const bool hash = word.size() == 64 && word.find_first_not_of("0123456789abcdef") == word.npos;
    return hash ? std::string() : "found '" + word + "', expected 64 digits of 0-9a-f";
  });
  add_json(app, prove.json);
}

}  // namespace cli
