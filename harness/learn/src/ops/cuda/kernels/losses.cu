// Mean squared error, and cross-entropy over channels. A mean has two stages, as in channels.cu. The gradient of the
// loss itself is read from the device, so that nothing waits for it.
#include "number.cuh"

// This block's piece of a sum over n terms.
template <class F> __device__ void sum_piece(unsigned n, double *pieces, F term) {
    __shared__ double room[256];
    unsigned length = (n + gridDim.x - 1) / gridDim.x, from = blockIdx.x * length;
    unsigned to = from + length < n ? from + length : n;
    double sum = 0.0;
    for (unsigned i = from + threadIdx.x; i < to; i += blockDim.x) sum += term(i);
    sum = block_sum(sum, room);
    if (threadIdx.x == 0) pieces[blockIdx.x] = sum;
}

// The pieces' sum divided by `count`: one block.
extern "C" __global__ void mean_total(const double *pieces, unsigned parts, double count, float *out) {
    __shared__ double room[256];
    double sum = 0.0;
    for (unsigned part = threadIdx.x; part < parts; part += blockDim.x) sum += pieces[part];
    sum = block_sum(sum, room);
    if (threadIdx.x == 0) *out = (float)(sum / count);
}

extern "C" __global__ void squares(unsigned n, const float *x, const float *y, double *pieces) {
    sum_piece(n, pieces, [=](unsigned i) {
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

// Sum over n pixels of -log softmax of the class; NaN for an invalid class.
extern "C" __global__ void cross_entropies(unsigned n, const float *logits, const unsigned char *classes, double *pieces,
                                           unsigned channels, unsigned pixels) {
    sum_piece(n, pieces, [=](unsigned i) {
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
