// SPDX-License-Identifier: MIT
// What the examples in docs/abi/*.md may use besides the user library: a process that is client and
// server at once, by one ring and one port. Each page's code is made a function of its own by
// tools/mkexamples.py, and all are run as one test program.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/event.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/op.h>
#include <tessera/lib/port.h>
#include <tessera/lib/process.h>
#include <tessera/lib/spawn.h>
#include <tessera/lib/syscall.h>
#include <tessera/lib/thread.h>
#include <tessera/proto/file.h>
#include <tessera/ring/prepare.h>
#include <tessera/ring/ring.h>

struct pair {
    struct ts_ring_queue ring;
    ts_handle_t port;
    ts_handle_t object; // oid 0 of the port, tag 1
};

TS_MUST_USE ts_status_t pair_create(struct pair *pair);
void pair_destroy(struct pair *pair);

// Submits what is staged and waits for the next event of this kind; others are dropped.
TS_MUST_USE ts_status_t pair_event(struct pair *pair, enum ts_event_kind kind,
                                   struct ts_event *out_event);
