// Runs a kernel on the data in the standard input, and writes the result: `run assemble ...` or `run image_scores ...`.
#include "host.h"
#include "pictures.cu"
#include "scores.cu"

// A power of two, as block_sum requires.
constexpr unsigned BLOCK = 4;

int main(int count, char **words) {
    std::string name = words[1];
    auto number = [&](int i) { return i < count ? strtoul(words[i], nullptr, 10) : 0; };
    if (name == "assemble") {
        // pictures, side, with classes or not, rows of the table, its width, first row, rows to make
        size_t pictures = number(2), side = number(3), classes = number(4), rows = number(5), width = number(6);
        size_t first = number(7), batch = number(8), pixels = side * side;
        auto rgb = input<byte>(pictures * pixels * 3), labels = input<byte>(classes ? pictures * pixels : 0);
        auto table = input<unsigned>(rows * width);
        std::vector<byte> work(batch * pixels * 8, 77), target(classes ? batch * pixels : 0, 77);
        std::vector<float> images(batch * 3 * pixels, 77), clean(classes ? 0 : batch * 3 * pixels, 77);
        byte *to = classes ? target.data() : nullptr;
        float *unchanged = classes ? nullptr : clean.data();
        launch(batch, BLOCK, [&, to, unchanged] {
            assemble(rgb.data(), labels.data(), table.data(), first, width, side, work.data(), images.data(), unchanged, to);
        });
        output(images), output(clean), output(target);
        return 0;
    }
    if (name == "image_scores") {
        // images, pixels; first of all come the four weights and the smoothing
        size_t batch = number(2), pixels = number(3);
        auto weights = input<double>(5);
        auto channels = input<float>(batch * 3 * pixels);
        auto truth = input<byte>(batch * pixels);
        std::vector<double> out(batch * 12);
        launch(batch, BLOCK, [&] {
            image_scores(channels.data(), truth.data(), pixels, weights[0], weights[1], weights[2], weights[3], weights[4],
                         out.data());
        });
        output(out);
        return 0;
    }
    return 2;
}
