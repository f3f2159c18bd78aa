// Division by the largest element. The block that ends last combines what the others found, in order.
#include "number.cuh"

// NaN counts as larger than any number.
__device__ inline double larger(double a, double b) { return b > a || b != b ? b : a; }

// The largest of all threads of a block.
__device__ inline double block_largest(double value, double *room) {
    unsigned t = threadIdx.x;
    __syncthreads(); // what was found before this may still be read
    room[t] = value;
    __syncthreads();
    for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
        if (t < half) room[t] = larger(room[t], room[t + half]);
        __syncthreads();
    }
    return room[0];
}

extern "C" __global__ void largest(unsigned n, const float *x, double *pieces, unsigned *counter, float *out) {
    __shared__ double room[256];
    double found = -INFINITY;
    for (unsigned i = thread(); i < n; i += gridDim.x * blockDim.x) found = larger(found, x[i]);
    found = block_largest(found, room);
    if (threadIdx.x == 0) pieces[blockIdx.x] = found;
    if (!ends_last(counter, gridDim.x)) return;
    found = -INFINITY;
    for (unsigned part = threadIdx.x; part < gridDim.x; part += blockDim.x) found = larger(found, fresh(pieces + part));
    found = block_largest(found, room);
    if (threadIdx.x == 0) *out = (float)found;
}

extern "C" __global__ void divide(unsigned n, const float *x, const float *maximum, float *out) {
    unsigned i = thread();
    if (i < n) out[i] = x[i] / *maximum;
}

// What each maximum's gradient lacks: the sum of gradient * x, divided by the maximum's square and the number of maxima.
extern "C" __global__ void shares(unsigned n, const float *x, const float *gradient, const float *maximum, double *pieces,
                                  unsigned *counter, float *share) {
    __shared__ double room[256];
    double sums[2] = {0.0, 0.0};
    for (unsigned i = thread(); i < n; i += gridDim.x * blockDim.x) {
        sums[0] += (double)gradient[i] * x[i];
        sums[1] += x[i] == *maximum;
    }
    for (int which = 0; which < 2; which++) {
        double sum = block_sum(sums[which], room);
        if (threadIdx.x == 0) pieces[2 * blockIdx.x + which] = sum;
    }
    if (!ends_last(counter, gridDim.x)) return;
    for (int which = 0; which < 2; which++) {
        double sum = 0.0;
        for (unsigned part = threadIdx.x; part < gridDim.x; part += blockDim.x) sum += fresh(pieces + 2 * part + which);
        sums[which] = block_sum(sum, room);
    }
    if (threadIdx.x == 0) *share = (float)(sums[0] / ((double)*maximum * *maximum) / sums[1]);
}

extern "C" __global__ void divide_backward(unsigned n, const float *x, const float *gradient, const float *maximum,
                                           const float *share, float *out) {
    unsigned i = thread();
    if (i >= n) return;
    float quotient = gradient[i] / *maximum;
    out[i] = x[i] == *maximum ? quotient - *share : quotient;
}
