// cuBLAS and cuRAND, of which candle only creates and destroys handles, and functions that a program links but must not call.
#include "calls.h"

namespace standin {

namespace {

// cublasStatus_t and curandStatus_t.
constexpr int BLAS_NOT_INITIALIZED = 1, BLAS_INTERNAL_ERROR = 14;
constexpr int RAND_INITIALIZATION_FAILED = 203, RAND_INTERNAL_ERROR = 999;

// Handles that only have to differ from null.
void *const BLAS = (void *)0x6000;
void *const RANDOM = (void *)0x7000;

int must_not_be_called(const char *name, int code) {
    complain("%s was called, which the stand-in does not have", name);
    return code;
}

} // namespace

API int cublasCreate_v2(void **handle) {
    ENTER(BLAS_NOT_INITIALIZED);
    *handle = BLAS;
    return 0;
}

API int cublasDestroy_v2(void *) {
    ENTER(BLAS_INTERNAL_ERROR);
    return 0;
}

API int cublasSetStream_v2(void *, void *stream) {
    ENTER(BLAS_INTERNAL_ERROR);
    return is_stream(__func__, stream) ? 0 : BLAS_INTERNAL_ERROR;
}

API int curandCreateGenerator(void **handle, int) {
    ENTER(RAND_INITIALIZATION_FAILED);
    *handle = RANDOM;
    return 0;
}

API int curandDestroyGenerator(void *) {
    ENTER(RAND_INTERNAL_ERROR);
    return 0;
}

API int curandSetStream(void *, void *stream) {
    ENTER(RAND_INTERNAL_ERROR);
    return is_stream(__func__, stream) ? 0 : RAND_INTERNAL_ERROR;
}

API int curandSetPseudoRandomGeneratorSeed(void *, unsigned long long) {
    ENTER(RAND_INTERNAL_ERROR);
    return 0;
}

// The linker asks for these where a program is linked with CUDA's libraries instead of loading them.
#define ABSENT(name, code)                                                                                                     \
    API int name() { return must_not_be_called(#name, code); }
ABSENT(cuCtxDestroy_v2, NOT_SUPPORTED)
ABSENT(cuMemAlloc_v2, NOT_SUPPORTED)
ABSENT(cuMemFree_v2, NOT_SUPPORTED)
ABSENT(cuMemcpyPeerAsync, NOT_SUPPORTED)
ABSENT(cuModuleLoad, NOT_SUPPORTED)
ABSENT(cuStreamWaitEvent, NOT_SUPPORTED)
ABSENT(cublasDgemmStridedBatched, BLAS_INTERNAL_ERROR)
ABSENT(cublasGemmStridedBatchedEx, BLAS_INTERNAL_ERROR)
ABSENT(cublasSgemmStridedBatched, BLAS_INTERNAL_ERROR)
ABSENT(curandGenerateNormal, RAND_INTERNAL_ERROR)
ABSENT(curandGenerateUniform, RAND_INTERNAL_ERROR)
ABSENT(cudnnSetTensor4dDescriptorEx, DNN_NOT_SUPPORTED)

} // namespace standin
