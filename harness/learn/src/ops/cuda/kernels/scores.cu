// The counts of predicted images: pixels by true and predicted class, sums of probabilities, losses.
#include "number.cuh"

constexpr unsigned CLASSES = 3;
constexpr unsigned COUNTS = CLASSES * CLASSES;
// The sums after the counts: overlap and prediction of sigmoids, squares, cross-entropy, cross-entropy of sigmoids, then for
// each class the overlap and the prediction of the softmax, and last the number of pixels whose true class is invalid.
constexpr unsigned OVERLAP = COUNTS, PREDICTED = OVERLAP + 1, SQUARES = PREDICTED + 1, ENTROPY = SQUARES + 1,
                   SIGMOID_ENTROPY = ENTROPY + 1, CLASS_OVERLAP = SIGMOID_ENTROPY + 1,
                   CLASS_PREDICTED = CLASS_OVERLAP + CLASSES, MISSING = CLASS_PREDICTED + CLASSES, SUMS = MISSING + 1;

// The probabilities of a pixel, and minus the logarithm of that of `truth`.
__device__ inline float softmax(const float *x, unsigned truth, float *probabilities) {
    float largest = x[0], sum = 0.0f;
    for (unsigned k = 1; k < CLASSES; k++) largest = x[k] > largest || x[k] != x[k] ? x[k] : largest;
    for (unsigned k = 0; k < CLASSES; k++) sum += probabilities[k] = expf(x[k] - largest);
    for (unsigned k = 0; k < CLASSES; k++) probabilities[k] /= sum;
    return logf(sum) + largest - x[truth];
}

// A block counts one image: `channels` [B, 3, pixels] against `truth` [B, pixels] gives `out` [B, 12]: the counts by true and
// predicted class, the soft overlap, the soft prediction, and the weighted sum of the four losses. A loss with weight 0 is left
// out.
extern "C" __global__ void image_scores(const float *channels, const unsigned char *truth, unsigned pixels, double squares,
                                        double entropy, double sigmoid_entropy, double dice, double smooth, double *out) {
    __shared__ double room[256];
    channels += blockIdx.x * CLASSES * pixels;
    truth += blockIdx.x * pixels;
    double sums[SUMS] = {};
    for (unsigned p = threadIdx.x; p < pixels; p += blockDim.x) {
        unsigned class_ = truth[p], best = 0;
        if (class_ >= CLASSES) sums[MISSING] += 1.0, class_ = 0;
        float x[CLASSES], sigmoids[CLASSES], probabilities[CLASSES];
        for (unsigned k = 0; k < CLASSES; k++) {
            x[k] = channels[k * pixels + p];
            sigmoids[k] = 1.0f / (1.0f + expf(-x[k]));
            if (x[k] > x[best]) best = k;
            float distance = x[k] - (k == class_ ? 1.0f : 0.0f);
            sums[PREDICTED] += sigmoids[k];
            sums[SQUARES] += (double)distance * distance;
            if (k == class_) sums[OVERLAP] += sigmoids[k];
        }
        for (unsigned k = 0; k < COUNTS; k++) sums[k] += k == class_ * CLASSES + best ? 1.0 : 0.0;
        sums[SIGMOID_ENTROPY] += softmax(sigmoids, class_, probabilities);
        sums[ENTROPY] += softmax(x, class_, probabilities);
        for (unsigned k = 0; k < CLASSES; k++) {
            sums[CLASS_PREDICTED + k] += probabilities[k];
            if (k == class_) sums[CLASS_OVERLAP + k] += probabilities[k];
        }
    }
    for (unsigned k = 0; k < SUMS; k++) sums[k] = block_sum(sums[k], room);
    if (threadIdx.x > 0) return;
    out += blockIdx.x * (COUNTS + 3);
    for (unsigned k = 0; k < SQUARES; k++) out[k] = sums[k];
    double loss = sums[MISSING] > 0.0 ? NAN : 0.0;
    if (squares != 0.0) loss += squares * sums[SQUARES] / (CLASSES * pixels);
    if (entropy != 0.0) loss += entropy * sums[ENTROPY] / pixels;
    if (sigmoid_entropy != 0.0) loss += sigmoid_entropy * sums[SIGMOID_ENTROPY] / pixels;
    if (dice != 0.0) {
        double mean = 0.0;
        for (unsigned k = 0; k < CLASSES; k++) {
            double size = sums[k * CLASSES] + sums[k * CLASSES + 1] + sums[k * CLASSES + 2] + sums[CLASS_PREDICTED + k];
            mean += (2.0 * sums[CLASS_OVERLAP + k] + smooth) / (size + smooth) / CLASSES;
        }
        loss += dice * (1.0 - mean);
    }
    out[COUNTS + 2] = loss;
}
