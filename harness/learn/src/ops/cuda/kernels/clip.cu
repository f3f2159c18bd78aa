// The norm of all gradients together, and scaling by it. Nothing waits for the norm.
#include "number.cuh"

// Each block's piece of the sum of n squares.
extern "C" __global__ void square_pieces(unsigned n, const float *x, double *pieces) {
    __shared__ double room[256];
    unsigned length = (n + gridDim.x - 1) / gridDim.x, from = blockIdx.x * length;
    unsigned to = from + length < n ? from + length : n;
    double sum = 0.0;
    for (unsigned i = from + threadIdx.x; i < to; i += blockDim.x) sum += (double)x[i] * x[i];
    sum = block_sum(sum, room);
    if (threadIdx.x == 0) pieces[blockIdx.x] = sum;
}

// The root of the pieces' sum: one block.
extern "C" __global__ void norm_total(const double *pieces, unsigned parts, double *out) {
    __shared__ double room[256];
    double sum = 0.0;
    for (unsigned part = threadIdx.x; part < parts; part += blockDim.x) sum += pieces[part];
    sum = block_sum(sum, room);
    if (threadIdx.x == 0) *out = sqrt(sum);
}

// Multiplies x by most / (norm + epsilon) if that is below 1.
extern "C" __global__ void clip(unsigned n, const float *x, const double *norm, double most, double epsilon, float *out) {
    unsigned i = thread();
    if (i >= n) return;
    double factor = most / (*norm + epsilon);
    out[i] = factor >= 1.0 ? x[i] : x[i] * (float)factor;
}
