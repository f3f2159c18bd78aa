// The device's memory: blocks of the host's memory whose bounds are known.
#pragma once
#include <cstddef>
#include <cstdint>

namespace standin::memory {

// A new block, filled with bytes that make NaN of any type of real number. 0 if the device has too little memory left.
uint64_t allocate(size_t bytes);

// Frees a block. False, with a complaint, for an address that is not the start of a block, or if somebody wrote past its end.
bool release(uint64_t address);

// The bytes from `address` to the end of its block, or 0 if it lies in none.
size_t room(const void *address);

// True if all `bytes` lie in one block; complains otherwise. `what` says who asks.
bool inside(const char *what, const void *address, size_t bytes);

// Bytes in use now, and the most that were in use at any time.
size_t used();
size_t most();

} // namespace standin::memory
