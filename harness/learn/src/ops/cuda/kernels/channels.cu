// Sums over the elements of each channel, and batch normalisation based on them.
//
// Blocks sum pieces in double. The block of some channels that ends last adds up their pieces, in order, and finishes.
#include "number.cuh"

// What is summed for each channel.
enum Terms {
    PLAIN,    // a
    MOMENTS,  // a and a^2
    PRODUCTS, // a and a * (x - centre of its channel)
};

// Constants of a batch normalisation, the rows of [6, C]. For values far from 0, all digits of the difference to the mean
// matter: elements subtract the mean in f32 (CENTRE), and the rest of the mean (REST) goes into the constant.
enum Moments { CENTRE, REST, SCALE, VARIANCE, FACTOR, CONSTANT };

// The rows of [4, C]: gradients of bias and weight, and the terms that the gradient of the input subtracts.
enum Slopes { BIAS, WEIGHT, MEAN, SLOPE };

// What becomes of the sums of a channel. Some kinds of terms leave some of it unused.
struct Finish {
    float *out;                       // [C], [6, C] or [4, C]
    const float *weight, *bias;       // [C]
    const float *moments;             // [6, C]
    float *mean, *variance;           // [C]: running statistics that move towards the batch's; null for none
    double count, epsilon;            // values of a channel
    float momentum, kept;             // of the running statistics
    int through_statistics;           // whether mean and variance depend on the input
};

__device__ inline void write_moments(float *out, unsigned channel, unsigned channels, double mean, double variance,
                                     double unbiased, const Finish &finish) {
    float centre = (float)mean, scale = (float)(1.0 / sqrt(variance + finish.epsilon));
    double rest = mean - centre;
    float factor = scale * finish.weight[channel];
    out[CENTRE * channels + channel] = centre;
    out[REST * channels + channel] = (float)rest;
    out[SCALE * channels + channel] = scale;
    out[VARIANCE * channels + channel] = (float)unbiased;
    out[FACTOR * channels + channel] = factor;
    out[CONSTANT * channels + channel] = (float)(finish.bias[channel] - rest * factor);
}

// Products are rounded before they are added, as on the CPU.
__device__ inline float moved(float running, float batch, const Finish &finish) {
    return __fadd_rn(__fmul_rn(batch, finish.momentum), __fmul_rn(running, finish.kept));
}

template <int TERMS>
__device__ void finish_channel(unsigned channel, unsigned channels, const double *sums, const Finish &finish) {
    float *out = finish.out;
    if (TERMS == PLAIN) out[channel] = (float)sums[0];
    if (TERMS == MOMENTS) {
        double mean = sums[0] / finish.count, variance = sums[1] / finish.count - mean * mean;
        if (variance < 0.0) variance = 0.0; // rounding can make it slightly negative; NaN stays NaN
        double unbiased = variance * (finish.count / (finish.count - 1.0));
        write_moments(out, channel, channels, mean, variance, unbiased, finish);
        if (finish.mean != nullptr) {
            finish.mean[channel] = moved(finish.mean[channel], (float)mean, finish);
            finish.variance[channel] = moved(finish.variance[channel], (float)unbiased, finish);
        }
    }
    if (TERMS == PRODUCTS) {
        double rest = finish.moments[REST * channels + channel], scale = finish.moments[SCALE * channels + channel];
        double product = (sums[1] - sums[0] * rest) * scale;
        double slope = product / finish.count * scale;
        out[BIAS * channels + channel] = (float)sums[0];
        out[WEIGHT * channels + channel] = (float)product;
        out[MEAN * channels + channel] = finish.through_statistics ? (float)(sums[0] / finish.count - rest * slope) : 0.0f;
        out[SLOPE * channels + channel] = finish.through_statistics ? (float)slope : 0.0f;
    }
}

// The operands of a sum, `a` and what it is combined with.
template <class T> struct Operands {
    const T *a;
    const T *mask;        // an output of a rectified linear unit: where it is 0, so is `a`; null for none
    T *masked;            // `a` after the mask is written here; null for none
    const T *x;           // of products
    const float *centres; // [C], of products
};

// Adds the terms of the elements at `at`..`at + W`, of consecutive channels from `channel` on.
template <int TERMS, unsigned W, class T>
__device__ void add_terms(double (*sums)[2], const Operands<T> &of, unsigned at, unsigned channel, unsigned n) {
    float values[WIDTH<T>], others[WIDTH<T>];
    if (W == 1) values[0] = number(of.a[at]);
    else load(values, of.a, at, n);
    if (of.mask != nullptr) {
        if (W == 1) others[0] = number(of.mask[at]);
        else load(others, of.mask, at, n);
        for (unsigned k = 0; k < W; k++) values[k] = masked(others[k], values[k]);
    }
    if (of.masked != nullptr) {
        if (W == 1) of.masked[at] = rounded<T>(values[0]);
        else store(of.masked, values, at, n);
    }
    if (TERMS == PRODUCTS) {
        if (W == 1) others[0] = number(of.x[at]);
        else load(others, of.x, at, n);
    }
    for (unsigned k = 0; k < W; k++) {
        double value = values[k];
        sums[k][0] += value;
        if (TERMS == MOMENTS) sums[k][1] += value * value;
        if (TERMS == PRODUCTS) sums[k][1] += value * (others[k] - of.centres[channel + k]);
    }
}

