// SPDX-License-Identifier: MIT
// A world for the network stack: a clock that tests move, clients whose requests are structures.
#pragma once

#include <stdio.h>
#include <string.h>

#include "heap.h"
#include "netd.h"
#include "session.h"
#include "stack.h"
#include "tests/host/check.h"

// One request of a client. It is open until `done`.
struct call {
    struct ts_request request; // first
    const uint8_t *in;
    uint8_t *out;
    bool done;
    bool gone; // the client gave up: the reply will fail
    ts_status_t status;
    uint64_t value;
    struct ts_object *minted;
};

extern ts_time_t fake_now;
extern ts_rights_t fake_rights;        // of the handle that calls are made with
extern struct ts_object *fake_session; // a client's
extern uint32_t fake_client;           // that asks

// Starts the stack and opens a session.
void fake_start(void);

// Runs batches until nothing changes any more; then the clock moves on by `ms` in small steps.
void fake_run(unsigned ms);

void call_start(struct call *call, struct ts_object *object, enum ts_operation op, uint64_t arg,
                const void *in, size_t in_length, void *out, size_t room);
void call_nowait(struct call *call, struct ts_object *object, enum ts_operation op, uint64_t arg,
                 const void *in, size_t in_length, void *out, size_t room);
void call_cancel(struct call *call);

// Starts and runs until it is done or a second has passed; its status (TS_ERR_TIMED_OUT: not).
TS_MUST_USE ts_status_t call_now(struct call *call, struct ts_object *object, enum ts_operation op,
                                 uint64_t arg, const void *in, size_t in_length, void *out,
                                 size_t room);

struct ts_object *socket_create(const char *kind);
void object_close(struct ts_object *object); // the last handle
struct ts_net_address v4(unsigned a, unsigned b, unsigned c, unsigned d, uint16_t port);
