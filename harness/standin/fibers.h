// The threads of a block, as fibers of the thread that launches the kernel. A fiber runs until it ends or reaches a barrier.
#pragma once
#include <cstdint>

namespace standin {

struct Index {
    unsigned x, y, z;
};
extern Index threadIdx, blockIdx, blockDim, gridDim;

// 0..n in the order that STANDIN_ORDER asks for. Each shuffled sequence differs from the one before.
class Sequence {
  public:
    explicit Sequence(uint64_t n);
    uint64_t operator[](uint64_t i) const { return (first + i * step) % n; }

  private:
    uint64_t n, first, step;
};

// Waits, in a kernel, until all threads of the block are here.
void barrier();

// Runs body(argument) for each thread of the block that blockIdx names. False, with a complaint that names `kernel`, if threads
// ended while others wait at a barrier: on a GPU the block might wait for ever.
bool run_block(const char *kernel, void (*body)(void *), void *argument);

// Runs all blocks of the grid that gridDim and blockDim describe.
bool run_grid(const char *kernel, void (*body)(void *), void *argument);

} // namespace standin
