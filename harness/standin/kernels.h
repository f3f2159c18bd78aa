// The kernels that the library can run: the project's own, compiled for the host, and candle's, written by hand.
#pragma once
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace standin {

// A kernel of the project.
struct Kernel {
    void (*function)();
    // Calls `function` for one thread with its parameters.
    void (*call)(void (*function)(), void **parameters);
    std::vector<size_t> sizes; // bytes of each parameter
};

// Called by the code that build.sh writes for each file of kernels.
void register_kernel(const char *name, Kernel kernel);

// The project's kernel of this name, or null.
const Kernel *find_kernel(const std::string &name);

template <class... Parameters, size_t... I>
void call_with(void (*function)(), void **parameters, std::index_sequence<I...>) {
    ((void (*)(Parameters...))function)(*(Parameters *)parameters[I]...);
}

template <class... Parameters> void register_kernel(const char *name, void (*function)(Parameters...)) {
    auto call = [](void (*function)(), void **parameters) {
        call_with<Parameters...>(function, parameters, std::index_sequence_for<Parameters...>{});
    };
    register_kernel(name, Kernel{(void (*)())function, call, {sizeof(Parameters)...}});
}

// A kernel of candle. It computes everything at once.
struct CandleKernel {
    size_t parameters;
    // False, with a complaint, if it reads or writes outside the device's memory.
    bool (*run)(const std::string &name, void **parameters, size_t blocks);
};

// The kernel of candle with this name, or null.
const CandleKernel *find_candle_kernel(const std::string &name);

} // namespace standin
