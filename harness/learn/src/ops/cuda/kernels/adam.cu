// A step of Adam in one pass over weight, moments and gradient.
#include "number.cuh"

extern "C" __global__ void adam(unsigned n, float *weight, float *first, float *second, const float *gradient, float beta1,
                                float rest1, float beta2, float rest2, float keep, float rate, float scale, float epsilon) {
    unsigned i = thread();
    if (i >= n) return;
    float slope = gradient[i];
    float mean = beta1 * first[i] + rest1 * slope, square = beta2 * second[i] + rest2 * slope * slope;
    first[i] = mean;
    second[i] = square;
    weight[i] = keep * weight[i] - rate * mean / (sqrtf(square) * scale + epsilon);
}
