/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of cells that the network tells apart. */
#pragma once

/* KIND_NONE is never likely: the network says so by finding no centre. */
typedef enum CellKind {
    KIND_NONE,
    KIND_INFLAMMATORY,
    KIND_EPITHELIAL,
    KIND_STROMAL,
    KIND_COUNT
} CellKind;

/* How likely each kind is; their sum is 1. */
typedef struct CellKinds {
    float share[KIND_COUNT];
} CellKinds;
