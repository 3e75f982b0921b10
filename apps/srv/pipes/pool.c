// SPDX-License-Identifier: MIT
// Where pipes come from, and which client has how many.
#include <tessera/lib/clock.h>
#include <tessera/lib/memory.h>
#include "pipe.h"

struct ts_share pipe_waiting;
static struct ts_share pipe_share;

void pipe_shares_init(void)
{
    static struct ts_holder makers[2 * PIPES], askers[2 * PIPE_WAITING];
    ts_share_init(&pipe_share, PIPES, makers, 2 * PIPES);
    ts_share_init(&pipe_waiting, PIPE_WAITING, askers, 2 * PIPE_WAITING);
}

void pipe_free(struct pipe *pipe)
{
    uint32_t client = pipe->client;
    (void)ts_memory_unmap(pipe, TS_PAGE_ROUND(sizeof(*pipe)));
    ts_share_give(&pipe_share, client, 1);
}

ts_status_t pipe_make(uint32_t client, struct pipe **out_pipe)
{
    static uint64_t last_identity = 2; // of null and zero
    void *storage;
    ts_status_t status = ts_share_take(&pipe_share, client, 1);
    if (status != TS_OK) {
        return status;
    }
    status = ts_memory_allocate_now(sizeof(struct pipe), &storage);
    if (status != TS_OK) {
        ts_share_give(&pipe_share, client, 1);
        return status;
    }
    struct pipe *pipe = storage; // zeros
    pipe->client = client;
    pipe->identity = ++last_identity;
    pipe->created_ns = ts_clock_realtime();
    pipe->reader.pipe = pipe->writer.pipe = pipe;
    pipe->reader.open = pipe->writer.open = true;
    *out_pipe = pipe;
    return TS_OK;
}
