// Misuses the stand-in, and checks that it answers with an error. check.sh builds and runs it, and looks at the complaints.
#include "../calls.h"
#include <cstdint>
#include <cstdio>
#include <initializer_list>

extern "C" {
int cuInit(unsigned);
int cuDeviceGet(int *, int);
int cuDevicePrimaryCtxRetain(void **, int);
int cuCtxSetCurrent(void *);
int cuMemAllocAsync(uint64_t *, size_t, void *);
int cuMemFreeAsync(uint64_t, void *);
int cuMemsetD8Async(uint64_t, unsigned char, size_t, void *);
int cuMemcpyDtoHAsync_v2(void *, uint64_t, size_t, void *);
int cuMemcpyHtoDAsync_v2(uint64_t, const void *, size_t, void *);
int cuModuleLoadData(void **, const void *);
int cuModuleGetFunction(void **, void *, const char *);
int cuLaunchKernel(void *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void *, void **, void **);
int cuStreamSynchronize(void *);
int cuStreamWaitEvent();
int cudnnCreate(void **);
int cudnnCreateTensorDescriptor(void **);
int cudnnCreateFilterDescriptor(void **);
int cudnnCreateConvolutionDescriptor(void **);
int cudnnSetTensor4dDescriptor(void *, int, int, int, int, int, int);
int cudnnSetFilter4dDescriptor(void *, int, int, int, int, int, int);
int cudnnSetConvolution2dDescriptor(void *, int, int, int, int, int, int, int, int);
int cudnnConvolutionForward(void *, const void *, void *, void *, void *, void *, void *, int, void *, size_t, const void *,
                            void *, void *);
}

using namespace standin;

static int wrong = 0;

static void expect(const char *what, int expected, int code) {
    if (code == expected) return;
    printf("%s: expected %d, got %d\n", what, expected, code);
    wrong++;
}

static void *function_of(const char *ptx, const char *name) {
    void *module = nullptr, *function = nullptr;
    expect("load", SUCCESS, cuModuleLoadData(&module, ptx));
    expect("look up", SUCCESS, cuModuleGetFunction(&function, module, name));
    return function;
}

static void check_memory() {
    uint64_t block = 0, other = 0;
    char bytes[64];
    expect("allocate", SUCCESS, cuMemAllocAsync(&block, 64, nullptr));
    expect("allocate nothing", INVALID_VALUE, cuMemAllocAsync(&other, 0, nullptr));
    expect("copy", SUCCESS, cuMemcpyDtoHAsync_v2(bytes, block, 64, nullptr));
    for (char byte : bytes) expect("memory starts as NaN", -1, byte);
    expect("read past the end", ILLEGAL_ADDRESS, cuMemcpyDtoHAsync_v2(bytes, block + 1, 64, nullptr));
    expect("write before the start", ILLEGAL_ADDRESS, cuMemcpyHtoDAsync_v2(block - 1, bytes, 8, nullptr));
    expect("set past the end", ILLEGAL_ADDRESS, cuMemsetD8Async(block, 0, 65, nullptr));
    expect("a stream that does not exist", INVALID_HANDLE, cuStreamSynchronize(bytes));
    expect("free within a block", ILLEGAL_ADDRESS, cuMemFreeAsync(block + 8, nullptr));
    expect("free", SUCCESS, cuMemFreeAsync(block, nullptr));
    expect("free twice", ILLEGAL_ADDRESS, cuMemFreeAsync(block, nullptr));
    expect("too much memory", OUT_OF_MEMORY, cuMemAllocAsync(&block, size_t(9) << 30, nullptr));
}

static void check_launches() {
    void *module = nullptr, *function = nullptr;
    expect("load", SUCCESS, cuModuleLoadData(&module, "// candle's"));
    expect("an unknown kernel", NOT_FOUND, cuModuleGetFunction(&function, module, "unheard_of"));
    const char *ptx = ".visible .entry clip(.param .u32 a, .param .u64 b)\n{}";
    expect("load", SUCCESS, cuModuleLoadData(&module, ptx));
    expect("too few parameters", INVALID_PTX, cuModuleGetFunction(&function, module, "clip"));
    const char *later = ".version 9.0\n.target sm_120\n.visible .entry clip()";
    expect("kernels for a later GPU", NO_BINARY_FOR_GPU, cuModuleLoadData(&module, later));

    function = function_of("// candle's", "fast_sum_f32");
    for (unsigned z : {0u, 65u}) {
        expect("a block of wrong depth", INVALID_VALUE, cuLaunchKernel(function, 1, 1, 1, 1, 1, z, 0, nullptr, nullptr, nullptr));
    }
    expect("a block too large", INVALID_VALUE, cuLaunchKernel(function, 1, 1, 1, 32, 33, 1, 0, nullptr, nullptr, nullptr));
    expect("a grid too high", INVALID_VALUE, cuLaunchKernel(function, 1, 65536, 1, 1, 1, 1, 0, nullptr, nullptr, nullptr));
    expect("no blocks", INVALID_VALUE, cuLaunchKernel(function, 0, 1, 1, 1, 1, 1, 0, nullptr, nullptr, nullptr));
    expect("no parameters", INVALID_VALUE, cuLaunchKernel(function, 1, 1, 1, 32, 1, 1, 0, nullptr, nullptr, nullptr));
    expect("no kernel", INVALID_HANDLE, cuLaunchKernel(&wrong, 1, 1, 1, 32, 1, 1, 0, nullptr, nullptr, nullptr));

    // A sum of 4 of the 2 elements that there are.
    uint64_t block = 0, info = 0;
    expect("allocate", SUCCESS, cuMemAllocAsync(&block, 8, nullptr));
    expect("allocate", SUCCESS, cuMemAllocAsync(&info, 16, nullptr));
    size_t source = 4, length = 4, dimensions = 1, layout[2] = {4, 1};
    expect("copy", SUCCESS, cuMemcpyHtoDAsync_v2(info, layout, sizeof layout, nullptr));
    void *parameters[] = {&source, &length, &dimensions, &info, &block, &block};
    expect("a kernel that reads too far", ILLEGAL_ADDRESS,
           cuLaunchKernel(function, 1, 1, 1, 32, 1, 1, 0, nullptr, parameters, nullptr));
}

