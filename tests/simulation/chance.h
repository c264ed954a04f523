/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers that are the same for the same seed everywhere: SplitMix64. */
#pragma once
#include <math.h>
#include <stdint.h>

typedef struct Chance {
    uint64_t state;
} Chance;

static inline uint64_t chance_mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

static inline uint64_t chance_next(Chance *chance)
{
    chance->state += UINT64_C(0x9e3779b97f4a7c15);
    return chance_mix(chance->state);
}

/* 0 … bound - 1. */
static inline int64_t chance_below(Chance *chance, int64_t bound)
{
    return (int64_t)(chance_next(chance) % (uint64_t)bound);
}

/* first … last. */
static inline int chance_between(Chance *chance, int first, int last)
{
    return first + (int)chance_below(chance, last - first + 1);
}

/* An exponential time from 64 random bits, at least 1. */
static inline int64_t chance_exponential(uint64_t bits, int64_t mean)
{
    double uniform = ((double)(bits >> 11) + 0.5) / 9007199254740992.0;
    return 1 + (int64_t)(-log(uniform) * (double)mean);
}
