// SPDX-License-Identifier: MIT
// Both sides of a port in one thread: what is submitted on the client's ring is parked until the
// server's ring enters, which happens when a test says so. Nothing depends on time but the limits
// that keep a failing test from hanging.
#pragma once

#include "wait.h"

#include <tessera/lib/op.h>
#include <tessera/lib/port.h>
#include <tessera/ring/prepare.h>
#include <tessera/ring/ring.h>

#define PAIR_REQUESTS 8u
#define PAIR_OBJECTS  4u
#define PAIR_TAG      0x7a67u
#define PAIR_COOKIE   42u

struct pair {
    struct ts_ring_queue client, server;
    ts_handle_t port, object; // object: oid 0, all rights
    char *inbox;
    uint32_t inbox_bytes;
};

// All of these end the test when something is not as it must be. A pair is made for each test, with
// `requests` slots; pair_end closes what is still there.
void pair_begin(struct pair *pair, uint32_t requests, uint32_t inbox_bytes);
void pair_end(struct pair *pair);

// Shorthand for a write or read of the object on the client's ring, submitted at once.
void pair_write(struct pair *pair, const void *bytes, uint32_t length, uint64_t offset,
                uint64_t user_data);
void pair_read(struct pair *pair, void *bytes, uint32_t length, uint64_t user_data);
// A cancel without force leaves its target a tenth of a second: what is checked later than that may
// make the test begin anew (tap_in_time).
void pair_cancel(struct pair *pair, uint64_t target, unsigned flags, uint64_t user_data);
void pair_submit(struct pair *pair);

// The server's next event, which must be of this kind.
struct ts_event pair_event(struct pair *pair, enum ts_event_kind kind);
// The server's next event of this kind; others that come before it are passed over.
struct ts_event pair_event_among(struct pair *pair, enum ts_event_kind kind);
// Nothing comes to the server for some milliseconds.
void pair_quiet(struct pair *pair);
// A plain answer.
void pair_reply(struct pair *pair, uint64_t request, ts_status_t status, uint64_t value);
// The client's next completion, which must be this one's; its status is for the test to look at.
struct ts_event pair_completion(struct pair *pair, uint64_t user_data);
// None comes.
void pair_no_completion(struct pair *pair);
