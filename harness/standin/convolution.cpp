#include "convolution.h"
#include "number.h"
#include <vector>

namespace standin {

namespace {

using Values = std::vector<float>;

// Calls visit(element, number) for each element: its place in memory, and its number in the order [count, channels, height, width].
template <class F> void each(const Shape &shape, F visit) {
    size_t pixels = (size_t)shape.height * shape.width, channels = shape.channels, number = 0;
    for (size_t one = 0; one < (size_t)shape.count; one++)
        for (size_t channel = 0; channel < channels; channel++)
            for (size_t pixel = 0; pixel < pixels; pixel++, number++)
                visit(shape.channels_last ? (one * pixels + pixel) * channels + channel : number, number);
}

Values read(const Shape &shape, const void *from, bool tf32) {
    Values values(shape.elements());
    each(shape, [&](size_t at, size_t number) {
        if (shape.element == Element::Bfloat16) values[number] = widen(((const bfloat16 *)from)[at]);
        else values[number] = tf32 ? to_tf32(((const float *)from)[at]) : ((const float *)from)[at];
    });
    return values;
}

void write(const Shape &shape, void *to, const Values &values) {
    each(shape, [&](size_t at, size_t number) {
        if (shape.element == Element::Bfloat16) ((bfloat16 *)to)[at] = to_bfloat16(values[number]);
        else ((float *)to)[at] = values[number];
    });
}

// A row of pixels of an image and the one of a map that it meets under one element of a filter: pixel i of the map meets pixel
// i * stride of the image, for i in 0..length.
struct Rows {
    float *image, *map;
    int length, stride;
};

// Calls visit(filter element, rows) for all of them.
template <class F> void each_row(const Convolution &all, Values &images, Values &filters, Values &maps, F visit) {
    const Shape &image = all.images, &filter = all.filters, &map = all.maps;
    const Arithmetic &how = all.arithmetic;
    for (int one = 0; one < image.count; one++) {
        size_t element = 0;
        for (int out = 0; out < filter.count; out++)
            for (int in = 0; in < filter.channels; in++)
                for (int y = 0; y < filter.height; y++)
                    for (int x = 0; x < filter.width; x++, element++) {
                        // The first and last pixel of the map that meet a pixel of the image, not its padding.
                        int before = how.padding_x - x, first = before > 0 ? (before + how.stride_x - 1) / how.stride_x : 0;
                        int last = image.width - 1 + before < 0 ? -1 : (image.width - 1 + before) / how.stride_x;
                        if (last > map.width - 1) last = map.width - 1;
                        if (last < first) continue;
                        for (int row = 0; row < map.height; row++) {
                            int image_row = row * how.stride_y + y - how.padding_y;
                            if (image_row < 0 || image_row >= image.height) continue;
                            size_t plane = (size_t)one * image.channels + in, map_plane = (size_t)one * map.channels + out;
                            float *image_pixels = &images[(plane * image.height + image_row) * image.width];
                            float *map_pixels = &maps[(map_plane * map.height + row) * map.width];
                            visit(filters[element], Rows{image_pixels + first * how.stride_x - before, map_pixels + first,
                                                         last - first + 1, how.stride_x});
                        }
                    }
    }
}

} // namespace

void convolve(Direction direction, const Convolution &all, void *image_memory, void *filter_memory, void *map_memory) {
    bool tf32 = all.arithmetic.tf32;
    Values images(all.images.elements()), filters(all.filters.elements()), maps(all.maps.elements());
    if (direction != Direction::Data) images = read(all.images, image_memory, tf32);
    if (direction != Direction::Filter) filters = read(all.filters, filter_memory, tf32);
    if (direction != Direction::Forward) maps = read(all.maps, map_memory, tf32);
    switch (direction) {
    case Direction::Forward:
        each_row(all, images, filters, maps, [](float &filter, Rows rows) {
            for (int i = 0; i < rows.length; i++) rows.map[i] += filter * rows.image[i * rows.stride];
        });
        return write(all.maps, map_memory, maps);
    case Direction::Data:
        each_row(all, images, filters, maps, [](float &filter, Rows rows) {
            for (int i = 0; i < rows.length; i++) rows.image[i * rows.stride] += filter * rows.map[i];
        });
        return write(all.images, image_memory, images);
    case Direction::Filter:
        each_row(all, images, filters, maps, [](float &filter, Rows rows) {
            double sum = 0.0;
            for (int i = 0; i < rows.length; i++) sum += (double)rows.image[i * rows.stride] * rows.map[i];
            filter += (float)sum;
        });
        return write(all.filters, filter_memory, filters);
    }
}

} // namespace standin
