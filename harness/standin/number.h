// bfloat16 and TF32 on the host.
#pragma once
#include <cstdint>
#include <cstring>

namespace standin {

struct bfloat16 {
    uint16_t bits;
};

inline uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

inline float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

inline float widen(bfloat16 value) { return float_of((uint32_t)value.bits << 16); }

// Rounds to nearest, ties to even; NaN stays NaN.
inline bfloat16 to_bfloat16(float value) {
    uint32_t bits = bits_of(value);
    if ((bits & 0x7fffffff) > 0x7f800000) return {0x7fc0};
    return {(uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}

// The value as a tensor core reads a float: 10 bits of fraction.
inline float to_tf32(float value) {
    uint32_t bits = bits_of(value);
    if ((bits & 0x7fffffff) > 0x7f800000) return value;
    return float_of((bits + 0xfff + (bits >> 13 & 1)) & ~0x1fffu);
}

} // namespace standin
