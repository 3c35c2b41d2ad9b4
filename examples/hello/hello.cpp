// The smallest program: a model answers one question.
#include <tfm/llama.hpp>

#include <iostream>

int main(int count, char** arguments) try {
  if (count != 3) {
    std::cerr << "usage: hello MODEL QUESTION\n";
    return 2;
  }
  const auto llama = tfm::load_llama(arguments[1]);
  tfm::Chat chat(llama);
  chat.say(arguments[2], [](std::string_view piece) { std::cout << piece << std::flush; });
  std::cout << '\n';
} catch (const tfm::Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
