// What the functions that stand for CUDA's have in common: their error codes, how they begin, and how they complain.
#pragma once
#include <mutex>

// A function that the library exports. All others are hidden.
#define API extern "C" __attribute__((visibility("default")))

// The first line of an exported function that returns a status. One call runs at a time, because the threads of a block and the
// table of memory are shared. If STANDIN_FAIL asks for it, this call returns `code` and does nothing.
#define ENTER(code)                                                                                                            \
    std::lock_guard<std::recursive_mutex> one_at_a_time(standin::turn());                                                      \
    if (standin::must_fail(__func__)) return code

namespace standin {

// CUresult.
enum : int {
    SUCCESS = 0,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    NOT_INITIALIZED = 3,
    NO_DEVICE = 100,
    INVALID_DEVICE = 101,
    INVALID_CONTEXT = 201,
    NO_BINARY_FOR_GPU = 209,
    INVALID_PTX = 218,
    INVALID_HANDLE = 400,
    NOT_FOUND = 500,
    ILLEGAL_ADDRESS = 700,
    LAUNCH_FAILED = 719,
    NOT_SUPPORTED = 801,
    UNKNOWN = 999,
};

// cudnnStatus_t of cuDNN 9.
enum : int {
    DNN_SUCCESS = 0,
    DNN_NOT_INITIALIZED = 1001,
    DNN_BAD_PARAM = 2000,
    DNN_NOT_SUPPORTED = 3000,
    DNN_INTERNAL_ERROR = 4000,
    DNN_EXECUTION_FAILED = 5000,
};

std::recursive_mutex &turn();

// Counts a call of `name`, and says whether it is the one that STANDIN_FAIL names.
bool must_fail(const char *name);

// Prints one line to standard error, beginning with `stand-in:`.
__attribute__((format(printf, 1, 2))) void complain(const char *format, ...);

// True if the calling thread has a current context; complains otherwise. Without one, CUDA refuses most calls.
bool has_context(const char *call);

// True if `stream` is the default stream or was created and not destroyed; complains otherwise.
bool is_stream(const char *call, const void *stream);

} // namespace standin
