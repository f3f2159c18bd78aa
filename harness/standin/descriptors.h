// What cuDNN's handles and descriptors describe.
#pragma once
#include "convolution.h"

namespace standin {

// cudnnMathType_t.
enum : int { DEFAULT_MATH = 0, TENSOR_OP_MATH = 1, FMA_MATH = 3 };

// True if the handle was created and not destroyed; complains otherwise.
bool is_handle(const char *call, const void *handle);

// The descriptors of a convolution.
struct Descriptors {
    const void *images, *filters, *arithmetic, *maps;
};

// Finds the convolution that the descriptors describe, and its cudnnMathType_t. Returns a status of cuDNN; if they do not fit,
// it complains.
int describe(const char *call, Descriptors descriptors, Convolution *convolution, int *math);

} // namespace standin
