// What the process can know of itself: memory, processor time, environment, its own path, signals.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace pandun::platform {

std::uint64_t peak_rss_bytes();
std::uint64_t rss_bytes();
unsigned processors();        // that it may run on: taskset and containers may leave fewer than there are
std::uint64_t cpu_time_ms();  // user + system of this process
// Blocks of memory from this size on come from the system one by one and go back to it when they are freed, as tables of
// millions of entries that grow step by step need it. Left to itself the C library raises the size with each that is freed,
// up to 32 MiB, and their places stay as holes between others. Once, before threads start.
void map_blocks_from(std::size_t bytes);
std::optional<std::string> environment(const std::string& name);
std::string executable_path();
std::string default_state_directory();  // $PANDUN_STATE_DIR, else $XDG_STATE_HOME/pandun, else ~/.local/state/pandun
bool stdout_is_terminal();
bool stderr_is_terminal();

// Blocks SIGINT and SIGTERM in every thread started afterwards (and ignores SIGPIPE and SIGXFSZ, so that the calls fail instead);
// then waits for one of them and returns its number.
void block_stop_signals();
int wait_for_stop_signal();

}  // namespace pandun::platform
