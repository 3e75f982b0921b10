// SPDX-License-Identifier: MIT
// Integrated mode: a server's handlers called in the process that they are linked into, without a
// port, a ring or a system call. The second back-end of struct ts_request; handlers cannot tell.
//
// A handler that keeps its request makes ts_local_op run the loop until it is answered; without a
// loop that is TS_ERR_AGAIN and the request is cancelled.
#pragma once

#include <tessera/lib/server.h>

struct ts_local {
    struct ts_loop *loop; // may be NULL
};

// What a client would say, by operation as in op.h.
struct ts_local_op {
    enum ts_operation op;
    uint8_t flags;
    ts_rights_t rights; // of the caller's "handle"
    const void *in;     // to pull
    void *out;          // pushed to
    uint32_t in_length, out_length;
    uint64_t offset, arg, span;
    uint32_t client;
    const ts_handle_t *handles; // to take
    uint8_t handle_count;
};

struct ts_local_result {
    ts_status_t status;
    uint64_t value;
    struct ts_object *object; // MINT, OWN: the resulting object, `closed` when done with
    ts_handle_t handle;       // MOVE, REDIRECT: the caller's to close
    bool redirect;
    ts_rights_t rights;
};

// Calls the handler and waits for its answer.
TS_MUST_USE ts_status_t ts_local_call(struct ts_local *local, struct ts_object *object,
                                      const struct ts_local_op *op,
                                      struct ts_local_result *out_result);

// Gives a minted object up: its `closed` is called.
void ts_local_close(struct ts_object *object);
