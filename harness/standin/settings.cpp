#include "settings.h"
#include "calls.h"
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

namespace standin {

namespace {

std::string variable(const char *name) {
    const char *value = getenv(name);
    return value ? value : "";
}

[[noreturn]] void refuse(const char *name, const std::string &value, const char *expected) {
    complain("%s=%s: expected %s", name, value.c_str(), expected);
    _Exit(2);
}

// The number in a variable, or `otherwise` if it is not set.
uint64_t number(const char *name, uint64_t otherwise, uint64_t most) {
    std::string value = variable(name);
    if (value.empty()) return otherwise;
    char *end = nullptr;
    errno = 0;
    unsigned long long read = strtoull(value.c_str(), &end, 10);
    if (errno || *end || value[0] < '0' || value[0] > '9' || read > most) refuse(name, value, "a number");
    return read;
}

Settings read() {
    Settings settings;
    settings.report = variable("STANDIN_REPORT");

    std::string order = variable("STANDIN_ORDER");
    if (order == "descending") settings.order = Order::Descending;
    else if (order == "shuffled") settings.order = Order::Shuffled;
    else if (!order.empty() && order != "ascending") refuse("STANDIN_ORDER", order, "ascending, descending or shuffled");

    std::string failing = variable("STANDIN_FAIL");
    if (!failing.empty()) {
        size_t colon = failing.find(':');
        char *end = nullptr;
        if (colon != std::string::npos) {
            settings.failing_call = failing.substr(0, colon);
            settings.failing_number = strtoull(failing.c_str() + colon + 1, &end, 10);
        }
        if (settings.failing_call.empty() || settings.failing_number == 0 || *end)
            refuse("STANDIN_FAIL", failing, "CALL:N, such as cuLaunchKernel:100 or any:7");
    }

    settings.memory = number("STANDIN_MEMORY", settings.memory, SIZE_MAX);
    settings.devices = (int)number("STANDIN_DEVICES", 1, 16);
    settings.misalignment = number("STANDIN_MISALIGN", 0, 255);
    if (settings.misalignment == 1) settings.misalignment = 4;
    settings.plain_only = number("STANDIN_PLAIN_ONLY", 0, 1) == 1;

    std::string capability = variable("STANDIN_CAPABILITY");
    if (!capability.empty()) {
        int used = 0;
        int found = sscanf(capability.c_str(), "%d.%d%n", &settings.major, &settings.minor, &used);
        if (found != 2 || (size_t)used != capability.size()) refuse("STANDIN_CAPABILITY", capability, "a number such as 7.5");
    }
    return settings;
}

} // namespace

const Settings &settings() {
    // Never destroyed, because the report is written while the program ends.
    static const Settings &read_once = *new Settings(read());
    return read_once;
}

std::recursive_mutex &turn() {
    // Never destroyed: other threads may still call while the program ends.
    static std::recursive_mutex &mutex = *new std::recursive_mutex;
    return mutex;
}

bool must_fail(const char *name) {
    static uint64_t calls = 0;
    const Settings &asked = settings();
    if (asked.failing_call.empty()) return false;
    if (asked.failing_call != "any" && asked.failing_call != name) return false;
    if (++calls != asked.failing_number) return false;
    complain("%s fails, because STANDIN_FAIL=%s:%llu asks for it", name, asked.failing_call.c_str(),
             (unsigned long long)asked.failing_number);
    return true;
}

void complain(const char *format, ...) {
    char line[1024] = "stand-in: ";
    size_t start = strlen(line);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line + start, sizeof line - start - 1, format, arguments);
    va_end(arguments);
    strcat(line, "\n");
    // One write, so that lines of several threads and processes do not mix.
    ssize_t written = write(STDERR_FILENO, line, strlen(line));
    (void)written;
}

} // namespace standin
