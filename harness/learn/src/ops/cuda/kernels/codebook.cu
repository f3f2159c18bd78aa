// Vector quantisation: the nearest code of each vector, and count and sum of the vectors of each code.
//
// vectors [B, D, pixels], or [B, pixels, D] where channels come last; codes [D, K].
#include "number.cuh"

// The place of dimension d of a vector.
__device__ inline unsigned place(unsigned vector, unsigned d, unsigned dim, unsigned pixels, int last) {
    unsigned image = vector / pixels;
    return last ? vector * dim + d : (image * dim + d) * pixels + vector - image * pixels;
}

extern "C" __global__ void code_norms(unsigned k, const float *codes, float *norms, unsigned dim) {
    unsigned code = thread();
    if (code >= k) return;
    float norm = 0.0f;
    for (unsigned d = 0; d < dim; d++) norm += codes[d * k + code] * codes[d * k + code];
    norms[code] = norm;
}

// First index of the smallest |e|^2 - 2 z.e (the vector's own norm is the same for all codes). A block of 256 threads handles
// 64 vectors and looks at 64 codes at a time; a thread multiplies 4 vectors with 4 codes.
extern "C" __global__ void nearest_codes(unsigned vectors, const float *z, const float *codes, const float *norms,
                                         unsigned *indices, unsigned dim, unsigned k, unsigned pixels, int last) {
    const unsigned TILE = 64, DEPTH = 16;
    __shared__ float z_tile[DEPTH][TILE], code_tile[DEPTH][TILE];
    __shared__ float distances[TILE][16];
    __shared__ unsigned found[TILE][16];
    unsigned t = threadIdx.x, across = t % 16, down = t / 16, first = blockIdx.x * TILE;
    float best[4] = {INFINITY, INFINITY, INFINITY, INFINITY};
    unsigned which[4] = {0, 0, 0, 0};
    for (unsigned from = 0; from < k; from += TILE) {
        float products[4][4] = {};
        for (unsigned depth = 0; depth < dim; depth += DEPTH) {
            __syncthreads(); // the tiles before may still be read
            for (unsigned e = t; e < DEPTH * TILE; e += 256) {
                unsigned d = last ? e % DEPTH : e / TILE, v = last ? e / DEPTH : e % TILE; // neighbours in memory
                bool there = depth + d < dim && first + v < vectors;
                z_tile[d][v] = there ? z[place(first + v, depth + d, dim, pixels, last)] : 0.0f;
                unsigned row = e / TILE, code = e % TILE;
                there = depth + row < dim && from + code < k;
                code_tile[row][code] = there ? codes[(depth + row) * k + from + code] : 0.0f;
            }
            __syncthreads();
            for (unsigned d = 0; d < DEPTH; d++) {
                for (unsigned i = 0; i < 4; i++) {
                    for (unsigned j = 0; j < 4; j++) {
                        products[i][j] += z_tile[d][down * 4 + i] * code_tile[d][across * 4 + j];
                    }
                }
            }
        }
        for (unsigned i = 0; i < 4; i++) {
            for (unsigned j = 0; j < 4; j++) {
                unsigned code = from + across * 4 + j;
                if (code >= k) continue;
                float distance = norms[code] - 2.0f * products[i][j];
                if (distance < best[i]) {
                    best[i] = distance;
                    which[i] = code;
                }
            }
        }
    }
    for (unsigned i = 0; i < 4; i++) {
        distances[down * 4 + i][across] = best[i];
        found[down * 4 + i][across] = which[i];
    }
    __syncthreads();
    if (t >= TILE || first + t >= vectors) return;
    unsigned nearest = 0;
    for (unsigned a = 1; a < 16; a++) {
        bool nearer = distances[t][a] < distances[t][nearest];
        bool earlier = distances[t][a] == distances[t][nearest] && found[t][a] < found[t][nearest];
        if (nearer || earlier) nearest = a;
    }
    indices[first + t] = found[t][nearest];
}

// Puts the codes in place of the vectors.
extern "C" __global__ void quantize(unsigned n, const float *codes, const unsigned *indices, float *out, unsigned dim,
                                    unsigned k, unsigned pixels, int last) {
    unsigned i = thread();
    if (i >= n) return;
    Place at(i, dim, pixels, last);
    out[i] = codes[at.channel * k + indices[at.image * pixels + at.pixel]];
}

