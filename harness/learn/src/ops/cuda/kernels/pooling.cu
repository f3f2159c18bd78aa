// Max-pooling with indices, unpooling, and their gradients. One thread makes each output element; no element is a sum of
// several threads.
#include "number.cuh"

// Windows of [B, C, height, width] that make [B, C, rows, columns].
struct Windows {
    unsigned channels, height, width, rows, columns, kernel, stride, padding;
};

// Index of the first largest element of each window; NaN counts as larger than any number.
template <class T> __device__ void largest(unsigned n, const T *x, unsigned *indices, Windows w, int last) {
    unsigned i = thread();
    if (i >= n) return;
    Place place(i, w.channels, w.rows * w.columns, last);
    int y = (int)((place.pixel / w.columns) * w.stride) - (int)w.padding;
    int z = (int)((place.pixel % w.columns) * w.stride) - (int)w.padding;
    int y_end = min(y + (int)w.kernel, (int)w.height), z_end = min(z + (int)w.kernel, (int)w.width);
    y = max(y, 0);
    z = max(z, 0);
    float best = -INFINITY;
    unsigned index = y * w.width + z;
    for (int row = y; row < y_end; row++) {
        for (int column = z; column < z_end; column++) {
            unsigned pixel = row * w.width + column;
            float value = number(x[place.at(pixel, w.channels, w.height * w.width, last)]);
            if (value > best || value != value) {
                best = value;
                index = pixel;
            }
        }
    }
    indices[i] = index;
}

// The element of x [B, C, large] at each of the indices [B, C, small]; NaN for an index outside.
template <class T>
__device__ void take(unsigned n, const T *x, const unsigned *indices, T *out, unsigned channels, unsigned small,
                     unsigned large, int last) {
    unsigned i = thread();
    if (i >= n) return;
    Place place(i, channels, small, last);
    unsigned index = indices[i];
    out[i] = index < large ? x[place.at(index, channels, large, last)] : rounded<T>(NAN);
}

// Gradient of a pooling: each element of the image looks, in order, for the windows whose maximum it is.
template <class T>
__device__ void pool_backward(unsigned n, const T *gradient, const unsigned *indices, T *out, Windows w, int last) {
    unsigned i = thread();
    if (i >= n) return;
    Place place(i, w.channels, w.height * w.width, last);
    unsigned y = place.pixel / w.width + w.padding, z = place.pixel % w.width + w.padding;
    unsigned first_row = y < w.kernel ? 0 : (y - w.kernel) / w.stride + 1, rows = min(y / w.stride + 1, w.rows);
    unsigned first_column = z < w.kernel ? 0 : (z - w.kernel) / w.stride + 1, columns = min(z / w.stride + 1, w.columns);
    float sum = 0.0f;
    for (unsigned row = first_row; row < rows; row++) {
        for (unsigned column = first_column; column < columns; column++) {
            unsigned at = place.at(row * w.columns + column, w.channels, w.rows * w.columns, last);
            if (indices[at] == place.pixel) sum += number(gradient[at]);
        }
    }
    out[i] = rounded<T>(sum);
}

// For each place of [B, C, large], one more than the index of the last of the `small` pixels that is put there. The maximum of
// integers does not depend on the order.
extern "C" __global__ void winners(unsigned n, const unsigned *indices, unsigned *winners, unsigned channels, unsigned small,
                                   unsigned large, int last) {
    unsigned i = thread();
    if (i >= n) return;
    Place place(i, channels, small, last);
    if (indices[i] < large) atomicMax(&winners[place.at(indices[i], channels, large, last)], place.pixel + 1);
}

// The element that was put there last, or 0 if there is none.
template <class T>
__device__ void put(unsigned n, const T *x, const unsigned *winners, T *out, unsigned channels, unsigned small,
                    unsigned large, int last) {
    unsigned i = thread();
    if (i >= n) return;
    Place place(i, channels, large, last);
    unsigned winner = winners[i];
    out[i] = winner == 0 ? rounded<T>(0.0f) : x[place.at(winner - 1, channels, small, last)];
}

#define WINDOWS                                                                                                                \
    unsigned channels, unsigned height, unsigned width, unsigned rows, unsigned columns, unsigned kernel, unsigned stride,     \
        unsigned padding, int last
#define PARAMETERS(T) (unsigned n, const T *x, unsigned *indices, WINDOWS)
FOR_F32_AND_BF16(largest, PARAMETERS,
                 (n, x, indices, Windows{channels, height, width, rows, columns, kernel, stride, padding}, last))
#undef PARAMETERS
#define PARAMETERS(T) (unsigned n, const T *gradient, const unsigned *indices, T *out, WINDOWS)
FOR_F32_AND_BF16(pool_backward, PARAMETERS,
                 (n, gradient, indices, out, Windows{channels, height, width, rows, columns, kernel, stride, padding}, last))
#undef PARAMETERS
#define PARAMETERS(T)                                                                                                          \
    (unsigned n, const T *x, const unsigned *indices, T *out, unsigned channels, unsigned small, unsigned large, int last)
FOR_F32_AND_BF16(take, PARAMETERS, (n, x, indices, out, channels, small, large, last))
FOR_F32_AND_BF16(put, PARAMETERS, (n, x, indices, out, channels, small, large, last))
#undef PARAMETERS
