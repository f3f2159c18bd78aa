// Events. All work is done when it is asked for, so an event is a time.
#include "calls.h"
#include <chrono>
#include <cstdint>
#include <map>

namespace standin {

namespace {

using Clock = std::chrono::steady_clock;

// The events, and when each was recorded. Never destroyed, like the rest that other threads may still use.
std::map<const void *, Clock::time_point> &events() {
    static auto &all = *new std::map<const void *, Clock::time_point>;
    return all;
}

bool is_event(const char *call, const void *event) {
    if (events().count(event)) return true;
    complain("%s: no such event", call);
    return false;
}

int elapsed(const char *call, float *milliseconds, const void *start, const void *end) {
    if (!is_event(call, start) || !is_event(call, end)) return INVALID_HANDLE;
    *milliseconds = std::chrono::duration<float, std::milli>(events()[end] - events()[start]).count();
    return SUCCESS;
}

} // namespace

API int cuEventCreate(void **event, unsigned) {
    ENTER(OUT_OF_MEMORY);
    if (!has_context(__func__)) return INVALID_CONTEXT;
    static uintptr_t created = 0x8000;
    *event = (void *)++created;
    events()[*event] = {};
    return SUCCESS;
}

API int cuEventDestroy_v2(void *event) {
    ENTER(UNKNOWN);
    if (!is_event(__func__, event)) return INVALID_HANDLE;
    events().erase(event);
    return SUCCESS;
}

API int cuEventRecord(void *event, void *stream) {
    ENTER(LAUNCH_FAILED);
    if (!is_event(__func__, event) || !is_stream(__func__, stream)) return INVALID_HANDLE;
    events()[event] = Clock::now();
    return SUCCESS;
}

API int cuEventSynchronize(void *event) {
    ENTER(LAUNCH_FAILED);
    return is_event(__func__, event) ? SUCCESS : INVALID_HANDLE;
}

API int cuEventQuery(void *event) {
    ENTER(LAUNCH_FAILED);
    return is_event(__func__, event) ? SUCCESS : INVALID_HANDLE;
}

API int cuEventElapsedTime(float *milliseconds, void *start, void *end) {
    ENTER(LAUNCH_FAILED);
    return elapsed(__func__, milliseconds, start, end);
}

API int cuEventElapsedTime_v2(float *milliseconds, void *start, void *end) {
    ENTER(LAUNCH_FAILED);
    return elapsed(__func__, milliseconds, start, end);
}

} // namespace standin