template <int TERMS> constexpr int SUMS = TERMS == PLAIN ? 1 : 2;

// Adds up the pieces of a channel, of all parts (gridDim.y), in order.
template <int TERMS>
__device__ void add_up(unsigned channel, unsigned channels, const double *pieces, const Finish &finish) {
    double sums[2] = {0.0, 0.0};
#pragma unroll 8
    for (unsigned part = 0; part < gridDim.y; part++) {
        for (int which = 0; which < SUMS<TERMS>; which++) sums[which] += fresh(pieces + (part * channels + channel) * 2 + which);
    }
    finish_channel<TERMS>(channel, channels, sums, finish);
}

// [B, C, pixels]: a block for each channel (x) and part (y). pieces [parts, C, 2].
template <int TERMS, class T>
__device__ void plane_sums(Operands<T> of, double *pieces, unsigned *counters, unsigned batch, unsigned channels, unsigned pixels,
                           const Finish &finish) {
    __shared__ double room[256];
    unsigned channel = blockIdx.x, count = batch * pixels;
    unsigned length = (count + gridDim.y - 1) / gridDim.y, from = blockIdx.y * length;
    unsigned to = from + length < count ? from + length : count;
    double sums[1][2] = {{0.0, 0.0}};
    for (unsigned j = from + threadIdx.x; j < to; j += blockDim.x) {
        unsigned image = j / pixels;
        add_terms<TERMS, 1>(sums, of, (image * channels + channel) * pixels + j - image * pixels, channel, 0);
    }
    for (int which = 0; which < SUMS<TERMS>; which++) {
        double sum = block_sum(sums[0][which], room);
        if (threadIdx.x == 0) pieces[(blockIdx.y * channels + channel) * 2 + which] = sum;
    }
    if (!ends_last(counters + channel, gridDim.y) || threadIdx.x != 0) return;
    add_up<TERMS>(channel, channels, pieces, finish);
}

// The same for [B, pixels, C]. A thread handles W consecutive channels. A block of 256 threads, x by y, handles x * W channels
// (of blockIdx.x) in a part of the rows (blockIdx.y).
template <int TERMS, unsigned W, class T>
__device__ void column_sums(Operands<T> of, double *pieces, unsigned *counters, unsigned batch, unsigned channels,
                            unsigned pixels, const Finish &finish) {
    __shared__ double room[256];
    unsigned channel = (blockIdx.x * blockDim.x + threadIdx.x) * W, rows = batch * pixels;
    unsigned length = (rows + gridDim.y - 1) / gridDim.y, from = blockIdx.y * length;
    unsigned to = from + length < rows ? from + length : rows;
    double sums[W][2];
    for (unsigned k = 0; k < W; k++) sums[k][0] = sums[k][1] = 0.0;
    if (channel < channels) {
        for (unsigned row = from + threadIdx.y; row < to; row += blockDim.y) {
            add_terms<TERMS, W>(sums, of, row * channels + channel, channel, rows * channels);
        }
    }
    unsigned here = threadIdx.y * blockDim.x + threadIdx.x;
    for (unsigned k = 0; k < W; k++) {
        for (int which = 0; which < SUMS<TERMS>; which++) {
            __syncthreads(); // the sums before these may still be read
            room[here] = sums[k][which];
            __syncthreads();
            if (threadIdx.y != 0 || channel >= channels) continue;
            double sum = 0.0;
            for (unsigned y = 0; y < blockDim.y; y++) sum += room[y * blockDim.x + threadIdx.x];
            pieces[(blockIdx.y * channels + channel + k) * 2 + which] = sum;
        }
    }
    if (!ends_last(counters + blockIdx.x, gridDim.y)) return;
    unsigned first = blockIdx.x * blockDim.x * W;
    for (unsigned at = first + here; at < first + blockDim.x * W && at < channels; at += blockDim.x * blockDim.y) {
        add_up<TERMS>(at, channels, pieces, finish);
    }
}

#define FINISH_PARAMETERS                                                                                                      \
    float *out, const float *weight, const float *bias, const float *moments, float *mean, float *variance, double count,      \
        double epsilon, float momentum, float kept, int through_statistics
#define FINISH Finish{out, weight, bias, moments, mean, variance, count, epsilon, momentum, kept, through_statistics}

