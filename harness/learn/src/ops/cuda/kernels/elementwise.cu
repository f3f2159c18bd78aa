// One element in, one element out: rectified linear unit, bias, conversion and change of layout.
#include "number.cuh"

// max(x, 0); NaN stays NaN, as in PyTorch.
template <class T> __device__ void relu(unsigned n, const T *x, T *y) {
    unsigned i = thread() * WIDTH<T>;
    if (i >= n) return;
    float values[WIDTH<T>];
    load(values, x, i, n);
    for (unsigned k = 0; k < WIDTH<T>; k++) values[k] = values[k] < 0.0f ? 0.0f : values[k];
    store(y, values, i, n);
}

// The gradient where the output is not 0.
template <class T> __device__ void relu_backward(unsigned n, const T *y, const T *gradient, T *out) {
    unsigned i = thread() * WIDTH<T>;
    if (i >= n) return;
    float values[WIDTH<T>], slopes[WIDTH<T>];
    load(values, y, i, n);
    load(slopes, gradient, i, n);
    for (unsigned k = 0; k < WIDTH<T>; k++) slopes[k] = values[k] <= 0.0f ? 0.0f : slopes[k];
    store(out, slopes, i, n);
}

// y += bias of its channel.
template <class T>
__device__ void add_bias(unsigned n, T *y, const float *bias, unsigned channels, unsigned inner) {
    unsigned i = thread() * WIDTH<T>;
    if (i >= n) return;
    float values[WIDTH<T>];
    load(values, y, i, n);
    Channel at(i, channels, inner);
    for (unsigned k = 0; k < WIDTH<T>; k++, at.next()) values[k] += bias[at.channel];
    store(y, values, i, n);
}

template <class S, class T> __device__ void cast(unsigned n, const S *x, T *y) {
    unsigned i = thread();
    if (i < n) y[i] = rounded<T>(number(x[i]));
}

// [outer, rows, columns] -> [outer, columns, rows].
template <class S, class T>
__device__ void swap(unsigned n, const S *x, T *y, unsigned rows, unsigned columns) {
    unsigned i = thread();
    if (i >= n) return;
    unsigned group = i / rows, row = i - group * rows;
    unsigned outer = group / columns, column = group - outer * columns;
    y[i] = rounded<T>(number(x[(outer * rows + row) * columns + column]));
}

#define PARAMETERS(T) (unsigned n, const T *x, T *y)
FOR_F32_AND_BF16(relu, PARAMETERS, (n, x, y))
#undef PARAMETERS
#define PARAMETERS(T) (unsigned n, const T *y, const T *gradient, T *out)
FOR_F32_AND_BF16(relu_backward, PARAMETERS, (n, y, gradient, out))
#undef PARAMETERS
#define PARAMETERS(T) (unsigned n, T *y, const float *bias, unsigned channels, unsigned inner)
FOR_F32_AND_BF16(add_bias, PARAMETERS, (n, y, bias, channels, inner))
#undef PARAMETERS

extern "C" __global__ void cast_f32_bf16(unsigned n, const float *x, bf16 *y) { cast(n, x, y); }
extern "C" __global__ void cast_bf16_f32(unsigned n, const bf16 *x, float *y) { cast(n, x, y); }

#define SWAP(name, S, T)                                                                                                       \
    extern "C" __global__ void name(unsigned n, const S *x, T *y, unsigned rows, unsigned columns) {                           \
        swap(n, x, y, rows, columns);                                                                                          \
    }
SWAP(swap_f32_f32, float, float)
SWAP(swap_f32_bf16, float, bf16)
SWAP(swap_bf16_f32, bf16, float)
SWAP(swap_bf16_bf16, bf16, bf16)

// Moves two running statistics of n channels towards those of a batch. Products are rounded before they are added, as on the CPU.
extern "C" __global__ void move_statistics(unsigned n, float *mean, float *variance, const float *batch_mean,
                                           const float *batch_variance, float momentum, float kept) {
    unsigned i = thread();
    if (i >= n) return;
    mean[i] = __fadd_rn(__fmul_rn(batch_mean[i], momentum), __fmul_rn(mean[i], kept));
    variance[i] = __fadd_rn(__fmul_rn(batch_variance[i], momentum), __fmul_rn(variance[i], kept));
}
