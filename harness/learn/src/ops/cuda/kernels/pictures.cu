// Makes batches of pictures on the device from the bytes of the data set. Each picture has a row in a table of draws: its place
// in the data set, the number of changes, and for each change its kind and its draws.
//
// The arithmetic equals that of the host, to the bit. Products that are added to something are written as functions, because
// the compiler would otherwise fuse the two and round once instead of twice.
#include "number.cuh"

typedef unsigned char byte;

// Words of a change in the table.
constexpr unsigned WORDS = 6;
// Largest side of a picture.
constexpr unsigned MOST = 2048;
// Threads of a block, at most.
constexpr unsigned THREADS = 512;
// Fractional bits of a filter's weight.
constexpr int PRECISION = 22;

enum Kind : unsigned { TURN = 1, MIRROR, CROP, GREY, BRIGHTNESS, CONTRAST, SATURATION, HUE, MASK };

__device__ inline float real(unsigned word) { return __uint_as_float(word); }

// Truncates, instead of rounding, to a byte.
__device__ inline byte cut(float value) { return value <= 0.0f ? 0 : value >= 255.0f ? 255 : (byte)value; }

__device__ inline byte blend(byte from, byte to, float factor) {
    return cut(__fadd_rn((float)from, __fmul_rn(factor, (float)to - (float)from)));
}

__device__ inline unsigned luma(const byte *pixel) {
    return (pixel[0] * 19595u + pixel[1] * 38470u + pixel[2] * 7471u + 0x8000u) >> 16;
}

__device__ inline byte dimmed(byte value, double by) { return (byte)round(__dmul_rn((double)value, __dadd_rn(1.0, -by))); }

// Turns the hue by steps of 1/255, converting to bytes of hue, saturation and value and back.
__device__ inline void turn_hue(const byte *from, byte *to, unsigned steps) {
    byte r = from[0], g = from[1], b = from[2];
    byte most = r > g ? r : g, least = r < g ? r : g;
    most = most > b ? most : b, least = least < b ? least : b;
    if (most == least) {
        to[0] = to[1] = to[2] = most;
        return;
    }
    float range = (float)(most - least);
    float red = (float)(most - r) / range, green = (float)(most - g) / range, blue = (float)(most - b) / range;
    float sixths = r == most   ? blue - green
                   : g == most ? (float)(2.0 + (double)red - (double)blue)
                               : (float)(4.0 + (double)green - (double)red);
    double around = (double)sixths / 6.0 + 1.0;
    float share = (float)(around >= 1.0 ? around - 1.0 : around);
    byte hue = (byte)((unsigned)(byte)((double)share * 255.0) + steps);
    byte saturation = (byte)((double)(range / (float)most) * 255.0);
    if (saturation == 0) {
        to[0] = to[1] = to[2] = most;
        return;
    }
    double place = (double)hue * 6.0 / 255.0, sector = floor(place);
    float part = (float)(place - sector), full = (float)((double)saturation / 255.0);
    byte low = dimmed(most, (double)full), falling = dimmed(most, (double)__fmul_rn(full, part));
    byte rising = dimmed(most, __dmul_rn((double)full, 1.0 - (double)part));
    switch ((unsigned)sector % 6) {
    case 0: to[0] = most, to[1] = rising, to[2] = low; break;
    case 1: to[0] = falling, to[1] = most, to[2] = low; break;
    case 2: to[0] = low, to[1] = most, to[2] = rising; break;
    case 3: to[0] = low, to[1] = falling, to[2] = most; break;
    case 4: to[0] = rising, to[1] = low, to[2] = most; break;
    default: to[0] = most, to[1] = low, to[2] = falling; break;
    }
}

// The samples that contribute to one sample of an enlarged row or column.
struct Taps {
    unsigned short first, count;
    int weights[3];

    __device__ void of(unsigned at, unsigned from, unsigned to) {
        double scale = (double)from / (double)to, centre = __dmul_rn((double)at + 0.5, scale), total = 0.0;
        double least = centre - 1.0 + 0.5;
        unsigned begin = least > 0.0 ? (unsigned)least : 0, end = (unsigned)(centre + 1.0 + 0.5);
        end = end < from ? end : from;
        first = begin, count = end - begin;
        double shares[3] = {0.0, 0.0, 0.0};
        for (unsigned i = 0; i < 3 && i < count; i++) {
            double distance = fabs((double)(begin + i) - centre + 0.5);
            shares[i] = distance < 1.0 ? 1.0 - distance : 0.0;
            total += shares[i];
        }
        for (unsigned i = 0; i < 3; i++) weights[i] = (int)(0.5 + __dmul_rn(shares[i] / total, (double)(1 << PRECISION)));
    }

    // For samples that are `stride` bytes apart.
    __device__ byte sum(const byte *samples, unsigned stride) const {
        int sum = 1 << (PRECISION - 1);
        for (unsigned i = 0; i < count; i++) sum += samples[(first + i) * stride] * weights[i];
        sum >>= PRECISION;
        return sum < 0 ? 0 : sum > 255 ? 255 : sum;
    }
};

