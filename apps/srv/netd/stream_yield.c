// SPDX-License-Identifier: MIT
// Where TCP's pools are full: packet memory and the heap, the backlog of a listener, connections in
// TIME_WAIT. What gives way is yield.h's rule; here is what is idle, and since when.
#include <lwip/priv/tcp_priv.h>
#include <tessera/lib/clock.h>

#include "account.h"
#include "hooks.h"
#include "stream.h"

#define STALLED_NS (2 * TS_SECOND)       // longer than a segment and its repetition take
#define EVERY_NS   (50 * TS_MILLISECOND) // the walk is over all connections

// ---- Memory

// Of what is short: what came in takes nothing of packet memory.
static uint32_t holds(const struct stream *stream, bool heap)
{
    return stream->block_bytes + (heap ? stream->received_bytes + stream->early : 0);
}

// Since when nothing got on: what it sends, or else what it receives.
static ts_time_t since(const struct stream *stream)
{
    return stream->block_bytes > 0 ? stream->progress : stream->receiving;
}

// The stream that a pcb belongs to; those that nobody has seen yet have their listener's.
static struct stream *owner(const struct tcp_pcb *pcb)
{
    return pcb->state != SYN_RCVD ? pcb->callback_arg : NULL;
}

// Whether somebody waits for what the stream holds: memory is short, or its client has its share.
static bool is_wanted(const struct stream *stream, bool heap)
{
    return heap || netd.packets.free_bytes < STARVED_LOW ||
           account_left(ACCOUNT_PACKETS, stream->client) < STREAM_SEND_LOW;
}

static struct stream *find(ts_time_t now, bool heap)
{
    yield_begin();
    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next) {
        struct stream *stream = owner(pcb);
        if (stream != NULL) {
            yield_count(&stream->peer.ip, holds(stream, heap));
        }
    }
    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next) {
        struct stream *stream = owner(pcb);
        if (stream != NULL && holds(stream, heap) > 0 && now - since(stream) >= STALLED_NS &&
            is_wanted(stream, heap)) {
            yield_offer(&stream->peer.ip, since(stream), stream);
        }
    }
    return yield_choice();
}

// Nobody gives way to itself: what it holds is what it would wait for again.
static bool waits_alone(const struct stream *stream)
{
    return netd.starved == stream && netd.starved_count == 1;
}

void stream_yield(bool heap)
{
    static ts_time_t next;
    ts_time_t now = ts_loop_now(netd.loop);
    if (now < next) {
        return;
    }
    next = now + EVERY_NS;
    struct stream *stream = find(now, heap);
    if (stream != NULL && (heap || !waits_alone(stream))) {
        netd.statistics.gave_way++;
        stream_reset(stream);
    }
}

// ---- The backlog

static bool waits_at(const struct tcp_pcb *pcb, const struct tcp_pcb_listen *listener)
{
    return pcb->listener == listener && (pcb->flags & TF_BACKLOGPEND) != 0;
}

// Offers those that are half-open, or else those that have sent nothing. New ones are at the front
// of the list, so in a flood the walk is about as long as the backlog.
static struct tcp_pcb *choose(const struct tcp_pcb_listen *listener, bool half_open)
{
    int64_t order = 0;
    unsigned left = listener->accepts_pending;
    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL && left > 0; pcb = pcb->next) {
        if (!waits_at(pcb, listener)) {
            continue;
        }
        const struct stream *stream = owner(pcb);
        bool idle = stream != NULL && stream->in_backlog && stream->received_bytes == 0;
        if (half_open ? pcb->state == SYN_RCVD : idle) {
            yield_offer(&pcb->remote_ip, -order, pcb);
        }
        order++;
        left--;
    }
    return yield_choice();
}

int stream_backlog_full(struct tcp_pcb_listen *listener, const ip_addr_t *newcomer)
{
    unsigned left = listener->accepts_pending;
    yield_begin();
    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL && left > 0; pcb = pcb->next) {
        if (waits_at(pcb, listener)) {
            yield_count(&pcb->remote_ip, 1);
            left--;
        }
    }
    struct tcp_pcb *pcb = choose(listener, true);
    if (pcb != NULL) {
        netd.statistics.gave_way_half_open++;
        guard_half_open_dropped(listener->local_port);
        tcp_abandon(pcb, 0);
        return 1;
    }
    // A whole connection is its peer's: it goes only for a peer that has fewer.
    pcb = choose(listener, false);
    if (pcb == NULL || yield_held(&pcb->remote_ip) <= yield_held(newcomer) + 1) {
        return 0;
    }
    netd.statistics.gave_way++;
    stream_reset(pcb->callback_arg);
    return 1;
}

// ---- TIME_WAIT

// The newest are at the front of the list.
void stream_cap_time_wait(void)
{
    uint32_t count = 0;
    for (const struct tcp_pcb *pcb = tcp_tw_pcbs; pcb != NULL; pcb = pcb->next) {
        count++;
    }
    if (count <= NETD_TIME_WAIT) {
        return;
    }
    yield_begin();
    for (const struct tcp_pcb *pcb = tcp_tw_pcbs; pcb != NULL; pcb = pcb->next) {
        yield_count(&pcb->remote_ip, 1);
    }
    yield_level(NETD_TIME_WAIT);
    for (struct tcp_pcb *pcb = tcp_tw_pcbs; pcb != NULL;) {
        struct tcp_pcb *next = pcb->next;
        if (!yield_keeps(&pcb->remote_ip)) {
            tcp_abort(pcb);
        }
        pcb = next;
    }
}
