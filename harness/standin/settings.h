// What the environment asks of the stand-in. README.md describes the variables.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace standin {

enum class Order { Ascending, Descending, Shuffled };

struct Settings {
    std::string report; // a file, or empty
    Order order = Order::Ascending;
    std::string failing_call; // the name of a function, `any`, or empty
    uint64_t failing_number = 0;
    size_t memory = size_t(8) << 30; // bytes
    int major = 9, minor = 0;        // compute capability
    int devices = 1;
    size_t misalignment = 0; // bytes past a border of 256
    bool plain_only = false;         // whether only convolutions in f32 have a deterministic algorithm
};

// Read once. A value that makes no sense ends the program with status 2.
const Settings &settings();

} // namespace standin
