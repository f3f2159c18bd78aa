// cuDNN: the heuristic that offers algorithms, and convolutions.
#include "calls.h"
#include "counts.h"
#include "descriptors.h"
#include "memory.h"
#include "settings.h"
#include <cstring>
#include <set>
#include <string>

namespace standin {

namespace {

// Algorithms by cuDNN's numbers. In each direction 1 is deterministic, and 0 is the fastest, but not always deterministic.
constexpr int FAST = 0, REPEATABLE = 1, REFUSED = 2;

// cudnnDeterminism_t.
constexpr int NOT_DETERMINISTIC = 0, DETERMINISTIC = 1;

// cudnnConvolution{Fwd,BwdData,BwdFilter}AlgoPerf_t.
struct Offer {
    int algorithm, status;
    float time;
    size_t workspace;
    int determinism, math, reserved[3];
};

// Bytes of workspace. Each direction wants others, so that a workspace for the wrong one is noticed.
size_t workspace_of(Direction direction, int algorithm) {
    if (algorithm == FAST) return 0;
    return direction == Direction::Forward ? 4096 : direction == Direction::Data ? 8192 : 2048;
}

// Whether the deterministic algorithm can be used.
bool is_repeatable(const Convolution &all, int math) {
    return !settings().plain_only || (all.images.element == Element::Float && math == FMA_MATH);
}

// Offers an algorithm that does not work, one that is not deterministic, and one to choose.
int offer(const char *call, Direction direction, const void *handle, Descriptors descriptors, int room, int *count,
          Offer *offers) {
    Convolution all;
    int math = 0;
    if (!is_handle(call, handle)) return DNN_BAD_PARAM;
    if (int refused = describe(call, descriptors, &all, &math)) return refused;
    int best_math = all.images.element == Element::Float ? DEFAULT_MATH : TENSOR_OP_MATH;
    int repeatable = is_repeatable(all, math) ? DNN_SUCCESS : DNN_NOT_SUPPORTED;
    const Offer known[] = {
        {REFUSED, DNN_NOT_SUPPORTED, -1.0f, 0, DETERMINISTIC, math, {}},
        {FAST, DNN_SUCCESS, 0.1f, workspace_of(direction, FAST), NOT_DETERMINISTIC, math, {}},
        {REPEATABLE, repeatable, 0.2f, workspace_of(direction, REPEATABLE), DETERMINISTIC, best_math, {}},
    };
    *count = 0;
    for (const Offer &one : known)
        if (*count < room) offers[(*count)++] = one;
    return DNN_SUCCESS;
}

int workspace_size(const char *call, Direction direction, const void *handle, Descriptors descriptors, int algorithm,
                   size_t *bytes) {
    Convolution all;
    int math = 0;
    if (!is_handle(call, handle)) return DNN_BAD_PARAM;
    if (int refused = describe(call, descriptors, &all, &math)) return refused;
    if (algorithm != FAST && algorithm != REPEATABLE) return DNN_NOT_SUPPORTED;
    if (algorithm == REPEATABLE && !is_repeatable(all, math)) return DNN_NOT_SUPPORTED;
    *bytes = workspace_of(direction, algorithm);
    return DNN_SUCCESS;
}

// Marks a handle as used. cuDNN does not let two threads use one at once; this is noticed before the second waits for its turn.
class Use {
  public:
    Use(const char *call, const void *handle) : handle(handle) {
        std::lock_guard<std::mutex> one_at_a_time(mutex);
        alone = in_use.insert(handle).second;
        if (!alone) complain("%s: two threads use handle %p at once", call, handle);
    }

    ~Use() {
        std::lock_guard<std::mutex> one_at_a_time(mutex);
        if (alone) in_use.erase(handle);
    }

    bool alone;

