// SPDX-License-Identifier: MIT
// A simulated line between the stack and a host that takes a file from it: what the line loses,
// delays, doubles and holds back is drawn from a seed or chosen by the test, time is the test's.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fake.h"

struct line {
    uint32_t size;    // bytes of the file
    unsigned delay;   // ms one way
    unsigned loss;    // of 1,000 frames, both ways
    unsigned doubled; // of 1,000
    unsigned held;    // of 1,000: for up to `hold` ms more, so that others overtake them
    unsigned hold;
    uint64_t seed;
    unsigned stall_at;  // ms from the start of the transfer, when nothing gets on
    unsigned stall_for; // for so long; then all that was sent arrives
    bool plain;         // the peer knows no selective acknowledgements
    unsigned window;    // of the peer, 0: 1 MiB
    // Whether the data segment at that byte of the file is lost, the `time`-th time it is sent.
    bool (*loses)(uint32_t at, unsigned time);
    // Changes an acknowledgement's blocks: `count` pairs of left and right.
    unsigned (*lies)(uint32_t *blocks, unsigned count, uint32_t acknowledged);
};

struct line_result {
    bool whole;        // the file arrived as it is
    unsigned ms, gap;  // how long it took; the longest time without news for the reader
    unsigned segments; // with data, that were sent
    unsigned again;    // of them, that were sent before
    unsigned twice;    // of them, that the peer had already
    unsigned lost;     // data segments
};

// The file is written to a new connection on `listener` (port 80).
struct line_result line_transfer(struct ts_object *listener, const struct line *line);