// Which kernels there are: planes hold f32 only, and threads handle packs of channels where these divide them.
#define SUMS_OF(name, TERMS, layout, T, body)                                                                                  \
    extern "C" __global__ void layout##_##name(const T *a, const T *mask, T *masked, const T *x, const float *centres,         \
                                               double *pieces, unsigned *counters, unsigned batch, unsigned channels,          \
                                               unsigned pixels, FINISH_PARAMETERS) {                                           \
        body(Operands<T>{a, mask, masked, x, centres}, pieces, counters, batch, channels, pixels, FINISH);                     \
    }
#define ALL_SUMS(name, TERMS)                                                                                                  \
    SUMS_OF(name, TERMS, plane_f32, float, plane_sums<TERMS>)                                                                  \
    SUMS_OF(name, TERMS, column_f32, float, (column_sums<TERMS, 1>))                                                           \
    SUMS_OF(name, TERMS, column_bf16, bf16, (column_sums<TERMS, 1>))                                                           \
    SUMS_OF(name, TERMS, packed_column_f32, float, (column_sums<TERMS, WIDTH<float>>))                                         \
    SUMS_OF(name, TERMS, packed_column_bf16, bf16, (column_sums<TERMS, WIDTH<bf16>>))
ALL_SUMS(plain, PLAIN)
ALL_SUMS(moments, MOMENTS)
ALL_SUMS(products, PRODUCTS)

// The constants for given statistics, with one thread per block.
extern "C" __global__ void given_moments(FINISH_PARAMETERS) {
    double given = variance[blockIdx.x];
    write_moments(out, blockIdx.x, gridDim.x, mean[blockIdx.x], given, given, FINISH);
}

// y = (x - centre) * factor + constant of its channel, plus `added` if it is not null, and rectified if it is asked.
template <class T>
__device__ void normalize(unsigned n, const T *x, const T *added, T *y, const float *moments, unsigned channels, unsigned inner,
                          int relu) {
    unsigned i = thread() * WIDTH<T>;
    if (i >= n) return;
    float values[WIDTH<T>], others[WIDTH<T>];
    load(values, x, i, n);
    if (added != nullptr) load(others, added, i, n);
    Channel at(i, channels, inner);
    for (unsigned k = 0; k < WIDTH<T>; k++, at.next()) {
        const float *of = moments + at.channel;
        values[k] = (values[k] - of[CENTRE * channels]) * of[FACTOR * channels] + of[CONSTANT * channels];
        if (added != nullptr) values[k] += others[k];
        if (relu) values[k] = rectified(values[k]);
    }
    store(y, values, i, n);
}

// Gradient of x: factor * (gradient - mean - (x - centre) * slope). The gradient is 0 where `output` is, unless that is null.
// The gradient after this mask is written to `masked`, unless that is null; and that of x to `out`, unless that is null.
template <class T>
__device__ void normalize_backward(unsigned n, const T *x, const T *gradient, const T *output, T *masked_gradient, T *out,
                                   const float *moments, const float *slopes, unsigned channels, unsigned inner) {
    unsigned i = thread() * WIDTH<T>;
    if (i >= n) return;
    float values[WIDTH<T>], gradients[WIDTH<T>];
    load(gradients, gradient, i, n);
    if (output != nullptr) {
        load(values, output, i, n);
        for (unsigned k = 0; k < WIDTH<T>; k++) gradients[k] = masked(values[k], gradients[k]);
    }
    if (masked_gradient != nullptr) store(masked_gradient, gradients, i, n);
    if (out == nullptr) return;
    load(values, x, i, n);
    Channel at(i, channels, inner);
    for (unsigned k = 0; k < WIDTH<T>; k++, at.next()) {
        const float *of = moments + at.channel, *by = slopes + at.channel;
        float taken = by[MEAN * channels] + (values[k] - of[CENTRE * channels]) * by[SLOPE * channels];
        gradients[k] = of[FACTOR * channels] * (gradients[k] - taken);
    }
    store(out, gradients, i, n);
}

#define PARAMETERS(T)                                                                                                          \
    (unsigned n, const T *x, const T *added, T *y, const float *moments, unsigned channels, unsigned inner, int relu)
FOR_F32_AND_BF16(normalize, PARAMETERS, (n, x, added, y, moments, channels, inner, relu))
#undef PARAMETERS
#define PARAMETERS(T)                                                                                                          \
    (unsigned n, const T *x, const T *gradient, const T *output, T *masked_gradient, T *out, const float *moments,             \
     const float *slopes, unsigned channels, unsigned inner)
FOR_F32_AND_BF16(normalize_backward, PARAMETERS,
                 (n, x, gradient, output, masked_gradient, out, moments, slopes, channels, inner))
#undef PARAMETERS
