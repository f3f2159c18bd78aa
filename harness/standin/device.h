// The part of the CUDA language that the project's kernels use, for the host. build.sh includes it before each .cu file.
//
// A block runs alone, and its threads take turns (fibers.h), so a plain read and write is atomic. Nothing adds floating-point
// numbers atomically: the project promises the same bits on every run, so a kernel that does so must not compile here.
//
// A type that is loaded by 16 bytes has alignas(16). UBSan reports a load from an address that does not fit.
#pragma once
#include <algorithm>
#include <cfloat>
#include <climits>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <math.h>
#include <utility>

#include "fibers.h"

#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __restrict__ __restrict
// All threads of a block see one variable, and only one block runs at a time.
#define __shared__ static
#define __constant__ static
// build.sh defines it otherwise, to find the names of the kernels.
#ifndef __global__
#define __global__
#endif

using standin::blockDim;
using standin::blockIdx;
using standin::gridDim;
using standin::threadIdx;

inline void __syncthreads() { standin::barrier(); }

// The vectors that 8 and 16 bytes are loaded as.
struct alignas(8) float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(8) uint2 { unsigned x, y; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
struct alignas(8) int2 { int x, y; };
struct alignas(16) int4 { int x, y, z, w; };
struct alignas(16) double2 { double x, y; };

// Bits as another type.
template <class To, class From> inline To standin_bits(From from) {
    static_assert(sizeof(To) == sizeof(From), "other sizes have other bits");
    To to;
    memcpy(&to, &from, sizeof to);
    return to;
}
inline float __uint_as_float(unsigned bits) { return standin_bits<float>(bits); }
inline unsigned __float_as_uint(float value) { return standin_bits<unsigned>(value); }
inline float __int_as_float(int bits) { return standin_bits<float>(bits); }
inline int __float_as_int(float value) { return standin_bits<int>(value); }

// Arithmetic that the compiler must not fuse. build.sh turns fusing off for everything.
inline float __fadd_rn(float x, float y) { return x + y; }
inline float __fsub_rn(float x, float y) { return x - y; }
inline float __fmul_rn(float x, float y) { return x * y; }
inline float __fdiv_rn(float x, float y) { return x / y; }
inline float __fmaf_rn(float x, float y, float z) { return fmaf(x, y, z); }
inline float __fsqrt_rn(float x) { return sqrtf(x); }
inline double __dadd_rn(double x, double y) { return x + y; }
inline double __dmul_rn(double x, double y) { return x * y; }
inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }

inline int min(int x, int y) { return x < y ? x : y; }
inline int max(int x, int y) { return x > y ? x : y; }
inline unsigned min(unsigned x, unsigned y) { return x < y ? x : y; }
inline unsigned max(unsigned x, unsigned y) { return x > y ? x : y; }

// Each returns the old value.
inline unsigned atomicMax(unsigned *at, unsigned value) { return std::exchange(*at, max(*at, value)); }
inline unsigned atomicMin(unsigned *at, unsigned value) { return std::exchange(*at, min(*at, value)); }
inline unsigned atomicAdd(unsigned *at, unsigned value) { return std::exchange(*at, *at + value); }
inline unsigned atomicOr(unsigned *at, unsigned value) { return std::exchange(*at, *at | value); }
inline int atomicMax(int *at, int value) { return std::exchange(*at, max(*at, value)); }
inline int atomicMin(int *at, int value) { return std::exchange(*at, min(*at, value)); }
inline unsigned atomicCAS(unsigned *at, unsigned expected, unsigned value) {
    return std::exchange(*at, *at == expected ? value : *at);
}
inline unsigned atomicInc(unsigned *at, unsigned most) { return std::exchange(*at, *at >= most ? 0 : *at + 1); }
inline void __threadfence() {}
template <class T> inline T __ldg(const T *from) { return *from; }
template <class T> inline T __ldcg(const T *from) { return *from; }
