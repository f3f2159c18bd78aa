// The part of libcuda that concerns devices, contexts, streams and memory. All work is done at once, on the thread that asks.
#include "calls.h"
#include "counts.h"
#include "memory.h"
#include "settings.h"
#include <cstdio>
#include <cstring>
#include <map>
#include <set>

namespace standin {

namespace {

bool started = false;

// Handles that only have to differ from each other and from null.
void *const CONTEXT = (void *)0x1000;
void *const POOL = (void *)0x2000;
constexpr uintptr_t FIRST_STREAM = 0x5000;

thread_local void *current_context = nullptr;

std::set<const void *> streams;

const std::map<int, int> &attributes() {
    static const std::map<int, int> all = {
        {1, 1024},                // threads of a block
        {2, 1024},                // the same in x,
        {3, 1024},                // y
        {4, 64},                  // and z
        {5, 0x7fffffff},          // blocks of a grid in x,
        {6, 65535},               // y
        {7, 65535},               // and z
        {8, 48 << 10},            // bytes of shared memory of a block
        {10, 32},                 // threads of a warp
        {16, 132},                // multiprocessors, as an H100 has
        {75, settings().major},   // compute capability
        {76, settings().minor},
        {115, 1},                 // memory pools
    };
    return all;
}

bool is_device(const char *call, int device) {
    if (device >= 0 && device < settings().devices) return true;
    complain("%s: there is no device %d", call, device);
    return false;
}

// The checks that begin all asynchronous work on memory.
int check(const char *call, const void *stream) {
    if (!has_context(call)) return INVALID_CONTEXT;
    return is_stream(call, stream) ? SUCCESS : INVALID_HANDLE;
}

} // namespace

bool has_context(const char *call) {
    if (current_context) return true;
    complain("%s: this thread has no current context", call);
    return false;
}

bool is_stream(const char *call, const void *stream) {
    if (!stream || streams.count(stream)) return true;
    complain("%s: stream %p does not exist", call, stream);
    return false;
}

API int cuInit(unsigned) {
    ENTER(UNKNOWN);
    if (settings().devices == 0) return NO_DEVICE;
    started = true;
    return SUCCESS;
}

API int cuDriverGetVersion(int *version) {
    ENTER(UNKNOWN);
    *version = 13000;
    return SUCCESS;
}

API int cuDeviceGetCount(int *count) {
    ENTER(UNKNOWN);
    if (!started) return NOT_INITIALIZED;
    *count = settings().devices;
    return SUCCESS;
}

API int cuDeviceGet(int *device, int number) {
    ENTER(UNKNOWN);
    if (!started) return NOT_INITIALIZED;
    if (!is_device(__func__, number)) return INVALID_DEVICE;
    *device = number;
    return SUCCESS;
}

API int cuDeviceGetName(char *name, int room, int device) {
    ENTER(UNKNOWN);
    if (!is_device(__func__, device)) return INVALID_DEVICE;
    snprintf(name, room, "stand-in");
    return SUCCESS;
}

API int cuDeviceTotalMem_v2(size_t *bytes, int device) {
    ENTER(UNKNOWN);
    if (!is_device(__func__, device)) return INVALID_DEVICE;
    *bytes = settings().memory;
    return SUCCESS;
}

API int cuDeviceGetAttribute(int *value, int attribute, int device) {
    ENTER(UNKNOWN);
    if (!is_device(__func__, device)) return INVALID_DEVICE;
    auto found = attributes().find(attribute);
    if (found == attributes().end()) {
        complain("cuDeviceGetAttribute: attribute %d is not in driver.cpp", attribute);
        return INVALID_VALUE;
    }
    *value = found->second;
    return SUCCESS;
}

API int cuDevicePrimaryCtxRetain(void **context, int device) {
    ENTER(OUT_OF_MEMORY);
    if (!started) return NOT_INITIALIZED;
    if (!is_device(__func__, device)) return INVALID_DEVICE;
    *context = CONTEXT;
    return SUCCESS;
}

API int cuDevicePrimaryCtxRelease_v2(int) {
    ENTER(UNKNOWN);
    return SUCCESS;
}

API int cuCtxGetCurrent(void **context) {
    ENTER(UNKNOWN);
    *context = current_context;
    return SUCCESS;
}

API int cuCtxSetCurrent(void *context) {
    ENTER(INVALID_CONTEXT);
    current_context = context;
    return SUCCESS;
}

API int cuCtxSynchronize() {
    ENTER(LAUNCH_FAILED);
    if (!has_context(__func__)) return INVALID_CONTEXT;
    count(Counted::Synchronisation);
    return SUCCESS;
}

API int cuStreamCreate(void **stream, unsigned) {
    ENTER(OUT_OF_MEMORY);
    if (!has_context(__func__)) return INVALID_CONTEXT;
    static uintptr_t next = FIRST_STREAM;
    *stream = (void *)next++;
    streams.insert(*stream);
    return SUCCESS;
}

API int cuStreamDestroy_v2(void *stream) {
    ENTER(UNKNOWN);
    if (!is_stream(__func__, stream)) return INVALID_HANDLE;
    streams.erase(stream);
    return SUCCESS;
}

API int cuStreamSynchronize(void *stream) {
    ENTER(LAUNCH_FAILED);
    if (int refused = check(__func__, stream)) return refused;
    count(Counted::Synchronisation);
    return SUCCESS;
}

API int cuStreamIsCapturing(void *stream, int *status) {
    ENTER(UNKNOWN);
    if (int refused = check(__func__, stream)) return refused;
    *status = 0;
    return SUCCESS;
}

API int cuMemGetInfo_v2(size_t *free, size_t *all) {
    ENTER(UNKNOWN);
    if (!has_context(__func__)) return INVALID_CONTEXT;
    *all = settings().memory;
    *free = settings().memory - memory::used();
    return SUCCESS;
}

API int cuDeviceGetDefaultMemPool(void **pool, int device) {
    ENTER(UNKNOWN);
    if (!is_device(__func__, device)) return INVALID_DEVICE;
    *pool = POOL;
    return SUCCESS;
}

API int cuMemPoolSetAttribute(void *pool, int, void *) {
    ENTER(UNKNOWN);
    return pool == POOL ? SUCCESS : INVALID_VALUE;
}

API int cuMemAllocAsync(uint64_t *address, size_t bytes, void *stream) {
    ENTER(OUT_OF_MEMORY);
    if (int refused = check(__func__, stream)) return refused;
    if (bytes == 0) {
        complain("cuMemAllocAsync: no bytes are wanted, which CUDA refuses");
        return INVALID_VALUE;
    }
    *address = memory::allocate(bytes);
    if (!*address) return OUT_OF_MEMORY;
    count(Counted::Allocation, "", bytes);
    return SUCCESS;
}

API int cuMemFreeAsync(uint64_t address, void *stream) {
    ENTER(UNKNOWN);
    if (int refused = check(__func__, stream)) return refused;
    count(Counted::Free);
    return memory::release(address) ? SUCCESS : ILLEGAL_ADDRESS;
}

API int cuMemsetD8Async(uint64_t to, unsigned char value, size_t bytes, void *stream) {
    ENTER(UNKNOWN);
    if (int refused = check(__func__, stream)) return refused;
    count(Counted::Memset, "", bytes);
    if (!memory::inside(__func__, (void *)to, bytes)) return ILLEGAL_ADDRESS;
    memset((void *)to, value, bytes);
    return SUCCESS;
}

API int cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t bytes, void *stream) {
    ENTER(UNKNOWN);
    if (int refused = check(__func__, stream)) return refused;
    count(Counted::Copy, "host-to-device", bytes);
    if (!memory::inside(__func__, (void *)to, bytes)) return ILLEGAL_ADDRESS;
    memcpy((void *)to, from, bytes);
    return SUCCESS;
}

API int cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t bytes, void *stream) {
    ENTER(UNKNOWN);
    if (int refused = check(__func__, stream)) return refused;
    count(Counted::Copy, "device-to-host", bytes);
    if (!memory::inside(__func__, (void *)from, bytes)) return ILLEGAL_ADDRESS;
    memcpy(to, (void *)from, bytes);
    return SUCCESS;
}

API int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t bytes, void *stream) {
    ENTER(UNKNOWN);
    if (int refused = check(__func__, stream)) return refused;
    count(Counted::Copy, "device-to-device", bytes);
    if (!memory::inside(__func__, (void *)to, bytes) || !memory::inside(__func__, (void *)from, bytes)) return ILLEGAL_ADDRESS;
    memmove((void *)to, (void *)from, bytes);
    return SUCCESS;
}

} // namespace standin