// Maps position `at` of `to` positions to one of `from`: the label under its centre. Positions are added up, as on the host.
__device__ inline unsigned nearest(unsigned at, unsigned from, unsigned to) {
    double step = (double)from / (double)to, centre = __dmul_rn(step, 0.5);
    for (unsigned i = 0; i < at; i++) centre += step;
    unsigned place = (unsigned)centre;
    return place < from ? place : from - 1;
}

// The source of the pixel at column x and row y of a turned or mirrored picture.
__device__ inline unsigned origin(unsigned x, unsigned y, unsigned side, unsigned kind, unsigned quarters) {
    unsigned last = side - 1;
    if (kind == MIRROR) return y * side + last - x;
    return quarters == 1 ? x * side + last - y : quarters == 2 ? (last - y) * side + last - x : (last - x) * side + y;
}

// A block makes one image of the batch, that of row `first + blockIdx.x`: `images` [B, 3, side, side] in 0..1 and, if
// requested, the unchanged image in `clean` and the changed classes in `target`. `work` has room for 8 bytes per pixel.
extern "C" __global__ void assemble(const byte *rgb, const byte *classes, const unsigned *table, unsigned first, unsigned width,
                                    unsigned side, byte *work, float *images, float *clean, byte *target) {
    __shared__ double room[THREADS];
    __shared__ Taps taps[MOST];
    __shared__ unsigned short under[MOST];
    unsigned pixels = side * side, image = blockIdx.x, t = threadIdx.x, threads = blockDim.x;
    const unsigned *row = table + (unsigned long long)(first + image) * width;
    const byte *now = rgb + (unsigned long long)row[0] * pixels * 3;
    const byte *labels = target ? classes + (unsigned long long)row[0] * pixels : nullptr;
    byte *own = work + (unsigned long long)image * pixels * 8;
    // Source and destination are swapped after each change.
    byte *next = own, *other = own + pixels * 3, *next_labels = own + pixels * 6, *other_labels = own + pixels * 7;
    unsigned top = 0, left = 0, height = 0, across = 0;
    float fill = 0.0f;
    if (clean)
        for (unsigned p = t; p < pixels; p += threads)
            for (unsigned c = 0; c < 3; c++) clean[(image * 3 + c) * pixels + p] = (float)now[p * 3 + c] / 255.0f;
    for (unsigned change = 0; change < row[1]; change++) {
        const unsigned *word = row + 2 + change * WORDS;
        unsigned kind = word[0];
        if (kind == MASK) {
            top = word[1], left = word[2], height = word[3], across = word[4], fill = real(word[5]);
            continue;
        }
        float factor = real(word[1]);
        byte mean = 0;
        if (kind == CONTRAST) {
            double sum = 0.0;
            for (unsigned p = t; p < pixels; p += threads) sum += luma(now + p * 3);
            mean = (byte)(block_sum(sum, room) / (double)pixels + 0.5);
        }
        if (kind == CROP) {
            unsigned part = word[1], column = word[2], line = word[3];
            for (unsigned i = t; i < side; i += threads) taps[i].of(i, part, side), under[i] = nearest(i, part, side);
            __syncthreads();
            for (unsigned i = t; i < part * side; i += threads) {
                unsigned y = i / side, x = i - y * side;
                const byte *samples = now + ((line + y) * side + column) * 3;
                for (unsigned c = 0; c < 3; c++) next[i * 3 + c] = taps[x].sum(samples + c, 3);
            }
            __syncthreads();
            for (unsigned p = t; p < pixels; p += threads) {
                unsigned y = p / side, x = p - y * side;
                for (unsigned c = 0; c < 3; c++) other[p * 3 + c] = taps[y].sum(next + x * 3 + c, side * 3);
                if (labels) next_labels[p] = labels[(line + under[y]) * side + column + under[x]];
            }
            now = other;
        } else {
            for (unsigned p = t; p < pixels; p += threads) {
                byte *to = next + p * 3;
                const byte *from = now + p * 3;
                unsigned place = p;
                if (kind == TURN || kind == MIRROR) {
                    unsigned y = p / side, x = p - y * side;
                    place = origin(x, y, side, kind, word[1]);
                    from = now + place * 3;
                    if (labels) next_labels[p] = labels[place];
                }
                if (kind == HUE) {
                    turn_hue(from, to, word[1]);
                    continue;
                }
                byte grey = kind == GREY || kind == SATURATION ? (byte)luma(from) : mean;
                for (unsigned c = 0; c < 3; c++)
                    to[c] = kind == GREY                                                        ? grey
                            : kind == BRIGHTNESS || kind == CONTRAST || kind == SATURATION ? blend(grey, from[c], factor)
                                                                                                : from[c];
            }
            now = next;
            byte *free = next;
            next = other, other = free;
        }
        if (labels && (kind == CROP || kind == TURN || kind == MIRROR)) {
            labels = next_labels;
            byte *free = next_labels;
            next_labels = other_labels, other_labels = free;
        }
        __syncthreads();
    }
    for (unsigned p = t; p < pixels; p += threads) {
        unsigned y = p / side, x = p - y * side;
        bool masked = y - top < height && x - left < across;
        for (unsigned c = 0; c < 3; c++)
            images[(image * 3 + c) * pixels + p] = masked ? fill : (float)now[p * 3 + c] / 255.0f;
        if (target) target[image * pixels + p] = labels[p];
    }
}