  private:
    const void *handle;
    static std::mutex mutex;
    static std::set<const void *> in_use;
};
std::mutex Use::mutex;
std::set<const void *> Use::in_use;

// The arrays and numbers of a convolution.
struct Operands {
    void *images, *filters, *maps;
    const void *alpha, *beta;
    void *workspace;
    size_t workspace_bytes;
};

int run(const char *call, Direction direction, const void *handle, Descriptors descriptors, int algorithm,
        const Operands &with) {
    Convolution all;
    int math = 0;
    if (!has_context(call)) return DNN_EXECUTION_FAILED;
    if (!is_handle(call, handle)) return DNN_BAD_PARAM;
    if (int refused = describe(call, descriptors, &all, &math)) return refused;
    count(Counted::Convolution, direction == Direction::Forward ? "forward" : direction == Direction::Data ? "data" : "filter",
          all.images.bytes() + all.filters.bytes() + all.maps.bytes());
    if (algorithm != FAST && algorithm != REPEATABLE) {
        complain("%s: algorithm %d was not offered", call, algorithm);
        return DNN_NOT_SUPPORTED;
    }
    if (*(const float *)with.alpha != 1.0f || *(const float *)with.beta != 0.0f) {
        complain("%s: the stand-in knows only alpha 1 and beta 0", call);
        return DNN_NOT_SUPPORTED;
    }
    size_t wanted = workspace_of(direction, algorithm);
    if (with.workspace_bytes < wanted) {
        complain("%s: a workspace of %zu bytes, and %zu are wanted", call, with.workspace_bytes, wanted);
        return DNN_BAD_PARAM;
    }
    std::string who = call;
    bool there = memory::inside((who + ", images").c_str(), with.images, all.images.bytes());
    there = memory::inside((who + ", filters").c_str(), with.filters, all.filters.bytes()) && there;
    there = memory::inside((who + ", maps").c_str(), with.maps, all.maps.bytes()) && there;
    there = memory::inside((who + ", workspace").c_str(), with.workspace, with.workspace_bytes) && there;
    if (!there) return DNN_EXECUTION_FAILED;
    // Spoiled, because nobody may keep anything in it.
    if (with.workspace_bytes) memset(with.workspace, 0xff, with.workspace_bytes);
    convolve(direction, all, with.images, with.filters, with.maps);
    return DNN_SUCCESS;
}

} // namespace

API int cudnnGetConvolutionForwardAlgorithm_v7(void *handle, void *images, void *filters, void *arithmetic, void *maps,
                                               int room, int *count, Offer *offers) {
    ENTER(DNN_INTERNAL_ERROR);
    return offer(__func__, Direction::Forward, handle, {images, filters, arithmetic, maps}, room, count, offers);
}

API int cudnnGetConvolutionBackwardDataAlgorithm_v7(void *handle, void *filters, void *maps, void *arithmetic, void *images,
                                                    int room, int *count, Offer *offers) {
    ENTER(DNN_INTERNAL_ERROR);
    return offer(__func__, Direction::Data, handle, {images, filters, arithmetic, maps}, room, count, offers);
}

API int cudnnGetConvolutionBackwardFilterAlgorithm_v7(void *handle, void *images, void *maps, void *arithmetic, void *filters,
                                                      int room, int *count, Offer *offers) {
    ENTER(DNN_INTERNAL_ERROR);
    return offer(__func__, Direction::Filter, handle, {images, filters, arithmetic, maps}, room, count, offers);
}

API int cudnnGetConvolutionForwardWorkspaceSize(void *handle, void *images, void *filters, void *arithmetic, void *maps,
                                                int algorithm, size_t *bytes) {
    ENTER(DNN_INTERNAL_ERROR);
    return workspace_size(__func__, Direction::Forward, handle, {images, filters, arithmetic, maps}, algorithm, bytes);
}

API int cudnnGetConvolutionBackwardDataWorkspaceSize(void *handle, void *filters, void *maps, void *arithmetic, void *images,
                                                     int algorithm, size_t *bytes) {
    ENTER(DNN_INTERNAL_ERROR);
    return workspace_size(__func__, Direction::Data, handle, {images, filters, arithmetic, maps}, algorithm, bytes);
}

API int cudnnGetConvolutionBackwardFilterWorkspaceSize(void *handle, void *images, void *maps, void *arithmetic,
                                                       void *filters, int algorithm, size_t *bytes) {
    ENTER(DNN_INTERNAL_ERROR);
    return workspace_size(__func__, Direction::Filter, handle, {images, filters, arithmetic, maps}, algorithm, bytes);
}

API int cudnnConvolutionForward(void *handle, const void *alpha, void *of_images, void *images, void *of_filters,
                                void *filters, void *arithmetic, int algorithm, void *workspace, size_t bytes,
                                const void *beta, void *of_maps, void *maps) {
    Use use(__func__, handle);
    ENTER(DNN_EXECUTION_FAILED);
    if (!use.alone) return DNN_BAD_PARAM;
    return run(__func__, Direction::Forward, handle, {of_images, of_filters, arithmetic, of_maps}, algorithm,
               {images, filters, maps, alpha, beta, workspace, bytes});
}

API int cudnnConvolutionBackwardData(void *handle, const void *alpha, void *of_filters, void *filters, void *of_maps,
                                     void *maps, void *arithmetic, int algorithm, void *workspace, size_t bytes,
                                     const void *beta, void *of_images, void *images) {
    Use use(__func__, handle);
    ENTER(DNN_EXECUTION_FAILED);
    if (!use.alone) return DNN_BAD_PARAM;
    return run(__func__, Direction::Data, handle, {of_images, of_filters, arithmetic, of_maps}, algorithm,
               {images, filters, maps, alpha, beta, workspace, bytes});
}

API int cudnnConvolutionBackwardFilter(void *handle, const void *alpha, void *of_images, void *images, void *of_maps,
                                       void *maps, void *arithmetic, int algorithm, void *workspace, size_t bytes,
                                       const void *beta, void *of_filters, void *filters) {
    Use use(__func__, handle);
    ENTER(DNN_EXECUTION_FAILED);
    if (!use.alone) return DNN_BAD_PARAM;
    return run(__func__, Direction::Filter, handle, {of_images, of_filters, arithmetic, of_maps}, algorithm,
               {images, filters, maps, alpha, beta, workspace, bytes});
}

} // namespace standin
