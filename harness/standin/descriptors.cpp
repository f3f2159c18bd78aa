// cuDNN: handles and descriptors.
#include "descriptors.h"
#include "calls.h"
#include "settings.h"
#include <map>
#include <set>

namespace standin {

namespace {

// Numbers of cuDNN's enums.
constexpr int NCHW = 0, NHWC = 1;
constexpr int CROSS_CORRELATION = 1;

enum class Kind { Images, Filters, Arithmetic };

// A descriptor. Which fields count depends on its kind.
struct Descriptor {
    Kind kind;
    bool set = false;
    Shape shape = {};
    Arithmetic arithmetic = {};
    int math = DEFAULT_MATH;
};

std::set<const void *> handles;
std::map<const void *, Descriptor> descriptors;

int create(Kind kind, void **descriptor) {
    *descriptor = new char; // only its address counts
    descriptors[*descriptor] = Descriptor{kind};
    return DNN_SUCCESS;
}

Descriptor *find(const char *call, Kind kind, const void *descriptor) {
    auto found = descriptors.find(descriptor);
    if (found != descriptors.end() && found->second.kind == kind) return &found->second;
    complain("%s: descriptor %p does not exist, or is of another kind", call, descriptor);
    return nullptr;
}

int destroy(const char *call, Kind kind, void *descriptor) {
    if (!find(call, kind, descriptor)) return DNN_BAD_PARAM;
    descriptors.erase(descriptor);
    delete (char *)descriptor;
    return DNN_SUCCESS;
}

int set_shape(const char *call, Kind kind, void *descriptor, int format, int type, Shape shape) {
    Descriptor *of = find(call, kind, descriptor);
    if (!of) return DNN_BAD_PARAM;
    if (shape.count < 1 || shape.channels < 1 || shape.height < 1 || shape.width < 1) {
        complain("%s: a side below 1: %d x %d x %d x %d", call, shape.count, shape.channels, shape.height, shape.width);
        return DNN_BAD_PARAM;
    }
    if ((format != NCHW && format != NHWC) || (type != (int)Element::Float && type != (int)Element::Bfloat16)) {
        complain("%s: format %d and type %d are not among those of the stand-in", call, format, type);
        return DNN_NOT_SUPPORTED;
    }
    shape.channels_last = format == NHWC;
    shape.element = Element(type);
    of->shape = shape;
    of->set = true;
    return DNN_SUCCESS;
}

} // namespace

bool is_handle(const char *call, const void *handle) {
    if (handles.count(handle)) return true;
    complain("%s: handle %p does not exist", call, handle);
    return false;
}

int describe(const char *call, Descriptors which, Convolution *convolution, int *math) {
    Descriptor *of_images = find(call, Kind::Images, which.images), *of_filters = find(call, Kind::Filters, which.filters);
    Descriptor *of_arithmetic = find(call, Kind::Arithmetic, which.arithmetic);
    Descriptor *of_maps = find(call, Kind::Images, which.maps);
    if (!of_images || !of_filters || !of_arithmetic || !of_maps) return DNN_BAD_PARAM;
    const Shape &x = of_images->shape, &w = of_filters->shape, &y = of_maps->shape;
    const Arithmetic &how = of_arithmetic->arithmetic;
    const char *wrong = nullptr;
    if (!of_images->set || !of_filters->set || !of_arithmetic->set || !of_maps->set) wrong = "a descriptor is not set";
    else if (x.channels != w.channels || y.channels != w.count) wrong = "channels do not fit";
    else if (x.count != y.count) wrong = "batches differ";
    else if (x.element != w.element || x.element != y.element) wrong = "types differ";
    else if (x.channels_last != w.channels_last || x.channels_last != y.channels_last) wrong = "formats differ";
    else if ((x.height + 2 * how.padding_y - w.height) / how.stride_y + 1 != y.height ||
             (x.width + 2 * how.padding_x - w.width) / how.stride_x + 1 != y.width)
        wrong = "sides do not fit";
    if (wrong) {
        complain("%s: %s: images %dx%dx%dx%d, filters %dx%dx%dx%d, maps %dx%dx%dx%d, stride %d, padding %d", call, wrong,
                 x.count, x.channels, x.height, x.width, w.count, w.channels, w.height, w.width, y.count, y.channels,
                 y.height, y.width, how.stride_y, how.padding_y);
        return DNN_BAD_PARAM;
    }
    // Tensor cores know neither TF32 nor bfloat16 before Ampere.
    bool ampere = settings().major >= 8;
    if (x.element == Element::Bfloat16 && !ampere) return DNN_NOT_SUPPORTED;
    *math = of_arithmetic->math;
    *convolution = Convolution{x, w, y, how};
    convolution->arithmetic.tf32 = *math != FMA_MATH && ampere;
    return DNN_SUCCESS;
}

API size_t cudnnGetVersion() { return 91500; }

API const char *cudnnGetErrorString(int code) {
    switch (code) {
    case DNN_SUCCESS: return "CUDNN_STATUS_SUCCESS";
    case DNN_NOT_INITIALIZED: return "CUDNN_STATUS_NOT_INITIALIZED";
    case DNN_BAD_PARAM: return "CUDNN_STATUS_BAD_PARAM";
    case DNN_NOT_SUPPORTED: return "CUDNN_STATUS_NOT_SUPPORTED";
    case DNN_INTERNAL_ERROR: return "CUDNN_STATUS_INTERNAL_ERROR";
    case DNN_EXECUTION_FAILED: return "CUDNN_STATUS_EXECUTION_FAILED";
    default: return "another status of cuDNN";
    }
}

API int cudnnCreate(void **handle) {
    ENTER(DNN_NOT_INITIALIZED);
    if (!has_context(__func__)) return DNN_NOT_INITIALIZED;
    *handle = new char; // only its address counts
    handles.insert(*handle);
    return DNN_SUCCESS;
}

API int cudnnDestroy(void *handle) {
    ENTER(DNN_BAD_PARAM);
    if (!is_handle(__func__, handle)) return DNN_BAD_PARAM;
    handles.erase(handle);
    delete (char *)handle;
    return DNN_SUCCESS;
}

API int cudnnSetStream(void *handle, void *stream) {
    ENTER(DNN_INTERNAL_ERROR);
    return is_handle(__func__, handle) && is_stream(__func__, stream) ? DNN_SUCCESS : DNN_BAD_PARAM;
}

API int cudnnCreateTensorDescriptor(void **descriptor) {
    ENTER(DNN_INTERNAL_ERROR);
    return create(Kind::Images, descriptor);
}

API int cudnnCreateFilterDescriptor(void **descriptor) {
    ENTER(DNN_INTERNAL_ERROR);
    return create(Kind::Filters, descriptor);
}

API int cudnnCreateConvolutionDescriptor(void **descriptor) {
    ENTER(DNN_INTERNAL_ERROR);
    return create(Kind::Arithmetic, descriptor);
}

API int cudnnDestroyTensorDescriptor(void *descriptor) {
    ENTER(DNN_INTERNAL_ERROR);
    return destroy(__func__, Kind::Images, descriptor);
}

API int cudnnDestroyFilterDescriptor(void *descriptor) {
    ENTER(DNN_INTERNAL_ERROR);
    return destroy(__func__, Kind::Filters, descriptor);
}

API int cudnnDestroyConvolutionDescriptor(void *descriptor) {
    ENTER(DNN_INTERNAL_ERROR);
    return destroy(__func__, Kind::Arithmetic, descriptor);
}

API int cudnnSetTensor4dDescriptor(void *descriptor, int format, int type, int n, int c, int h, int w) {
    ENTER(DNN_INTERNAL_ERROR);
    return set_shape(__func__, Kind::Images, descriptor, format, type, {Element::Float, false, n, c, h, w});
}

API int cudnnSetFilter4dDescriptor(void *descriptor, int type, int format, int k, int c, int h, int w) {
    ENTER(DNN_INTERNAL_ERROR);
    return set_shape(__func__, Kind::Filters, descriptor, format, type, {Element::Float, false, k, c, h, w});
}

API int cudnnSetConvolution2dDescriptor(void *descriptor, int padding_y, int padding_x, int stride_y, int stride_x,
                                        int dilation_y, int dilation_x, int mode, int sums) {
    ENTER(DNN_INTERNAL_ERROR);
    Descriptor *of = find(__func__, Kind::Arithmetic, descriptor);
    if (!of) return DNN_BAD_PARAM;
    if (padding_y < 0 || padding_x < 0 || stride_y < 1 || stride_x < 1) {
        complain("%s: padding %d, %d and stride %d, %d", __func__, padding_y, padding_x, stride_y, stride_x);
        return DNN_BAD_PARAM;
    }
    if (dilation_y != 1 || dilation_x != 1 || mode != CROSS_CORRELATION || sums != (int)Element::Float) {
        complain("%s: the stand-in knows only dilation 1, cross-correlation and sums in f32", __func__);
        return DNN_NOT_SUPPORTED;
    }
    of->arithmetic = {padding_y, padding_x, stride_y, stride_x, false};
    of->set = true;
    return DNN_SUCCESS;
}

API int cudnnSetConvolutionMathType(void *descriptor, int math) {
    ENTER(DNN_INTERNAL_ERROR);
    Descriptor *of = find(__func__, Kind::Arithmetic, descriptor);
    if (!of) return DNN_BAD_PARAM;
    of->math = math;
    return DNN_SUCCESS;
}

} // namespace standin