// pieces [parts, K, D + 1]: the sum of each code's vectors in one part, followed by their number. One block of one warp handles
// each part (x), 32 dimensions (y) and 64 codes (z). A thread handles one dimension and walks over the vectors in order.
extern "C" __global__ void code_pieces(unsigned vectors, const float *z, const unsigned *indices, float *pieces, unsigned dim,
                                       unsigned k, unsigned pixels, int last) {
    const unsigned CODES = 64, AHEAD = 8;
    __shared__ float sums[CODES][32];
    unsigned lane = threadIdx.x, d = blockIdx.y * 32 + lane, first = blockIdx.z * CODES;
    unsigned length = (vectors + gridDim.x - 1) / gridDim.x, from = blockIdx.x * length;
    unsigned to = from + length < vectors ? from + length : vectors;
    for (unsigned code = 0; code < CODES; code++) sums[code][lane] = 0.0f;
    for (unsigned v = from; v < to; v += AHEAD) {
        unsigned code[AHEAD];
        float value[AHEAD];
        for (unsigned a = 0; a < AHEAD; a++) code[a] = v + a < to ? indices[v + a] - first : CODES;
        for (unsigned a = 0; a < AHEAD; a++) {
            // The counts are one extra dimension.
            bool mine = code[a] < CODES && d <= dim;
            value[a] = !mine ? 0.0f : d == dim ? 1.0f : z[place(v + a, d, dim, pixels, last)];
        }
        for (unsigned a = 0; a < AHEAD; a++) {
            if (code[a] < CODES) sums[code[a]][lane] += value[a];
        }
    }
    if (d > dim) return;
    for (unsigned code = 0; code < CODES && first + code < k; code++) {
        pieces[(blockIdx.x * k + first + code) * (dim + 1) + d] = sums[code][lane];
    }
}

// sums [D, K] and counts [K] of the pieces, in order.
extern "C" __global__ void code_totals(unsigned n, const float *pieces, float *sums, float *counts, unsigned dim, unsigned k,
                                       unsigned parts) {
    unsigned i = thread();
    if (i >= n) return;
    unsigned code = i / (dim + 1), d = i % (dim + 1);
    double sum = 0.0;
    for (unsigned part = 0; part < parts; part++) sum += pieces[part * n + i];
    if (d == dim) counts[code] = (float)sum;
    else sums[d * k + code] = (float)sum;
}

// A moving average that is corrected for its beginning at 0.
struct Average {
    float *hidden, *average;
    float rest, correction; // 1 - decay, and 1 / (1 - decay^pushes)

    __device__ float push(unsigned i, float value) const {
        float moved = hidden[i] + (value - hidden[i]) * rest;
        hidden[i] = moved;
        return average[i] = moved * correction;
    }
};

// Moves the averages of k counts, and smooths them by Laplace's method: one block.
extern "C" __global__ void move_counts(unsigned k, const float *counts, float *hidden, float *averages, float rest,
                                       float correction, float epsilon, float *smooth) {
    Average average{hidden, averages, rest, correction};
    __shared__ double room[256];
    double sum = 0.0;
    for (unsigned i = threadIdx.x; i < k; i += blockDim.x) {
        float value = average.push(i, counts[i]);
        smooth[i] = value;
        sum += value;
    }
    float total = (float)block_sum(sum, room);
    float all = total + k * epsilon;
    for (unsigned i = threadIdx.x; i < k; i += blockDim.x) smooth[i] = (smooth[i] + epsilon) / all * total;
}

// Moves the averages of the sums [D, K] of vectors; each divided by its count is a code.
extern "C" __global__ void move_codes(unsigned n, const float *sums, float *hidden, float *averages, float rest,
                                      float correction, const float *smooth, float *codes, unsigned k) {
    Average average{hidden, averages, rest, correction};
    unsigned i = thread();
    if (i < n) codes[i] = average.push(i, sums[i]) / smooth[i % k];
}

// e^entropy of the frequencies of k codes: one block.
extern "C" __global__ void perplexity(const float *counts, unsigned k, double *out) {
    __shared__ double room[256];
    double sum = 0.0, entropy = 0.0;
    for (unsigned i = threadIdx.x; i < k; i += blockDim.x) sum += counts[i];
    double total = block_sum(sum, room);
    for (unsigned i = threadIdx.x; i < k; i += blockDim.x) {
        double share = counts[i] / total;
        if (share > 0.0) entropy -= share * log(share);
    }
    entropy = block_sum(entropy, room);
    if (threadIdx.x == 0) *out = exp(entropy);
}
