// Sums over the elements of each channel, and batch normalisation based on them.
//
// A sum has two stages: blocks sum pieces in double, then one block per channel adds up the pieces.
#include "number.cuh"

enum Terms {
    PLAIN,    // a
    MOMENTS,  // x and x^2
    PRODUCTS, // gradient, and gradient * (x - centre of its channel)
};

template <int TERMS, class T>
__device__ void add_terms(double *sums, const T *a, const T *x, unsigned at, float centre) {
    float value = number(a[at]);
    sums[0] += value;
    if (TERMS == MOMENTS) sums[1] += (double)value * value;
    if (TERMS == PRODUCTS) sums[1] += (double)value * (number(x[at]) - centre);
}

// pieces [parts, channels, 2] of [B, C, pixels]: a block for each channel (x) and part (y).
template <int TERMS, class T>
__device__ void plane_sums(const T *a, const T *x, const float *centres, double *pieces, unsigned batch, unsigned channels,
                           unsigned pixels) {
    __shared__ double room[256];
    unsigned channel = blockIdx.x, count = batch * pixels;
    unsigned length = (count + gridDim.y - 1) / gridDim.y, from = blockIdx.y * length;
    unsigned to = from + length < count ? from + length : count;
    float centre = TERMS == PRODUCTS ? centres[channel] : 0.0f;
    double sums[2] = {0.0, 0.0};
    for (unsigned j = from + threadIdx.x; j < to; j += blockDim.x) {
        unsigned image = j / pixels;
        add_terms<TERMS>(sums, a, x, (image * channels + channel) * pixels + j - image * pixels, centre);
    }
    for (int which = 0; which < 2; which++) {
        double sum = block_sum(sums[which], room);
        if (threadIdx.x == 0) pieces[(blockIdx.y * channels + channel) * 2 + which] = sum;
    }
}

// The same for [B, pixels, C]: a block of 32 x 8 threads for 32 channels (x) and a part of the rows (y).
template <int TERMS, class T>
__device__ void column_sums(const T *a, const T *x, const float *centres, double *pieces, unsigned batch, unsigned channels,
                            unsigned pixels) {
    __shared__ double room[2][8][32];
    unsigned channel = blockIdx.x * 32 + threadIdx.x, rows = batch * pixels;
    unsigned length = (rows + gridDim.y - 1) / gridDim.y, from = blockIdx.y * length;
    unsigned to = from + length < rows ? from + length : rows;
    double sums[2] = {0.0, 0.0};
    if (channel < channels) {
        float centre = TERMS == PRODUCTS ? centres[channel] : 0.0f;
        for (unsigned row = from + threadIdx.y; row < to; row += 8) {
            add_terms<TERMS>(sums, a, x, row * channels + channel, centre);
        }
    }
    room[0][threadIdx.y][threadIdx.x] = sums[0];
    room[1][threadIdx.y][threadIdx.x] = sums[1];
    __syncthreads();
    if (threadIdx.y < 2 && channel < channels) {
        double sum = 0.0;
        for (int lane = 0; lane < 8; lane++) sum += room[threadIdx.y][lane][threadIdx.x];
        pieces[(blockIdx.y * channels + channel) * 2 + threadIdx.y] = sum;
    }
}

#define SUMS(name, TERMS, T, suffix)                                                                                           \
    extern "C" __global__ void plane_##name##_##suffix(const T *a, const T *x, const float *centres, double *pieces,           \
                                                       unsigned batch, unsigned channels, unsigned pixels) {                   \
        plane_sums<TERMS>(a, x, centres, pieces, batch, channels, pixels);                                                     \
    }                                                                                                                          \
    extern "C" __global__ void column_##name##_##suffix(const T *a, const T *x, const float *centres, double *pieces,          \
                                                        unsigned batch, unsigned channels, unsigned pixels) {                  \
        column_sums<TERMS>(a, x, centres, pieces, batch, channels, pixels);                                                    \
    }
SUMS(plain, PLAIN, float, f32)
SUMS(plain, PLAIN, bf16, bf16)
SUMS(moments, MOMENTS, float, f32)
SUMS(moments, MOMENTS, bf16, bf16)
SUMS(products, PRODUCTS, float, f32)
SUMS(products, PRODUCTS, bf16, bf16)

// Both sums of this block's channel. The threads of the block add up the pieces.
__device__ void totals(double *sums, const double *pieces, unsigned parts) {
    __shared__ double room[128];
    for (int which = 0; which < 2; which++) {
        double sum = 0.0;
        for (unsigned part = threadIdx.x; part < parts; part += blockDim.x) {
            sum += pieces[(part * gridDim.x + blockIdx.x) * 2 + which];
        }
        sums[which] = block_sum(sum, room);
    }
}

// sums [C] of plain pieces.
extern "C" __global__ void plain_totals(const double *pieces, unsigned parts, float *out) {
    double sums[2];
    totals(sums, pieces, parts);
    if (threadIdx.x == 0) out[blockIdx.x] = (float)sums[0];
}

