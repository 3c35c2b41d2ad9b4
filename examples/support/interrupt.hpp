#pragma once
// Ctrl-C: a StopToken for whatever is running, instead of the end of the program.
#include "tfm/core/stop_token.hpp"

namespace cli {

/// From now on SIGINT asks for a stop. A second one before reset_interrupt() ends the program, if `twice_kills`.
void catch_interrupt(bool twice_kills);
/// Stops when Ctrl-C is pressed.
tfm::StopToken interrupt_token();
bool was_interrupted();
/// Ready for the next one.
void reset_interrupt();

}  // namespace cli
