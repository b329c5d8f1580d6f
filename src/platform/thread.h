// Threads and stop tokens, named so that a debugger and /proc show which room they belong to.
//
// Threads  a Thread joins in its destructor after asking for a stop. Nothing is ever detached.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <thread>

namespace pandun::platform {

using Thread = std::jthread;
Thread start_thread(std::string name, std::function<void(std::stop_token)> body);  // name: at most 15 bytes are shown

// Sleeps until the time has passed or a stop is asked for; true if it may go on. For retry pauses, never for polling data.
bool pause(std::stop_token stop, std::chrono::milliseconds time);

// The calling thread gets about a tenth of what others get who want the processor too. For work that may take its time.
void give_way();

}  // namespace pandun::platform
