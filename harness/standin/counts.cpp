#include "counts.h"
#include "calls.h"
#include "memory.h"
#include "settings.h"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <unistd.h>

namespace standin {

namespace {

struct Total {
    uint64_t calls = 0, bytes = 0;
};

struct Counts {
    std::map<Counted, std::map<std::string, Total>> totals;
    uint64_t barriers = 0;
};

// Never destroyed, because `Report` reads it while the program ends.
Counts &counts() {
    static Counts &all = *new Counts;
    return all;
}

constexpr struct {
    Counted kind;
    const char *word;
    bool has_bytes;
} KINDS[] = {
    {Counted::Launch, "launch", true},
    {Counted::Convolution, "convolution", true},
    {Counted::Copy, "copy", true},
    {Counted::Memset, "memset", true},
    {Counted::Allocation, "allocation", true},
    {Counted::Free, "free", false},
    {Counted::Lookup, "lookup", false},
    {Counted::Synchronisation, "synchronisation", false},
};

// Lines of words and numbers: the kind, `all` or a name, the number of calls, and perhaps bytes.
std::string report() {
    std::string text = "process " + std::to_string(getpid()) + "\n";
    for (const auto &[kind, word, has_bytes] : KINDS) {
        Total all;
        std::string named;
        auto line = [&, word = word, has_bytes = has_bytes](const std::string &name, const Total &total) {
            std::string bytes = has_bytes ? " " + std::to_string(total.bytes) : "";
            return word + (" " + name) + " " + std::to_string(total.calls) + bytes + "\n";
        };
        for (const auto &[name, total] : counts().totals[kind]) {
            all.calls += total.calls;
            all.bytes += total.bytes;
            if (!name.empty()) named += line(name, total);
        }
        text += line("all", all) + named;
    }
    text += "barrier all " + std::to_string(counts().barriers) + "\n";
    return text + "memory most " + std::to_string(memory::most()) + "\n";
}

// Writes the report when the program ends. A program that asked nothing of the device leaves no report.
struct Report {
    ~Report() {
        std::lock_guard<std::recursive_mutex> one_at_a_time(turn());
        const std::string &path = settings().report;
        if (path.empty() || counts().totals.empty()) return;
        int file = open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
        std::string text = report();
        // One write, so that the reports of several processes do not mix.
        bool written = file >= 0 && write(file, text.data(), text.size()) == (ssize_t)text.size();
        if (!written) complain("STANDIN_REPORT=%s: %s", path.c_str(), strerror(errno));
        if (file >= 0) close(file);
    }
} report_at_end;

} // namespace

void count(Counted kind, const std::string &name, size_t bytes) {
    Total &total = counts().totals[kind][name];
    total.calls++;
    total.bytes += bytes;
}

void count_barriers(uint64_t barriers) { counts().barriers += barriers; }

} // namespace standin
