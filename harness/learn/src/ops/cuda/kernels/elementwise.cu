// One element in, one element out: rectified linear unit, bias, sums, conversion and change of layout.
#include "number.cuh"

template <class T> __device__ void relu(unsigned n, const T *x, T *y) {
    unsigned i = thread() * WIDTH<T>;
    if (i >= n) return;
    float values[WIDTH<T>];
    load(values, x, i, n);
    for (unsigned k = 0; k < WIDTH<T>; k++) values[k] = rectified(values[k]);
    store(y, values, i, n);
}

template <class T> __device__ void relu_backward(unsigned n, const T *y, const T *gradient, T *out) {
    unsigned i = thread() * WIDTH<T>;
    if (i >= n) return;
    float values[WIDTH<T>], slopes[WIDTH<T>];
    load(values, y, i, n);
    load(slopes, gradient, i, n);
    for (unsigned k = 0; k < WIDTH<T>; k++) slopes[k] = masked(values[k], slopes[k]);
    store(out, slopes, i, n);
}

// out = x + y, where y counts as 0 if `mask` is 0 there; a null mask is none.
template <class T> __device__ void add(unsigned n, const T *x, const T *y, const T *mask, T *out) {
    unsigned i = thread() * WIDTH<T>;
    if (i >= n) return;
    float values[WIDTH<T>], others[WIDTH<T>], masks[WIDTH<T>];
    load(values, x, i, n);
    load(others, y, i, n);
    if (mask != nullptr) load(masks, mask, i, n);
    for (unsigned k = 0; k < WIDTH<T>; k++) values[k] += mask != nullptr ? masked(masks[k], others[k]) : others[k];
    store(out, values, i, n);
}

// y += bias of its channel (null for none) and `added` (null for none), then rectified if it is asked.
template <class T>
__device__ void finish(unsigned n, T *y, const float *bias, const T *added, int relu, unsigned channels, unsigned inner) {
    unsigned i = thread() * WIDTH<T>;
    if (i >= n) return;
    float values[WIDTH<T>], others[WIDTH<T>];
    load(values, y, i, n);
    if (added != nullptr) load(others, added, i, n);
    Channel at(i, channels, inner);
    for (unsigned k = 0; k < WIDTH<T>; k++, at.next()) {
        if (bias != nullptr) values[k] += bias[at.channel];
        if (added != nullptr) values[k] += others[k];
        if (relu) values[k] = rectified(values[k]);
    }
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

// x + (value - x), rounded as PyTorch rounds it.
template <class T> __device__ void straight_through(unsigned n, const float *x, const float *value, T *out) {
    unsigned i = thread();
    if (i < n) out[i] = rounded<T>(__fadd_rn(x[i], __fsub_rn(value[i], x[i])));
}

#define PARAMETERS(T) (unsigned n, const T *x, T *y)
FOR_F32_AND_BF16(relu, PARAMETERS, (n, x, y))
#undef PARAMETERS
#define PARAMETERS(T) (unsigned n, const T *y, const T *gradient, T *out)
FOR_F32_AND_BF16(relu_backward, PARAMETERS, (n, y, gradient, out))
#undef PARAMETERS
#define PARAMETERS(T) (unsigned n, const T *x, const T *y, const T *mask, T *out)
FOR_F32_AND_BF16(add, PARAMETERS, (n, x, y, mask, out))
#undef PARAMETERS
#define PARAMETERS(T) (unsigned n, T *y, const float *bias, const T *added, int relu, unsigned channels, unsigned inner)
FOR_F32_AND_BF16(finish, PARAMETERS, (n, y, bias, added, relu, channels, inner))
#undef PARAMETERS
#define PARAMETERS(T) (unsigned n, const float *x, const float *value, T *out)
FOR_F32_AND_BF16(straight_through, PARAMETERS, (n, x, value, out))
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

extern "C" __global__ void sigmoid(unsigned n, const float *x, float *y) {
    unsigned i = thread();
    if (i < n) y[i] = 1.0f / (1.0f + expf(-x[i]));
}

extern "C" __global__ void sigmoid_backward(unsigned n, const float *y, const float *gradient, float *out) {
    unsigned i = thread();
    if (i < n) out[i] = gradient[i] * y[i] * (1.0f - y[i]);
}
