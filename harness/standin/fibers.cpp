#include "fibers.h"
#include "calls.h"
#include "counts.h"
#include "settings.h"
#include <cstddef>
#include <cstdlib>
#include <numeric>
#include <sys/mman.h>
#include <utility>
#include <vector>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#ifndef __x86_64__
#error "standin_switch is written for x86-64: write it for this processor too"
#endif

// Stores the place where this fiber stands in *from, and continues at `to`. The caller has saved the other registers. ucontext
// would do the same with a system call, which is too slow for a hundred million barriers.
extern "C" __attribute__((visibility("hidden"))) void standin_switch(void **from, void *to);
asm(R"(
.text
.hidden standin_switch
.globl standin_switch
.type standin_switch, @function
standin_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size standin_switch, . - standin_switch
)");

namespace standin {

Index threadIdx, blockIdx, blockDim, gridDim;

namespace {

constexpr size_t STACK = 256 << 10, PAGE = 4096;
constexpr int SAVED_REGISTERS = 6;

struct Fiber {
    char *stack = nullptr;
    void *place = nullptr; // its stack pointer while it does not run
    bool ended = false;
};

// A thread of the block. It has a fiber from its first instruction to its last.
struct Thread {
    Fiber *fiber = nullptr;
    bool ended = false;
};

// The fiber that runs, the place of the scheduler, which waits for it, and what all threads of the block do.
Fiber *current;
void *scheduler;
void (*thread_body)(void *);
void *thread_argument;
uint64_t barriers;

// Fibers without a thread. The one that was used last is used next: its stack is still in the processor's cache.
std::vector<Fiber *> &idle() {
    static std::vector<Fiber *> &all = *new std::vector<Fiber *>;
    return all;
}

// AddressSanitizer has to know on which stack the program is.
#ifdef __SANITIZE_ADDRESS__
const void *scheduler_stack;
size_t scheduler_size;
void leave(void **fake_stack, const void *stack, size_t size) { __sanitizer_start_switch_fiber(fake_stack, stack, size); }
void arrive(void *fake_stack) { __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr); }
void arrive_from_scheduler(void *fake_stack) {
    __sanitizer_finish_switch_fiber(fake_stack, &scheduler_stack, &scheduler_size);
}
void forget(Fiber &fiber) { __asan_unpoison_memory_region(fiber.stack, STACK); }
#else
constexpr const void *scheduler_stack = nullptr;
constexpr size_t scheduler_size = 0;
void leave(void **, const void *, size_t) {}
void arrive(void *) {}
void arrive_from_scheduler(void *) {}
void forget(Fiber &) {}
#endif

// A fiber's first and only function.
void run_thread() {
    arrive_from_scheduler(nullptr);
    thread_body(thread_argument);
    current->ended = true;
    leave(nullptr, scheduler_stack, scheduler_size);
    standin_switch(&current->place, scheduler);
    abort(); // nobody continues a fiber that ended
}

Fiber *take_fiber() {
    if (idle().empty()) {
        // The lowest page stays closed: a kernel that needs a larger stack crashes there instead of spoiling its neighbour's.
        void *stack = mmap(nullptr, PAGE + STACK, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (stack == MAP_FAILED || mprotect((char *)stack + PAGE, STACK, PROT_READ | PROT_WRITE)) {
            complain("no memory for the stack of a thread");
            abort();
        }
        Fiber *fiber = new Fiber;
        fiber->stack = (char *)stack + PAGE;
        idle().push_back(fiber);
    }
    Fiber *fiber = idle().back();
    idle().pop_back();
    void **top = (void **)(fiber->stack + STACK);
    *--top = nullptr; // with this, the stack is aligned as after a call
    *--top = (void *)run_thread;
    for (int i = 0; i < SAVED_REGISTERS; i++) *--top = nullptr;
    fiber->place = top;
    fiber->ended = false;
    return fiber;
}

// Runs a fiber until it ends or reaches a barrier.
void resume(Fiber *fiber) {
    void *fake_stack = nullptr;
    current = fiber;
    leave(&fake_stack, fiber->stack, STACK);
    standin_switch(&scheduler, fiber->place);
    arrive(fake_stack);
}

} // namespace

Sequence::Sequence(uint64_t n) : n(n), first(0), step(1) {
    if (settings().order == Order::Descending) first = n - 1, step = n - 1;
    if (settings().order != Order::Shuffled || n < 2) return;
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u; // Knuth's generator of random numbers
    first = (state >> 33) % n;
    step = (state >> 40) % n;
    // Steps without a common divisor with n reach all numbers.
    while (std::gcd(step, n) != 1) step++;
}

void barrier() {
    barriers++;
    void *fake_stack = nullptr;
    Index mine = threadIdx;
    leave(&fake_stack, scheduler_stack, scheduler_size);
    standin_switch(&current->place, scheduler);
    arrive_from_scheduler(fake_stack);
    threadIdx = mine;
}

bool run_block(const char *kernel, void (*body)(void *), void *argument) {
    static std::vector<Thread> threads;
    unsigned n = blockDim.x * blockDim.y * blockDim.z;
    threads.assign(n, Thread{});
    thread_body = body;
    thread_argument = argument;
    unsigned ended = 0, waiting = 0;
    do { // all threads, up to the next barrier
        waiting = 0;
        Sequence order(n);
        for (unsigned i = 0; i < n; i++) {
            unsigned number = (unsigned)order[i];
            Thread &thread = threads[number];
            if (thread.ended) continue;
            if (!thread.fiber) thread.fiber = take_fiber();
            threadIdx = {number % blockDim.x, number / blockDim.x % blockDim.y, number / (blockDim.x * blockDim.y)};
            resume(thread.fiber);
            if (thread.fiber->ended) {
                thread.ended = true;
                idle().push_back(thread.fiber);
                ended++;
            } else {
                waiting++;
            }
        }
        if (waiting && ended) {
            complain("%s: %u threads of a block ended while %u wait at a barrier", kernel, ended, waiting);
            for (Thread &thread : threads) {
                if (thread.ended) continue;
                forget(*thread.fiber);
                idle().push_back(thread.fiber);
            }
            return false;
        }
    } while (waiting);
    count_barriers(std::exchange(barriers, 0));
    return true;
}

bool run_grid(const char *kernel, void (*body)(void *), void *argument) {
    uint64_t row = gridDim.x, plane = row * gridDim.y, all = plane * gridDim.z;
    Sequence order(all);
    for (uint64_t i = 0; i < all; i++) {
        uint64_t number = order[i];
        blockIdx = {(unsigned)(number % row), (unsigned)(number / row % gridDim.y), (unsigned)(number / plane)};
        if (!run_block(kernel, body, argument)) return false;
    }
    return true;
}

} // namespace standin
