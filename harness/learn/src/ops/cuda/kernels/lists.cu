// Many tensors in one launch: steps of Adam, the norm of all gradients, clipping by it, and conversions of weights and their
// gradients. The list travels as a parameter, which may have 4 KiB.
#include "number.cuh"

// A tensor, or several of the same size.
struct Item {
    void *a, *b, *c, *d;
    unsigned n, first; // elements, and the first block that handles them
    unsigned rows, columns;
};

constexpr unsigned ITEMS = 80;
struct List {
    unsigned count, blocks;
    Item items[ITEMS];
};

// Elements that a thread handles.
constexpr unsigned EACH = 4;

// The item of this block, and the elements of it that this block handles.
struct Part {
    const Item &item;
    unsigned from, to;

    __device__ static const Item &of(const List &list) {
        unsigned low = 0, high = list.count; // the item is one of low..high
        while (high - low > 1) {
            unsigned middle = (low + high) / 2;
            if (list.items[middle].first <= blockIdx.x) low = middle;
            else high = middle;
        }
        return list.items[low];
    }

    __device__ explicit Part(const List &list) : item(of(list)) {
        unsigned length = blockDim.x * EACH;
        from = (blockIdx.x - item.first) * length;
        to = item.n - from < length ? item.n : from + length;
    }
};

// (weight, first moment, second moment, gradient)
extern "C" __global__ void adam(const List list, float beta1, float rest1, float beta2, float rest2, float keep, float rate,
                                float scale, float epsilon) {
    Part part(list);
    float *weight = (float *)part.item.a, *first = (float *)part.item.b, *second = (float *)part.item.c;
    const float *gradient = (const float *)part.item.d;
    for (unsigned i = part.from + threadIdx.x; i < part.to; i += blockDim.x) {
        float slope = gradient[i];
        float mean = beta1 * first[i] + rest1 * slope, square = beta2 * second[i] + rest2 * slope * slope;
        first[i] = mean;
        second[i] = square;
        weight[i] = keep * weight[i] - rate * mean / (sqrtf(square) * scale + epsilon);
    }
}

// (gradient): each block's piece of the sum of all squares.
extern "C" __global__ void square_pieces(const List list, double *pieces) {
    __shared__ double room[256];
    Part part(list);
    const float *x = (const float *)part.item.a;
    double sum = 0.0;
    for (unsigned i = part.from + threadIdx.x; i < part.to; i += blockDim.x) sum += (double)x[i] * x[i];
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

// (gradient, result): multiplied by most / (norm + epsilon) if that is below 1.
extern "C" __global__ void clip(const List list, const double *norm, double most, double epsilon) {
    Part part(list);
    const float *x = (const float *)part.item.a;
    float *out = (float *)part.item.b;
    double factor = most / (*norm + epsilon);
    for (unsigned i = part.from + threadIdx.x; i < part.to; i += blockDim.x) {
        out[i] = factor >= 1.0 ? x[i] : x[i] * (float)factor;
    }
}

// (from, to): [outer, rows, columns] -> [outer, columns, rows], converted.
template <class S, class T> __device__ void swap_all(const List &list) {
    Part part(list);
    const S *from = (const S *)part.item.a;
    T *to = (T *)part.item.b;
    unsigned rows = part.item.rows, columns = part.item.columns;
    for (unsigned i = part.from + threadIdx.x; i < part.to; i += blockDim.x) {
        unsigned group = i / rows, row = i - group * rows;
        unsigned outer = group / columns, column = group - outer * columns;
        to[i] = rounded<T>(number(from[(outer * rows + row) * columns + column]));
    }
}
extern "C" __global__ void swap_all_f32_f32(const List list) { swap_all<float, float>(list); }
extern "C" __global__ void swap_all_f32_bf16(const List list) { swap_all<float, bf16>(list); }
extern "C" __global__ void swap_all_bf16_f32(const List list) { swap_all<bf16, float>(list); }
