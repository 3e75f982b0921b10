// SPDX-License-Identifier: MIT
// What is known of each segment on its way, and the sums of that. Part of recovery.c.
#pragma once

#include <lwip/priv/tcp_priv.h>

#include "recovery.h"

static inline uint32_t segment_start(const struct tcp_seg *segment)
{
    return lwip_ntohl(segment->tcphdr->seqno);
}

static inline uint32_t segment_length(const struct tcp_seg *segment)
{
    return TCP_TCPLEN(segment);
}

// Bytes that are thought to be on their way (RFC 6675's pipe).
static inline uint32_t scoreboard_pipe(const struct tcp_pcb *pcb)
{
    const struct recovery *r = &pcb->recovery;
    uint32_t there = pcb->snd_nxt - pcb->lastack + r->resent, gone = r->sacked + r->lost;
    return there > gone ? there - gone
                        : 0; // a segment of which a part is acknowledged counts whole
}

// Changes what is known of a segment.
void scoreboard_mark(struct recovery *r, struct tcp_seg *segment, uint8_t marks);

// It is taken for lost, as is the copy that was sent again.
void scoreboard_lose(struct recovery *r, struct tcp_seg *segment);

// All that the peer did not say it has is lost. What it said is not used any more if it has the
// first one, which it would have acknowledged: it changed its mind (RFC 2018, 8).
void scoreboard_lose_all(struct tcp_pcb *pcb);

// What was taken for lost and not sent again since is not.
void scoreboard_find_all(struct tcp_pcb *pcb);

// Marks what lies in the blocks, which may be anything that a peer sends, and calls `delivered` for
// each segment that is new there. One walk over the list at most.
void scoreboard_take(struct tcp_pcb *pcb, const struct recovery_ack *ack,
                     void (*delivered)(struct tcp_pcb *pcb, struct tcp_seg *segment));

// Whether the first block says what arrived twice (RFC 2883).
bool scoreboard_twice(const struct tcp_pcb *pcb, const struct recovery_ack *ack);

// RACK: segments that were sent before one that was delivered, and are late, are lost. Returns
// whether there are any; *out_wait: in how many ns others will be, 0: none.
bool scoreboard_late(struct tcp_pcb *pcb, int64_t now, int64_t *out_wait);
