// SPDX-License-Identifier: MIT
// Data that lwIP has of a stream and has not given: segments that came too early, and those that
// there was no memory for. The client pays before lwIP takes them (tcp_in.c asks, by our patch), so
// what it cannot have is not acknowledged, by a block neither, and is sent again.
#include "account.h"
#include "hooks.h"
#include "stream.h"

#include <lwip/priv/tcp_priv.h>

// lwIP's structure of a segment, and then our piece.
#define SEGMENT_MEMORY 64u
_Static_assert(sizeof(struct tcp_seg) + 16 <= SEGMENT_MEMORY, "");
_Static_assert(sizeof(struct piece) + 16 <= SEGMENT_MEMORY, "");

#define EARLY_LEAVES TCP_WND // of a client's share

struct kept {
    uint32_t memory, bytes, pbufs;
};

static void add(struct kept *kept, const struct pbuf *data)
{
    kept->memory += account_cost(data) + SEGMENT_MEMORY;
    kept->bytes += data->tot_len;
    kept->pbufs += pbuf_clen(data);
}

static struct kept keeps(const struct tcp_pcb *pcb)
{
    struct kept kept = {0};
    if (pcb->refused_data != NULL) {
        add(&kept, pcb->refused_data);
    }
    for (const struct tcp_seg *segment = pcb->ooseq; segment != NULL; segment = segment->next) {
        add(&kept, segment->p);
    }
    return kept;
}

// The stream pays for `memory` of what it has paid for, and no more.
static uint32_t reduce(struct stream *stream, uint32_t memory)
{
    uint32_t before = stream->early;
    stream->early = memory < before ? memory : before;
    return before - stream->early;
}

void stream_settle_early(struct stream *stream)
{
    if (stream->early == 0) {
        return;
    }
    uint32_t needed = stream->pcb != NULL ? keeps(stream->pcb).memory : 0;
    account_give(ACCOUNT_MEMORY, stream->client, reduce(stream, needed));
}

uint32_t stream_take_early(struct stream *stream)
{
    if (stream->pcb->ooseq == NULL && stream->pcb->refused_data == NULL) {
        return reduce(stream, 0);
    }
    return reduce(stream, keeps(stream->pcb).memory);
}

// Whether a read waits that takes all of it.
static bool is_awaited(const struct stream *stream, const struct pbuf *data)
{
    const struct ts_request *read = stream->reads.first;
    return read != NULL && read->op == TS_OP_READ && read->room >= data->tot_len;
}

bool stream_pay_unread(struct stream *stream)
{
    uint32_t memory = stream->awaited;
    stream->awaited = 0;
    if (memory == 0 || stream->received_bytes == 0) {
        return true;
    }
    if (!account_take(ACCOUNT_MEMORY, stream->client, memory)) {
        return false;
    }
    stream->last_received->cost += memory;
    return true;
}

// Whether lwIP may queue it. For more than its bounds it would drop the last ones, which the peer
// was told are here; and what comes in order has to find room, or nothing ever would be.
static bool may_be_early(struct stream *stream, const struct pbuf *data, const struct kept *kept)
{
    return kept->bytes + data->tot_len <= TCP_OOSEQ_MAX_BYTES &&
           kept->pbufs + pbuf_clen(data) <= TCP_OOSEQ_MAX_PBUFS &&
           account_left(ACCOUNT_MEMORY, stream->client) >= EARLY_LEAVES;
}

int stream_may_keep(struct tcp_pcb *pcb, const struct pbuf *data, int early)
{
    struct stream *stream = pcb->callback_arg;
    struct kept kept = {0};
    if (stream == NULL || (pcb->flags & TF_RXCLOSED) != 0) {
        return !early; // nobody reads it: lwIP ends it
    }
    if (data->tot_len == 0 && !early) {
        return 1; // the end alone
    }
    uint32_t memory = account_cost(data) + SEGMENT_MEMORY;
    if (!early && is_awaited(stream, data)) {
        stream->awaited = memory;
        return 1;
    }
    if (stream->early != 0) {
        kept = keeps(pcb);
        account_give(ACCOUNT_MEMORY, stream->client, reduce(stream, kept.memory));
    }
    if (early && !may_be_early(stream, data, &kept)) {
        return 0;
    }
    if (!account_take(ACCOUNT_MEMORY, stream->client, memory)) {
        return 0;
    }
    stream->early += memory;
    return 1;
}
