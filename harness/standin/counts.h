// Counts of everything that a program asks of the device. STANDIN_REPORT names the file they are appended to at the end.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace standin {

// The counted kinds of calls. Launches, copies and convolutions have names: the kernel's, or the direction.
enum class Counted { Allocation, Free, Memset, Synchronisation, Lookup, Copy, Launch, Convolution };

// Adds a call of this kind and name, and the bytes that it moves or takes.
void count(Counted kind, const std::string &name = "", size_t bytes = 0);

// Adds to the barriers that threads reached.
void count_barriers(uint64_t barriers);

} // namespace standin
