#include "interrupt.hpp"

#include <csignal>

namespace cli {

namespace {

const tfm::StopSource source;
volatile std::sig_atomic_t second_kills = 0;

extern "C" void on_interrupt(int signal) {
  if (second_kills != 0 && source.stop_requested()) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
  source.request_stop();
}

}  // namespace

void catch_interrupt(bool twice_kills) {
  second_kills = twice_kills ? 1 : 0;
  struct sigaction action {};
  action.sa_handler = on_interrupt;  // without SA_RESTART: a read that waits comes back
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
}

tfm::StopToken interrupt_token() { return source.token(); }
bool was_interrupted() { return source.stop_requested(); }
void reset_interrupt() { source.reset(); }

}  // namespace cli
