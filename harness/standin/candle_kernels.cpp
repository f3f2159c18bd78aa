// The kernels of candle 0.11 that the project launches, by hand; a launch of any other is an error. Each has the parameters of
// candle's, but computes all elements at once. The names and parameters are those of
// candle-kernels/src/{affine,binary,cast,fill,reduce,unary}.cu.
#include "calls.h"
#include "kernels.h"
#include "memory.h"
#include <cmath>
#include <functional>
#include <map>

namespace standin {

namespace {

using std::string;

// An access outside the memory of the device.
struct OutOfBounds {
    const void *start;
    size_t index;
};

// Elements in the device's memory.
template <class T> class Array {
  public:
    explicit Array(const void *start) : start((T *)start), length(memory::room(start) / sizeof(T)) {}

    T &operator[](size_t i) const {
        if (i >= length) throw OutOfBounds{start, i};
        return start[i];
    }

  private:
    T *start;
    size_t length;
};

template <class T> T value(void *parameter) { return *(T *)parameter; }
template <class T> Array<T> array(void *parameter) { return Array<T>(value<const void *>(parameter)); }

// Where the elements of a tensor lie: its sides, then its strides, both in the device's memory. Null: without gaps.
class Layout {
  public:
    // `strides`: which list of strides, for an operation on two tensors.
    Layout(void *dimensions, void *info, size_t strides = 0)
        : contiguous(!value<const void *>(info)), dimensions(value<size_t>(dimensions)), info(array<size_t>(info)),
          first_stride((1 + strides) * this->dimensions) {}

    size_t place(size_t i) const {
        if (contiguous) return i;
        size_t place = 0;
        for (size_t d = dimensions; d-- > 0;) {
            size_t side = info[d];
            place += i % side * info[first_stride + d];
            i /= side;
        }
        return place;
    }

  private:
    bool contiguous;
    size_t dimensions;
    Array<size_t> info;
    size_t first_stride;
};

// (n, dimensions, info, x, out): out = f(x). candle computes in place if x is null.
template <class S, class T, class F> void unary(void **p, F f) {
    size_t n = value<size_t>(p[0]);
    Layout layout(p[1], p[2]);
    Array<T> out = array<T>(p[4]);
    bool in_place = !value<const void *>(p[3]);
    Array<S> x = array<S>(p[in_place ? 4 : 3]);
    for (size_t i = 0; i < n; i++) out[i] = f(x[in_place ? i : layout.place(i)]);
}

// (n, dimensions, info, x, out, factor, summand)
void affine(void **p) {
    float factor = value<float>(p[5]), summand = value<float>(p[6]);
    unary<float, float>(p, [=](float x) { return x * factor + summand; });
}

// (n, dimensions, info, x, y, out): out = f(x, y).
template <class S, class T, class F> void binary(void **p, F f) {
    size_t n = value<size_t>(p[0]);
    Layout of_x(p[1], p[2], 0), of_y(p[1], p[2], 1);
    Array<S> x = array<S>(p[3]), y = array<S>(p[4]);
    Array<T> out = array<T>(p[5]);
    for (size_t i = 0; i < n; i++) out[i] = f(x[of_x.place(i)], y[of_y.place(i)]);
}

// (n, dimensions, info, element, out)
template <class T> void set(void **p) {
    size_t n = value<size_t>(p[0]);
    Layout layout(p[1], p[2]);
    T element = value<T>(p[3]);
    Array<T> out = array<T>(p[4]);
    for (size_t i = 0; i < n; i++) out[layout.place(i)] = element;
}

// (number, length, dimensions, info, x, out): `results` results, each of `length` elements.
template <class F> void reduce(void **p, size_t results, float first, F f) {
    size_t length = value<size_t>(p[1]);
    Layout layout(p[2], p[3]);
    Array<float> x = array<float>(p[4]), out = array<float>(p[5]);
    for (size_t result = 0; result < results; result++) {
        float total = first;
        for (size_t i = 0; i < length; i++) total = f(total, x[layout.place(result * length + i)]);
        out[result] = total;
    }
}

// (from, to, rows, columns, stride of from, stride of to)
template <class T> void copy_rows(void **p) {
    Array<T> from = array<T>(p[0]), to = array<T>(p[1]);
    size_t rows = value<uint32_t>(p[2]), columns = value<uint32_t>(p[3]);
    size_t from_stride = value<uint32_t>(p[4]), to_stride = value<uint32_t>(p[5]);
    for (size_t row = 0; row < rows; row++)
        for (size_t column = 0; column < columns; column++)
            to[row * to_stride + column] = from[row * from_stride + column];
}

// What each kernel does: with its parameters, and the number of blocks.
using Body = void (*)(void **p, size_t blocks);
struct Entry {
    CandleKernel kernel;
    Body body;
};
std::map<string, Entry> table();

const std::map<string, Entry> &entries() {
    static const auto &all = *new std::map<string, Entry>(table());
    return all;
}

bool run(const string &name, void **parameters, size_t blocks) {
    try {
        entries().at(name).body(parameters, blocks);
        return true;
    } catch (const OutOfBounds &access) {
        complain("candle's %s: element %zu from %p is outside the device's memory", name.c_str(), access.index, access.start);
        return false;
    }
}

std::map<string, Entry> table() {
    std::map<string, Entry> all;
    auto add = [&](const char *name, size_t parameters, Body body) { all[name] = {{parameters, run}, body}; };

#define BINARY(name, S, T, result)                                                                                             \
    add(name, 6, [](void **p, size_t) { binary<S, T>(p, [](S x, S y) -> T { return result; }); })
    BINARY("badd_f32", float, float, x + y);
    BINARY("bsub_f32", float, float, x - y);
    BINARY("bmul_f32", float, float, x * y);
    BINARY("bdiv_f32", float, float, x / y);
    BINARY("eq_u32", uint32_t, uint8_t, x == y);

#define UNARY(name, S, T, result) add(name, 5, [](void **p, size_t) { unary<S, T>(p, [](S x) -> T { return result; }); })
    UNARY("cast_f32_f64", float, double, x);
    UNARY("cast_u8_f32", uint8_t, float, x);
    UNARY("cast_u8_u32", uint8_t, uint32_t, x);
    UNARY("usqr_f32", float, float, x * x);
    UNARY("uexp_f32", float, float, expf(x));

    add("affine_f32", 7, [](void **p, size_t) { affine(p); });

    add("const_set_f32", 5, [](void **p, size_t) { set<float>(p); });
    add("const_set_u8", 5, [](void **p, size_t) { set<uint8_t>(p); });

    // A block makes one result, but a thread does in the small ones, where the first parameter is the number of results.
    add("fast_sum_f32", 6, [](void **p, size_t blocks) { reduce(p, blocks, 0, std::plus<float>()); });
    add("fast_sum_small_f32", 6, [](void **p, size_t) { reduce(p, value<size_t>(p[0]), 0, std::plus<float>()); });
    add("fast_max_f32", 6,
        [](void **p, size_t blocks) { reduce(p, blocks, -INFINITY, [](float x, float y) { return y > x ? y : x; }); });

    add("copy2d_f32", 6, [](void **p, size_t) { copy_rows<float>(p); });
    add("copy2d_f64", 6, [](void **p, size_t) { copy_rows<double>(p); });
    return all;
}

} // namespace

const CandleKernel *find_candle_kernel(const string &name) {
    auto found = entries().find(name);
    return found == entries().end() ? nullptr : &found->second.kernel;
}

} // namespace standin
