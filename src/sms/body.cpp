#include "sms/body.h"

#include <cstring>

namespace pandun::sms {

void wipe(void* memory, std::size_t bytes) {
  if (bytes == 0) return;
  std::memset(memory, 0, bytes);
  // Keeps the store: the compiler must assume that the memory is read here.
  asm volatile("" : : "r"(memory) : "memory");
}

}  // namespace pandun::sms