static void check_convolutions() {
    void *handle = nullptr, *images = nullptr, *filters = nullptr, *maps = nullptr, *arithmetic = nullptr;
    expect("create", DNN_SUCCESS, cudnnCreate(&handle));
    expect("create", DNN_SUCCESS, cudnnCreateTensorDescriptor(&images));
    expect("create", DNN_SUCCESS, cudnnCreateTensorDescriptor(&maps));
    expect("create", DNN_SUCCESS, cudnnCreateFilterDescriptor(&filters));
    expect("create", DNN_SUCCESS, cudnnCreateConvolutionDescriptor(&arithmetic));
    expect("no rows", DNN_BAD_PARAM, cudnnSetTensor4dDescriptor(images, 0, 0, 1, 1, 0, 4));
    expect("another kind", DNN_BAD_PARAM, cudnnSetTensor4dDescriptor(filters, 0, 0, 1, 1, 4, 4));
    expect("dilation", DNN_NOT_SUPPORTED, cudnnSetConvolution2dDescriptor(arithmetic, 0, 0, 1, 1, 2, 2, 1, 0));
    expect("set", DNN_SUCCESS, cudnnSetTensor4dDescriptor(images, 0, 0, 1, 1, 4, 4));
    expect("set", DNN_SUCCESS, cudnnSetFilter4dDescriptor(filters, 0, 0, 1, 1, 3, 3));
    expect("set", DNN_SUCCESS, cudnnSetConvolution2dDescriptor(arithmetic, 0, 0, 1, 1, 1, 1, 1, 0));
    expect("set", DNN_SUCCESS, cudnnSetTensor4dDescriptor(maps, 0, 0, 1, 1, 3, 3));
    uint64_t block = 0;
    float one = 1.0f, zero = 0.0f;
    expect("allocate", SUCCESS, cuMemAllocAsync(&block, 8192, nullptr));
    void *at = (void *)block, *end = (void *)(block + 8188);
    auto forward = [&](void *from, int algorithm, size_t workspace) {
        return cudnnConvolutionForward(handle, &one, images, from, filters, at, arithmetic, algorithm, at, workspace, &zero, maps,
                                       at);
    };
    expect("maps too large", DNN_BAD_PARAM, forward(at, 1, 4096));
    expect("set", DNN_SUCCESS, cudnnSetTensor4dDescriptor(maps, 0, 0, 1, 1, 2, 2));
    expect("an algorithm that was not offered", DNN_NOT_SUPPORTED, forward(at, 2, 4096));
    expect("a workspace too small", DNN_BAD_PARAM, forward(at, 1, 100));
    expect("images past the end", DNN_EXECUTION_FAILED, forward(end, 1, 4096));
    expect("a convolution", DNN_SUCCESS, forward(at, 1, 4096));
}

int main() {
    int device = 0;
    void *context = nullptr;
    uint64_t block = 0;
    expect("too early", NOT_INITIALIZED, cuDeviceGet(&device, 0));
    expect("start", SUCCESS, cuInit(0));
    expect("no such device", INVALID_DEVICE, cuDeviceGet(&device, 1));
    expect("context", SUCCESS, cuDevicePrimaryCtxRetain(&context, 0));
    expect("without context", INVALID_CONTEXT, cuMemAllocAsync(&block, 8, nullptr));
    expect("context", SUCCESS, cuCtxSetCurrent(context));
    check_memory();
    check_launches();
    check_convolutions();
    expect("a call that is absent", NOT_SUPPORTED, cuStreamWaitEvent());
    if (wrong == 0) puts("all answers were right");
    return wrong != 0;
}