// The constants that normalise a channel, the rows of [6, C]. For values far from 0, all digits of the difference to the mean
// matter: elements subtract the mean in f32 (CENTRE), and the rest of the mean (REST) goes into the constant.
enum Moments { CENTRE, REST, SCALE, VARIANCE, FACTOR, CONSTANT };

__device__ void write_moments(float *out, double mean, double variance, double unbiased, double epsilon, const float *weight,
                              const float *bias) {
    unsigned channel = blockIdx.x, channels = gridDim.x;
    float centre = (float)mean, scale = (float)(1.0 / sqrt(variance + epsilon));
    double rest = mean - centre;
    float factor = scale * weight[channel];
    out[CENTRE * channels + channel] = centre;
    out[REST * channels + channel] = (float)rest;
    out[SCALE * channels + channel] = scale;
    out[VARIANCE * channels + channel] = (float)unbiased;
    out[FACTOR * channels + channel] = factor;
    out[CONSTANT * channels + channel] = (float)(bias[channel] - rest * factor);
}

extern "C" __global__ void moments_totals(const double *pieces, unsigned parts, double count, double epsilon,
                                          const float *weight, const float *bias, float *out) {
    double sums[2];
    totals(sums, pieces, parts);
    if (threadIdx.x != 0) return;
    double mean = sums[0] / count, variance = sums[1] / count - mean * mean;
    if (variance < 0.0) variance = 0.0; // rounding can make it slightly negative; NaN stays NaN
    write_moments(out, mean, variance, variance * (count / (count - 1.0)), epsilon, weight, bias);
}

// The same for given statistics, with one thread per block.
extern "C" __global__ void given_moments(const float *mean, const float *variance, double epsilon, const float *weight,
                                         const float *bias, float *out) {
    double given = variance[blockIdx.x];
    write_moments(out, mean[blockIdx.x], given, given, epsilon, weight, bias);
}

// y = (x - centre) * factor + constant of its channel.
template <class T>
__device__ void normalize(unsigned n, const T *x, T *y, const float *moments, unsigned channels, unsigned inner) {
    unsigned i = thread() * WIDTH<T>;
    if (i >= n) return;
    float values[WIDTH<T>];
    load(values, x, i, n);
    Channel at(i, channels, inner);
    for (unsigned k = 0; k < WIDTH<T>; k++, at.next()) {
        const float *of = moments + at.channel;
        values[k] = (values[k] - of[CENTRE * channels]) * of[FACTOR * channels] + of[CONSTANT * channels];
    }
    store(y, values, i, n);
}

// The rows of [4, C]: gradients of bias and weight, and the terms that the gradient of the input subtracts.
enum Slopes { BIAS, WEIGHT, MEAN, SLOPE };

extern "C" __global__ void products_totals(const double *pieces, unsigned parts, double count, const float *moments,
                                           int through_statistics, float *out) {
    double sums[2];
    totals(sums, pieces, parts);
    if (threadIdx.x != 0) return;
    unsigned channel = blockIdx.x, channels = gridDim.x;
    double rest = moments[REST * channels + channel], scale = moments[SCALE * channels + channel];
    double product = (sums[1] - sums[0] * rest) * scale;
    double slope = product / count * scale;
    out[BIAS * channels + channel] = (float)sums[0];
    out[WEIGHT * channels + channel] = (float)product;
    out[MEAN * channels + channel] = through_statistics ? (float)(sums[0] / count - rest * slope) : 0.0f;
    out[SLOPE * channels + channel] = through_statistics ? (float)slope : 0.0f;
}

// Gradient of x: factor * (gradient - mean - (x - centre) * slope).
template <class T>
__device__ void normalize_backward(unsigned n, const T *x, const T *gradient, T *out, const float *moments,
                                   const float *slopes, unsigned channels, unsigned inner) {
    unsigned i = thread() * WIDTH<T>;
    if (i >= n) return;
    float values[WIDTH<T>], gradients[WIDTH<T>];
    load(values, x, i, n);
    load(gradients, gradient, i, n);
    Channel at(i, channels, inner);
    for (unsigned k = 0; k < WIDTH<T>; k++, at.next()) {
        const float *of = moments + at.channel, *by = slopes + at.channel;
        float taken = by[MEAN * channels] + (values[k] - of[CENTRE * channels]) * by[SLOPE * channels];
        gradients[k] = of[FACTOR * channels] * (gradients[k] - taken);
    }
    store(out, gradients, i, n);
}

#define PARAMETERS(T) (unsigned n, const T *x, T *y, const float *moments, unsigned channels, unsigned inner)
FOR_F32_AND_BF16(normalize, PARAMETERS, (n, x, y, moments, channels, inner))
#undef PARAMETERS
#define PARAMETERS(T)                                                                                                          \
    (unsigned n, const T *x, const T *gradient, T *out, const float *moments, const float *slopes, unsigned channels,          \
     unsigned inner)
FOR_F32_AND_BF16(normalize_backward, PARAMETERS, (n, x, gradient, out, moments, slopes, channels, inner))
#undef PARAMETERS
