// The part of libcuda that loads kernels and launches them.
#include "calls.h"
#include "counts.h"
#include "fibers.h"
#include "kernels.h"
#include "memory.h"
#include "settings.h"
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <unistd.h>

namespace standin {

namespace {

// Sizes of a kernel's parameters as its PTX has them.
using Sizes = std::vector<size_t>;

// A file of kernels.
struct Module {
    std::map<std::string, Sizes> kernels;
    bool ours = false; // the project's; else candle's
    bool loaded = true;
};

struct Function {
    std::string counted; // its name in the report
    std::string name;
    const Kernel *kernel;       // for one of the project,
    const CandleKernel *candle; // or one of candle
};

// Objects stay until the end, so that a handle that is used too late is noticed.
std::deque<Module> modules;
std::deque<Function> functions;

template <class T> T *live(std::deque<T> &all, void *handle) {
    for (T &one : all)
        if (&one == handle) return &one;
    return nullptr;
}

// The kernels in a text of PTX: `.entry name(.param .u32 a, .param .u64 .ptr .align 1 b)`.
std::map<std::string, Sizes> kernels_of(const std::string &text) {
    std::map<std::string, Sizes> kernels;
    for (size_t at = 0; (at = text.find(".entry ", at)) != std::string::npos;) {
        at += strlen(".entry ");
        size_t open = text.find_first_of("({;", at);
        if (open == std::string::npos) break;
        Sizes &sizes = kernels[text.substr(at, open - at)];
        size_t close = text[open] == '(' ? text.find(')', open) : open;
        while ((at = text.find(".param .", at)) < close) {
            at += strlen(".param .");
            int bits = 0;
            // u32, s64, b8, f32: a letter and the number of bits. A struct begins with `.align`; its size is not compared.
            sizes.push_back(sscanf(text.c_str() + at + 1, "%d", &bits) == 1 ? bits / 8 : 0);
        }
        at = close;
    }
    return kernels;
}

// Checks that a kernel's PTX and its host build have the same parameters: else this library is older than the program.
bool same_parameters(const char *name, const Sizes &ptx, const Sizes &host) {
    bool same = ptx.size() == host.size();
    for (size_t i = 0; same && i < ptx.size(); i++) same = ptx[i] == 0 || ptx[i] == host[i];
    if (!same)
        complain("kernel %s has %zu parameters in PTX and %zu here, or of other sizes: build the stand-in again", name,
                 ptx.size(), host.size());
    return same;
}

// CUDA's limits.
bool fits(const Function &function, Index grid, Index block) {
    unsigned long long threads = (unsigned long long)block.x * block.y * block.z;
    bool fits = grid.x >= 1 && grid.y >= 1 && grid.z >= 1 && threads >= 1;
    fits = fits && grid.x <= 0x7fffffff && grid.y <= 65535 && grid.z <= 65535;
    fits = fits && block.x <= 1024 && block.y <= 1024 && block.z <= 64 && threads <= 1024;
    if (!fits)
        complain("%s: a grid of %u x %u x %u blocks of %u x %u x %u threads", function.name.c_str(), grid.x, grid.y, grid.z,
                 block.x, block.y, block.z);
    return fits;
}

struct Launch {
    const Kernel *kernel;
    void **parameters;
};

void run_one_thread(void *argument) {
    const Launch &launch = *(const Launch *)argument;
    launch.kernel->call(launch.kernel->function, launch.parameters);
}

// The kernel that runs, for the message below.
const char *volatile running = nullptr;

#ifndef __SANITIZE_ADDRESS__
struct sigaction previous_action;

// A kernel that reads outside all memory, or 16 bytes from an address that does not fit, ends the program. This says which.
void crashed(int signal, siginfo_t *info, void *context) {
    if (running) {
        char address[64] = "an address that does not fit 16 bytes, or that cannot exist"; // the processor does not say which
        if (info->si_code != SI_KERNEL) snprintf(address, sizeof address, "address %p", info->si_addr);
        complain("%s crashed in thread %u,%u,%u of block %u,%u,%u at %s", running, threadIdx.x, threadIdx.y, threadIdx.z,
                 blockIdx.x, blockIdx.y, blockIdx.z, address);
        running = nullptr;
    }
    if (previous_action.sa_flags & SA_SIGINFO && previous_action.sa_sigaction) {
        previous_action.sa_sigaction(signal, info, context);
        return;
    }
    sigaction(signal, &previous_action, nullptr); // the instruction crashes again
}

void explain_crashes() {
    static bool done = false;
    if (std::exchange(done, true)) return;
    struct sigaction action = {};
    action.sa_sigaction = crashed;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaction(SIGSEGV, &action, &previous_action);
}
#else
void explain_crashes() {}
#endif

} // namespace

API int cuModuleLoadData(void **module, const void *image) {
    ENTER(INVALID_PTX);
    if (!has_context(__func__)) return INVALID_CONTEXT;
    std::string text = (const char *)image;
    size_t target = text.find("\n.target sm_");
    int needed = 0;
    char suffix = ' ';
    if (target != std::string::npos) sscanf(text.c_str() + target, "\n.target sm_%d%c", &needed, &suffix);
    int capability = settings().major * 10 + settings().minor;
    // With the suffix `a`, PTX is for one kind of GPU and no later one.
    if (needed > capability || (suffix == 'a' && needed != capability)) {
        complain("kernels for compute capability %d.%d on a device of %d.%d", needed / 10, needed % 10, settings().major,
                 settings().minor);
        return NO_BINARY_FOR_GPU;
    }
    Module loaded;
    loaded.kernels = kernels_of(text);
    loaded.ours = !loaded.kernels.empty();
    for (const auto &kernel : loaded.kernels) loaded.ours = loaded.ours && find_kernel(kernel.first);
    modules.push_back(loaded);
    *module = &modules.back();
    return SUCCESS;
}

API int cuModuleUnload(void *handle) {
    ENTER(INVALID_HANDLE);
    Module *module = live(modules, handle);
    if (!module || !module->loaded) {
        complain("cuModuleUnload: no such module");
        return INVALID_HANDLE;
    }
    module->loaded = false;
    return SUCCESS;
}

API int cuModuleGetFunction(void **function, void *handle, const char *name) {
    ENTER(NOT_FOUND);
    count(Counted::Lookup);
    Module *module = live(modules, handle);
    if (!module || !module->loaded) {
        complain("cuModuleGetFunction: no such module");
        return INVALID_HANDLE;
    }
    Function found = {name, name, nullptr, nullptr};
    if (module->ours) {
        auto entry = module->kernels.find(name);
        if (entry == module->kernels.end()) {
            complain("kernel %s is not in its module", name);
            return NOT_FOUND;
        }
        found.kernel = find_kernel(name);
        if (!same_parameters(name, entry->second, found.kernel->sizes)) return INVALID_PTX;
    } else {
        found.candle = find_candle_kernel(name);
        found.counted = "candle:" + found.counted;
        if (!found.candle) {
            complain("kernel %s is none of the project's, and not among candle's in candle_kernels.cpp", name);
            return NOT_FOUND;
        }
    }
    // candle looks a kernel up before each launch.
    for (Function &old : functions) {
        if (old.kernel == found.kernel && old.candle == found.candle) {
            *function = &old;
            return SUCCESS;
        }
    }
    functions.push_back(found);
    *function = &functions.back();
    return SUCCESS;
}

// The bytes of the arrays that a launch gets: from each address among its parameters to the end of its block of memory.
static size_t handled(const Kernel &kernel, void **parameters) {
    size_t bytes = 0;
    for (size_t i = 0; i < kernel.sizes.size(); i++) {
        for (size_t at = 0; at + sizeof(void *) <= kernel.sizes[i]; at += sizeof(void *)) {
            const void *address;
            memcpy(&address, (const char *)parameters[i] + at, sizeof address);
            bytes += memory::room(address);
        }
    }
    return bytes;
}

API int cuLaunchKernel(void *handle, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y,
                       unsigned block_z, unsigned shared_bytes, void *stream, void **parameters, void **extra) {
    ENTER(LAUNCH_FAILED);
    if (!has_context(__func__)) return INVALID_CONTEXT;
    if (!is_stream(__func__, stream)) return INVALID_HANDLE;
    Function *function = live(functions, handle);
    if (!function) {
        complain("cuLaunchKernel: no such kernel");
        return INVALID_HANDLE;
    }
    const char *name = function->name.c_str();
    Index grid = {grid_x, grid_y, grid_z}, block = {block_x, block_y, block_z};
    if (!fits(*function, grid, block)) return INVALID_VALUE;
    if (function->kernel && shared_bytes) {
        complain("%s: %u bytes of dynamic shared memory, which the stand-in does not have", name, shared_bytes);
        return INVALID_VALUE;
    }
    size_t wanted = function->kernel ? function->kernel->sizes.size() : function->candle->parameters;
    size_t given = 0;
    while (parameters && !extra && given < wanted && parameters[given]) given++;
    if (given < wanted) {
        complain("%s: %zu parameters are wanted, and that at %zu is missing", name, wanted, given);
        return INVALID_VALUE;
    }
    count(Counted::Launch, function->counted, function->kernel ? handled(*function->kernel, parameters) : 0);
    if (function->candle) {
        size_t blocks = (size_t)grid_x * grid_y * grid_z;
        return function->candle->run(function->name, parameters, blocks) ? SUCCESS : ILLEGAL_ADDRESS;
    }
    explain_crashes();
    gridDim = grid;
    blockDim = block;
    Launch launch = {function->kernel, parameters};
    running = name;
    bool ran = run_grid(name, run_one_thread, &launch);
    running = nullptr;
    return ran ? SUCCESS : LAUNCH_FAILED;
}

namespace {

std::map<std::string, Kernel> &registered() {
    static auto &all = *new std::map<std::string, Kernel>;
    return all;
}

} // namespace

void register_kernel(const char *name, Kernel kernel) { registered()[name] = kernel; }

const Kernel *find_kernel(const std::string &name) {
    auto found = registered().find(name);
    return found == registered().end() ? nullptr : &found->second;
}

} // namespace standin
