// SPDX-License-Identifier: MIT
// A pipe: a ring of bytes, two ends, and the requests that wait at each. Handlers know the server
// framework alone, so the host tests run them too.
//
// A pipe lives while one of its ends does. Its storage is one memory allocation, with all its pages
// from the start, and goes back whole. A client has a share of the pipes, and of those that wait a
// share of the requests that may: half of what the port delivers, so that one that waits as often
// as it may can still write what it waits for. Requests that wait are kept in order; a request
// leaves its queue before it is answered. `pump` is the one place where bytes move: it is called
// after everything that may let a waiting request go on.
#pragma once

#include <stdbool.h>
#include <tessera/lib/request_list.h>
#include <tessera/lib/share.h>
#include <tessera/proto/pipe.h>

struct pipe;

struct pipe_end {
    struct ts_object object;
    struct pipe *pipe;
    struct ts_request_list waiting; // in order of arrival
    uint32_t flags;                 // TS_OPEN_NOWAIT
    bool open;
};

struct pipe {
    struct pipe_end reader, writer;
    uint32_t client;     // that made it
    uint64_t identity;   // counted: clients see it
    uint32_t head, used; // of the ring
    int64_t created_ns;
    unsigned char ring[TS_PIPE_SIZE];
};

#define PIPES         256u // 17 pages each
#define PIPE_REQUESTS 1024u
#define PIPE_WAITING  (PIPE_REQUESTS / 2)

// pool.c: the shares, and a pipe's storage. TS_ERR_LIMIT: the client has as many as are free, or
// there is no memory. Freed once the last end is gone, or nobody got one.
extern struct ts_share pipe_waiting;
void pipe_shares_init(void);
TS_MUST_USE ts_status_t pipe_make(uint32_t client, struct pipe **out_pipe);
void pipe_free(struct pipe *pipe);

// The root: open("") gives a handle to the session, which is the same for all: it has no state.
extern const struct ts_operations pipe_root_operations;

// The session, and the streams that it opens; minted by the program.
extern struct ts_object pipe_session, pipe_null, pipe_zero;

extern const struct ts_operations pipe_reader_operations, pipe_writer_operations;

// Moves what can be moved, answers what can be answered, sets the ends' signals.
void pipe_pump(struct pipe *pipe);
