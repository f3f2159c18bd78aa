#include "memory.h"
#include "calls.h"
#include "settings.h"
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>

namespace standin::memory {

namespace {

// What CUDA promises, and what 16-byte loads rely on.
constexpr size_t ALIGNMENT = 256;

// A float, double or bfloat16 of these bytes is NaN, so that nobody computes with memory that was never written.
constexpr unsigned char UNWRITTEN = 0xff;

// Bytes after each block that nobody may write. AddressSanitizer sees such writes itself, and at once.
#ifdef __SANITIZE_ADDRESS__
constexpr size_t GUARD = 0;
#else
constexpr size_t GUARD = 64;
#endif
constexpr unsigned char GUARDED = 0xa5;

struct Table {
    std::map<uintptr_t, size_t> blocks; // start and bytes
    std::set<uintptr_t> freed;          // starts of blocks that are gone, to tell a double free from a wrong address
    size_t used = 0, most = 0;
};

// Never destroyed: other threads may still call while the program ends.
Table &table() {
    static Table &all = *new Table;
    return all;
}

} // namespace

uint64_t allocate(size_t bytes) {
    Table &all = table();
    if (bytes > settings().memory - all.used) {
        complain("cuMemAllocAsync: %zu bytes are wanted, and %zu of %zu are free", bytes, settings().memory - all.used,
                 settings().memory);
        return 0;
    }
    size_t before = settings().misalignment;
    void *start = nullptr;
    if (posix_memalign(&start, ALIGNMENT, before + bytes + GUARD)) return 0;
    unsigned char *block = (unsigned char *)start + before;
    memset(block, UNWRITTEN, bytes);
    memset(block + bytes, GUARDED, GUARD);
    all.blocks[(uintptr_t)block] = bytes;
    all.freed.erase((uintptr_t)block);
    all.used += bytes;
    if (all.used > all.most) all.most = all.used;
    return (uint64_t)block;
}

bool release(uint64_t address) {
    Table &all = table();
    auto found = all.blocks.find(address);
    if (found == all.blocks.end()) {
        const char *why = all.freed.count(address) ? "was freed before" : "is not the start of a block";
        complain("cuMemFreeAsync: address %#llx %s", (unsigned long long)address, why);
        return false;
    }
    size_t bytes = found->second;
    unsigned char *block = (unsigned char *)address;
    bool intact = true;
    for (size_t i = 0; i < GUARD; i++) intact = intact && block[bytes + i] == GUARDED;
    if (!intact) complain("cuMemFreeAsync: somebody wrote past the end of a block of %zu bytes", bytes);
    // Whoever still reads it gets NaN.
    memset(block, UNWRITTEN, bytes);
    free(block - settings().misalignment);
    all.blocks.erase(found);
    all.freed.insert(address);
    all.used -= bytes;
    return intact;
}

size_t room(const void *address) {
    const auto &blocks = table().blocks;
    auto after = blocks.upper_bound((uintptr_t)address);
    if (after == blocks.begin()) return 0;
    auto [start, bytes] = *--after;
    size_t offset = (uintptr_t)address - start;
    return offset < bytes ? bytes - offset : 0;
}

bool inside(const char *what, const void *address, size_t bytes) {
    size_t there = room(address);
    if (bytes <= there) return true;
    if (there == 0) complain("%s: address %p, of %zu bytes, is not in the device's memory", what, address, bytes);
    else complain("%s: %zu bytes at %p, where the block ends after %zu", what, bytes, address, there);
    return false;
}

size_t used() { return table().used; }
size_t most() { return table().most; }

} // namespace standin::memory
