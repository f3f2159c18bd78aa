// Mean squared error, cross-entropy over channels, and sums of losses. The gradient of the loss itself is read from the device,
// so that nothing waits for it.
#include "number.cuh"

// The mean of n terms. Each block sums a piece of them; the one that ends last adds up the pieces, in order.
template <class F> __device__ void mean(unsigned n, double *pieces, unsigned *counter, float *out, F term) {
    __shared__ double room[256];
    unsigned length = (n + gridDim.x - 1) / gridDim.x, from = blockIdx.x * length;
    unsigned to = from + length < n ? from + length : n;
    double sum = 0.0;
    for (unsigned i = from + threadIdx.x; i < to; i += blockDim.x) sum += term(i);
    sum = block_sum(sum, room);
    if (threadIdx.x == 0) pieces[blockIdx.x] = sum;
    if (!ends_last(counter, gridDim.x)) return;
    sum = 0.0;
    for (unsigned part = threadIdx.x; part < gridDim.x; part += blockDim.x) sum += fresh(pieces + part);
    sum = block_sum(sum, room);
    if (threadIdx.x == 0) *out = (float)(sum / n);
}

extern "C" __global__ void squares(unsigned n, const float *x, const float *y, double *pieces, unsigned *counter, float *out) {
    mean(n, pieces, counter, out, [=](unsigned i) {
        double difference = x[i] - y[i];
        return difference * difference;
    });
}

// 2/n * (x - y) times the gradient of the mean.
extern "C" __global__ void squares_backward(unsigned n, const float *x, const float *y, const float *gradient, float *out) {
    unsigned i = thread();
    if (i < n) out[i] = (x[i] - y[i]) * (float)(2.0 * *gradient / n);
}

// The largest of the logits [B, K, pixels] of one pixel, and the logarithm of the sum of exponentials relative to it.
struct Softmax {
    float largest, log_sum;

    __device__ Softmax(const float *logits, unsigned channels, unsigned pixels) {
        largest = -INFINITY;
        for (unsigned k = 0; k < channels; k++) {
            float value = logits[k * pixels];
            if (value > largest || value != value) largest = value;
        }
        float sum = 0.0f;
        for (unsigned k = 0; k < channels; k++) sum += expf(logits[k * pixels] - largest);
        log_sum = logf(sum);
    }
};

// Mean over n pixels of -log softmax of the class; NaN for an invalid class.
extern "C" __global__ void cross_entropies(unsigned n, const float *logits, const unsigned char *classes, double *pieces,
                                           unsigned *counter, float *out, unsigned channels, unsigned pixels) {
    mean(n, pieces, counter, out, [=](unsigned i) {
        unsigned image = i / pixels;
        const float *pixel = logits + image * channels * pixels + i - image * pixels;
        Softmax softmax(pixel, channels, pixels);
        if (classes[i] >= channels) return (double)NAN;
        return (double)(softmax.log_sum + softmax.largest - pixel[classes[i] * pixels]);
    });
}

// (softmax - one-hot)/n times the gradient of the mean.
extern "C" __global__ void cross_entropies_backward(unsigned n, const float *logits, const unsigned char *classes,
                                                    const float *gradient, float *out, unsigned channels, unsigned pixels) {
    unsigned i = thread();
    if (i >= n) return;
    unsigned image = i / pixels, at = image * channels * pixels + i - image * pixels;
    Softmax softmax(logits + at, channels, pixels);
    float scale = classes[i] < channels ? *gradient / n : NAN;
    for (unsigned k = 0; k < channels; k++) {
        float probability = expf(logits[at + k * pixels] - softmax.largest - softmax.log_sum);
        out[at + k * pixels] = (probability - (k == classes[i] ? 1.0f : 0.0f)) * scale;
    }
}

// The sum of up to four scalars, each with its weight. Products are rounded before they are added, as on the CPU: one thread.
extern "C" __global__ void weighted_sum(unsigned count, const float *a, const float *b, const float *c, const float *d,
                                        float weight_a, float weight_b, float weight_c, float weight_d, float *out) {
    float sum = __fmul_rn(*a, weight_a);
    if (count > 1) sum = __fadd_rn(sum, __fmul_rn(*b, weight_b));
    if (count > 2) sum = __fadd_rn(sum, __fmul_rn(*c, weight_c));
    if (count > 3) sum = __fadd_rn(sum, __fmul_rn(*d, weight_d));
    *out = sum;
}

// The gradients of the scalars, [4]: one thread.
extern "C" __global__ void weighted_sum_backward(const float *gradient, float weight_a, float weight_b, float weight_c,
                                                 float weight_d, float *out) {
    out[0] = *gradient * weight_a;
    out[1] = *gradient * weight_b;
    out[2] = *gradient * weight_c;
    out[3] = *gradient * weight_d;
}
