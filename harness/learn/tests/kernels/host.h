// What a CUDA kernel needs to be compiled for the CPU. Each thread of a block is a thread of the processor; blocks run one
// after another.
#pragma once
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <math.h>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#define __device__
#define __global__
#define __shared__ static

struct Index {
    unsigned x, y, z;
};
inline thread_local Index threadIdx;
inline Index blockIdx, blockDim, gridDim;

// A barrier: waits until all threads of the block have arrived.
struct Barrier {
    std::mutex mutex;
    std::condition_variable all;
    unsigned come = 0, round = 0;

    void wait() {
        std::unique_lock<std::mutex> lock(mutex);
        unsigned now = round;
        if (++come == blockDim.x) {
            come = 0, round++;
            all.notify_all();
        } else {
            all.wait(lock, [&] { return round != now; });
        }
    }
};
inline Barrier barrier;
inline void __syncthreads() { barrier.wait(); }
// Blocks run one after the other here, and one thread of a block counts.
inline void __threadfence() {}
inline unsigned atomicInc(unsigned *at, unsigned most) { return std::exchange(*at, *at >= most ? 0 : *at + 1); }
inline double __ldcg(const double *at) { return *at; }

inline float __uint_as_float(unsigned bits) {
    float value;
    memcpy(&value, &bits, 4);
    return value;
}
inline unsigned __float_as_uint(float value) {
    unsigned bits;
    memcpy(&bits, &value, 4);
    return bits;
}
// Compiled without contraction, these round after each operation, as on the GPU.
inline float __fadd_rn(float x, float y) { return x + y; }
inline float __fmul_rn(float x, float y) { return x * y; }
inline double __dadd_rn(double x, double y) { return x + y; }
inline double __dmul_rn(double x, double y) { return x * y; }

template <class Kernel> void launch(unsigned blocks, unsigned threads, Kernel kernel) {
    gridDim = {blocks, 1, 1}, blockDim = {threads, 1, 1};
    for (unsigned block = 0; block < blocks; block++) {
        blockIdx = {block, 0, 0};
        std::vector<std::thread> all;
        for (unsigned thread = 0; thread < threads; thread++)
            all.emplace_back([=] {
                threadIdx = {thread, 0, 0};
                kernel();
            });
        for (auto &thread : all) thread.join();
    }
}

template <class T> std::vector<T> input(size_t n) {
    std::vector<T> values(n);
    if (fread(values.data(), sizeof(T), n, stdin) != n) exit(2);
    return values;
}
template <class T> void output(const std::vector<T> &values) { fwrite(values.data(), sizeof(T), values.size(), stdout); }
