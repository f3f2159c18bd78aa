// Numbers, packs of them, their memory layouts, and sums in a fixed order.
//
// All kernels count elements in 32 bits: the host rejects tensors of 2^31 elements and more. Sums are made in double, in an
// order that depends only on the launch, and no floating-point number is added atomically. So the bits of a result are the same
// on every run.
#pragma once

// bfloat16, without the toolkit's header.
struct bf16 {
    unsigned short bits;
};

__device__ inline float number(float value) { return value; }
__device__ inline float number(bf16 value) { return __uint_as_float((unsigned)value.bits << 16); }

// Rounds to nearest, ties to even; NaN stays NaN.
template <class T> __device__ T rounded(float value);
template <> __device__ inline float rounded<float>(float value) { return value; }
template <> __device__ inline bf16 rounded<bf16>(float value) {
    unsigned bits = __float_as_uint(value);
    bool nan = (bits & 0x7fffffffu) > 0x7f800000u;
    return bf16{(unsigned short)(nan ? 0x7fc0u : (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16)};
}

// 16 bytes: the most that one instruction loads or stores. A thread of an elementwise kernel handles one pack.
template <class T> struct alignas(16) Pack {
    T values[16 / sizeof(T)];
};
template <class T> constexpr unsigned WIDTH = 16 / sizeof(T);

__device__ inline unsigned thread() { return blockIdx.x * blockDim.x + threadIdx.x; }

template <class T> __device__ bool aligned(const T *at) { return (unsigned long long)at % 16 == 0; }

// Loads the elements from `i` of `n`; those past the end are left unchanged.
template <class T> __device__ void load(float *out, const T *from, unsigned i, unsigned n) {
    if (aligned(from) && i + WIDTH<T> <= n) {
        Pack<T> pack = *(const Pack<T> *)(from + i);
        for (unsigned k = 0; k < WIDTH<T>; k++) out[k] = number(pack.values[k]);
    } else {
        for (unsigned k = 0; k < WIDTH<T> && i + k < n; k++) out[k] = number(from[i + k]);
    }
}

template <class T> __device__ void store(T *to, const float *values, unsigned i, unsigned n) {
    if (aligned(to) && i + WIDTH<T> <= n) {
        Pack<T> pack;
        for (unsigned k = 0; k < WIDTH<T>; k++) pack.values[k] = rounded<T>(values[k]);
        *(Pack<T> *)(to + i) = pack;
    } else {
        for (unsigned k = 0; k < WIDTH<T> && i + k < n; k++) to[i + k] = rounded<T>(values[k]);
    }
}

// The channel of one element after the other. `inner` is the number of neighbours in memory with one channel: the pixels of a
// plane, or 1 where channels come last.
struct Channel {
    unsigned channels, inner, channel, rest;

    __device__ Channel(unsigned i, unsigned channels, unsigned inner) : channels(channels), inner(inner) {
        unsigned group = i / inner;
        channel = group % channels;
        rest = i - group * inner;
    }

    __device__ void next() {
        if (++rest < inner) return;
        rest = 0;
        if (++channel == channels) channel = 0;
    }
};

// Image, channel and pixel of an element, for planes [B, C, pixels] and for channels last [B, pixels, C].
struct Place {
    unsigned image, channel, pixel;

    __device__ Place(unsigned i, unsigned channels, unsigned pixels, int last) {
        unsigned inner = last ? channels : pixels, outer = last ? pixels : channels;
        unsigned group = i / inner;
        image = group / outer;
        channel = last ? i - group * inner : group - image * outer;
        pixel = last ? group - image * outer : i - group * inner;
    }

    // The place of an element of this image and channel, with `pixels` pixels per image.
    __device__ unsigned at(unsigned pixel, unsigned channels, unsigned pixels, int last) const {
        return last ? (image * pixels + pixel) * channels + channel : (image * channels + channel) * pixels + pixel;
    }
};

// The sum over the threads of a block. Their number is a power of two, and each has a place in `room`.
__device__ inline double block_sum(double value, double *room) {
    unsigned t = threadIdx.x;
    __syncthreads(); // a sum before this one may still be read
    room[t] = value;
    __syncthreads();
    for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
        if (t < half) room[t] += room[t + half];
        __syncthreads();
    }
    return room[0];
}

// True, in all its threads, for the block that ends last of `blocks` blocks that share a counter. It sees what the others wrote,
// if it reads with `fresh`. The counter is 0 before and after. Which block ends last changes nothing in a result: every block
// would do the same.
__device__ inline bool ends_last(unsigned *counter, unsigned blocks) {
    __shared__ bool last;
    __threadfence(); // what this thread wrote is there for others before its block is counted
    __syncthreads();
    if (threadIdx.x == 0 && threadIdx.y == 0) last = atomicInc(counter, blocks - 1) == blocks - 1;
    __syncthreads();
    if (last) __threadfence();
    return last;
}

// Reads what another block of the same launch wrote.
__device__ inline double fresh(const double *at) { return __ldcg(at); }

// max(x, 0); NaN stays NaN, as in PyTorch.
__device__ inline float rectified(float x) { return x < 0.0f ? 0.0f : x; }

// The gradient where the output of a rectified linear unit is not 0.
__device__ inline float masked(float output, float gradient) { return output <= 0.0f ? 0.0f : gradient; }

// A kernel for each type of element.
#define FOR_F32_AND_BF16(name, parameters, arguments)                                                                          \
    extern "C" __global__ void name##_f32 parameters(float) { name arguments; }                                                \
    extern "C" __global__ void name##_bf16 parameters(bf16) { name arguments; }
