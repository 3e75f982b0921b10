// SPDX-License-Identifier: MIT
// Who gives way when packet memory or the heap is used up: of the connections that hold bytes and
// whose peer has acknowledged nothing for STALLED_NS, one is reset; first of the peer that holds
// most, then the one that has made no progress for longest.
#include <string.h>

#include <lwip/priv/tcp_priv.h>
#include <tessera/lib/clock.h>

#include "hooks.h"
#include "stream.h"

#define STALLED_NS (2 * TS_SECOND)       // longer than a segment and its repetition take
#define EVERY_NS   (50 * TS_MILLISECOND) // the walk is over all connections
#define PEERS      1024u                 // two that meet in one are taken for one

static uint32_t held[PEERS]; // bytes, by peer

// A peer is an IPv4 address, or the upper half of an IPv6 address.
static uint32_t *held_by(const struct stream *stream)
{
    ip_addr_t peer;
    ip_addr_copy(peer, stream->peer.ip);
    if (IP_IS_V6_VAL(peer))
        ip_2_ip6(&peer)->addr[2] = ip_2_ip6(&peer)->addr[3] = 0;
    return &held[platform_tcp_hash(&peer, 0, &peer, 0) % PEERS];
}

static uint32_t holds(const struct stream *stream)
{
    return stream->block_bytes + stream->received_bytes;
}

// The stream that a pcb belongs to; those that nobody has seen yet have their listener's.
static struct stream *owner(const struct tcp_pcb *pcb)
{
    return pcb->state != SYN_RCVD ? pcb->callback_arg : NULL;
}

static struct stream *find(ts_time_t now)
{
    struct stream *found = NULL;
    memset(held, 0, sizeof(held));
    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next) {
        struct stream *stream = owner(pcb);
        if (stream != NULL)
            *held_by(stream) += holds(stream);
    }
    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next) {
        struct stream *stream = owner(pcb);
        if (stream == NULL || holds(stream) == 0 || now - stream->progress < STALLED_NS)
            continue;
        uint32_t more = found != NULL ? *held_by(found) : 0, of_this = *held_by(stream);
        if (found == NULL || of_this > more ||
            (of_this == more && stream->progress < found->progress))
            found = stream;
    }
    return found;
}

void stream_yield(void)
{
    static ts_time_t next;
    ts_time_t now = ts_loop_now(netd.loop);
    struct stream *stream = now >= next ? find(now) : NULL;
    if (now >= next)
        next = now + EVERY_NS;
    if (stream == NULL)
        return;
    netd.statistics.refused_limit++;
    stream_abort(stream);
    stream_drop_received(stream);
    stream_over(stream, TS_ERR_RESET);
}
