// SPDX-License-Identifier: MIT
// A pipe: a ring of bytes, two ends, and the requests that wait at each. Handlers know the server
// framework alone, so the host tests run them too.
//
// A pipe lives while one of its ends does. Its storage is one memory allocation whose pages are
// charged as the ring fills and which goes back whole. Requests that wait are kept in order; a
// request leaves its queue before it is answered. `pump` is the one place where bytes move: it is
// called after everything that may let a waiting request go on.
#pragma once

#include <stdbool.h>
#include <tessera/lib/server.h>
#include <tessera/proto/pipe.h>

struct pipe;

struct pipe_end {
    struct ts_object object;
    struct pipe *pipe;
    struct ts_request *first, *last; // waiting, in order of arrival
    uint32_t flags;                  // TS_OPEN_NOWAIT
    bool open;
};

struct pipe_session {
    struct ts_object object;
    uint32_t pipes;
    bool open; // the client has it; else it lives on in its pipes
};

struct pipe {
    struct pipe_end reader, writer;
    struct pipe_session *session;
    uint32_t head, used; // of the ring
    int64_t created_ns;
    unsigned char ring[TS_PIPE_SIZE];
};

// The root: open("") gives a session.
extern const struct ts_operations pipe_root_operations;

// The streams that every session can open, minted by the program.
extern struct ts_object pipe_null, pipe_zero;
extern const struct ts_operations pipe_null_operations, pipe_zero_operations;

extern const struct ts_operations pipe_reader_operations, pipe_writer_operations;

// Moves what can be moved, answers who can be answered, sets the ends' signals.
void pipe_pump(struct pipe *pipe);
