// The arithmetic of convolutions, and the shapes that they are described by.
#pragma once
#include <cstddef>

namespace standin {

// What is computed from the other two.
enum class Direction { Forward, Data, Filter };

enum class Element { Float = 0, Bfloat16 = 9 }; // as in cudnnDataType_t

// Images [count, channels, height, width], maps likewise, or filters [maps, channels, height, width].
struct Shape {
    Element element;
    bool channels_last;
    int count, channels, height, width;

    size_t elements() const { return (size_t)count * channels * height * width; }
    size_t bytes() const { return elements() * (element == Element::Float ? 4 : 2); }
};

struct Arithmetic {
    int padding_y, padding_x, stride_y, stride_x;
    bool tf32; // floats are rounded to what a tensor core reads
};

struct Convolution {
    Shape images, filters, maps;
    Arithmetic arithmetic;
};

// Computes the array that `direction` names from the other two.
void convolve(Direction direction, const Convolution &convolution, void *images, void *filters, void *maps);

} // namespace standin
