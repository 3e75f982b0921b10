// SPDX-License-Identifier: MIT
#include "account.h"
#include "heap.h"
#include "stream.h"

// Responses up to this use small blocks, several if need be.
#define SMALL_WRITE (3 * PACKET_SMALL)

#define QUEUE_SLACK     64u // pbufs that stay paid for while something is queued
#define STARVED_AT_ONCE 32u

static uint32_t tail_room(const struct stream *stream)
{
    const struct chunk *last = stream->last_chunk;
    return last != NULL ? last->block->size - last->filled : 0;
}

static uint32_t held[STREAM_HOLDERS]; // packet memory

// Packet memory that the stream may still take, exact unless it is `enough`: it may hold no more
// than is left for others, and its client's share is the client's other streams' too. While one of
// these waits nothing goes to an address that has more than the client has left.
static uint32_t memory_share(const struct stream *stream, uint32_t enough)
{
    uint32_t left = netd.packets.free_bytes;
    uint32_t own = left > stream->block_bytes ? (left - stream->block_bytes) / 2 : 0;
    if (left >= PACKET_BLOCK_BYTES / 2 + enough) {
        return own; // though all that is taken were its client's
    }
    uint64_t of_client = account_left(ACCOUNT_PACKETS, stream->client);
    if (held[stream->holder] > of_client && account_of(ACCOUNT_WAITING, stream->client) > 0) {
        return 0;
    }
    return own < of_client ? own : (uint32_t)of_client;
}

// Bytes that may be written and not acknowledged: what is on its way in a round trip, and as much
// again to be sent in the next.
static uint32_t send_limit(const struct stream *stream)
{
    uint32_t wanted = stream->pcb != NULL && stream->state == STREAM_CONNECTED
                          ? 2 * stream->pcb->cwnd
                          : STREAM_SEND_LEAST;
    wanted = wanted > STREAM_SEND_LEAST ? wanted : STREAM_SEND_LEAST;
    return wanted < STREAM_SEND_MAX ? wanted : STREAM_SEND_MAX;
}

static uint32_t send_window(const struct stream *stream)
{
    uint32_t limit = send_limit(stream);
    return limit > stream->send_bytes ? limit - stream->send_bytes : 0;
}

uint32_t stream_writable(const struct stream *stream)
{
    uint32_t window = send_window(stream);
    uint32_t memory = tail_room(stream) + memory_share(stream, window);
    return window < memory ? window : memory;
}

// Whether it is memory that a write waits for: else acknowledgements make room, and come.
static bool lacks_memory(const struct stream *stream)
{
    uint32_t window = send_window(stream), writable = stream_writable(stream);
    return writable < window && writable < STREAM_SEND_LOW;
}

// A block that the client pays for; NULL: there is none, or it has its share.
static struct packet_block *take_block(struct stream *stream, uint32_t wanted)
{
    struct packet_block *block = packet_block_take(&netd.packets, wanted);
    if (block == NULL || account_take(ACCOUNT_PACKETS, stream->client, block->size)) {
        return block;
    }
    packet_block_put(&netd.packets, block);
    return NULL;
}

static struct chunk *chunk_add(struct stream *stream, uint32_t wanted)
{
    struct chunk *chunk = heap_allocate_zeroed(1, sizeof(*chunk));
    if (chunk == NULL) {
        return NULL;
    }
    chunk->block = take_block(stream, wanted);
    if (chunk->block == NULL && wanted > PACKET_SMALL) {
        chunk->block = take_block(stream, PACKET_SMALL);
    }
    if (chunk->block == NULL) {
        heap_free(chunk);
        return NULL;
    }
    stream->block_bytes += chunk->block->size;
    held[stream->holder] += chunk->block->size;
    if (stream->last_chunk != NULL) {
        stream->last_chunk->next = chunk;
    } else {
        stream->chunks = chunk;
    }
    stream->last_chunk = chunk;
    return chunk;
}

static void chunk_free(struct stream *stream, struct chunk *chunk)
{
    stream->block_bytes -= chunk->block->size;
    held[stream->holder] -= chunk->block->size;
    account_give(ACCOUNT_PACKETS, stream->client, chunk->block->size);
    packet_block_put(&netd.packets, chunk->block);
    heap_free(chunk);
}

// Pulls up to `length` bytes from byte `done` of the request on; this is the one copy on the way
// from the client to the card. *out_pulled may be short: no memory.
static ts_status_t pull_bytes(struct stream *stream, struct ts_request *request, uint32_t done,
                              uint32_t length, uint32_t *out_pulled)
{
    ts_status_t status = TS_OK;
    *out_pulled = 0;
    if (stream->send_bytes == 0) {
        stream->progress = ts_loop_now(netd.loop);
    }
    while (status == TS_OK && length > 0) {
        struct chunk *chunk = stream->last_chunk;
        if (tail_room(stream) == 0) {
            chunk = chunk_add(stream, length > SMALL_WRITE ? PACKET_LARGE : PACKET_SMALL);
        }
        if (chunk == NULL) {
            break;
        }
        uint32_t room = chunk->block->size - chunk->filled;
        uint32_t part = length < room ? length : room;
        uint8_t *bytes = packet_block_bytes(&netd.packets, chunk->block) + chunk->filled;
        status = ts_request_pull(request, bytes, part, done + *out_pulled);
        if (status != TS_OK) {
            break;
        }
        chunk->filled += part;
        stream->send_bytes += part;
        netd.statistics.bytes_pulled += part;
        *out_pulled += part;
        length -= part;
    }
    return status;
}

static void wait_for_memory(struct stream *stream)
{
    if (stream->on_starved) {
        return;
    }
    stream->on_starved = true;
    stream->starved_next = NULL;
    if (netd.starved != NULL) {
        netd.last_starved->starved_next = stream;
    } else {
        netd.starved = stream;
    }
    netd.last_starved = stream;
    netd.starved_count++;
    (void)account_take(ACCOUNT_WAITING, stream->client, 1); // it has sockets: there is a place
}

// Goes on with a write, the first. *out_status: the answer, once it is through or failed. False: it
// has to wait.
static bool go_on_writing(struct stream *stream, struct ts_request *request, bool *out_over,
                          ts_status_t *out_status)
{
    uint32_t done = (uint32_t)(uintptr_t)request->context;
    uint32_t left = request->length - done;
    uint32_t now = stream_writable(stream), pulled = 0;
    *out_over = false;
    if (now < left && now < STREAM_SEND_LOW) {
        if (lacks_memory(stream)) {
            wait_for_memory(stream);
        }
        return false;
    }
    *out_status = pull_bytes(stream, request, done, now < left ? now : left, &pulled);
    done += pulled;
    if (pulled == 0) {
        wait_for_memory(stream);
    }
    request->context = (void *)(uintptr_t)done;
    *out_over = *out_status != TS_OK || done == request->length;
    return *out_over || pulled > 0;
}

static uint32_t written(const struct ts_request *request)
{
    return (uint32_t)(uintptr_t)request->context;
}

static bool serve_write(struct stream *stream)
{
    struct ts_request *request = stream->writes.first;
    ts_status_t status;
    bool over, went_on = go_on_writing(stream, request, &over, &status);
    if (over) {
        request_take(&stream->writes);
        ts_request_reply(request, status, written(request));
    }
    return went_on;
}

void stream_serve_writes(struct stream *stream)
{
    while (stream->writes.first != NULL && serve_write(stream)) {
        ;
    }
    stream_push_out(stream);
}

// A new write, of at least a byte. What can be answered at once is, and kept is what has to wait:
// one that must not, or may not any more, is answered with what fitted.
static void write_or_keep(struct stream *stream, struct ts_request *request)
{
    bool nowait = (request->flags & TS_FLAG_NOWAIT) != 0 || stream->nowait, over = false;
    ts_status_t status = TS_OK;
    uint64_t before = stream->send_bytes;
    request->context = NULL;
    if (stream->writes.first == NULL) {
        (void)go_on_writing(stream, request, &over, &status);
    }
    uint32_t done = written(request);
    if (over) {
        ts_request_reply(request, status, done);
    } else if (nowait || (done > 0 && !account_take(ACCOUNT_REQUESTS, request->client, 1))) {
        ts_request_reply(request, done > 0 ? TS_OK : TS_ERR_AGAIN, done);
    } else if (done > 0) {
        ts_request_list_add(&stream->writes, request);
    } else {
        (void)request_keep(&stream->writes, request);
    }
    if (stream->send_bytes != before || nowait) {
        stream_mark(stream); // sent with the batch
    }
}

void stream_write(struct ts_request *request)
{
    struct stream *stream = TS_OBJECT_OF(request->object, struct stream, object);
    ts_status_t status = TS_OK;
    if (stream->state == STREAM_OVER) {
        status = stream->error != TS_OK ? stream->error : TS_ERR_PEER_CLOSED;
        stream->error = TS_OK;
        stream_mark(stream);
    } else if (stream->state != STREAM_CONNECTED) {
        status = TS_ERR_NOT_CONNECTED;
    } else if (stream->write_shut) {
        status = TS_ERR_PEER_CLOSED;
    }
    if (status != TS_OK || request->length == 0) {
        ts_request_reply(request, status, 0);
        return;
    }
    write_or_keep(stream, request);
}

// Not by tcp_close: that resets the connection and frees the pcb, and does not tell us, where the
// segment that is being taken brought data or an end besides its acknowledgement.
static void send_end(struct stream *stream)
{
    err_t error = tcp_shutdown(stream->pcb, 0, 1);
    if (stream->session == NULL) {
        if (error == ERR_CONN) { // its end was sent before
            error = ERR_OK;
        }
        if (error == ERR_OK) { // from now on data of the peer's, or time, ends it
            tcp_set_flags(stream->pcb, TF_RXCLOSED);
        }
    }
    stream->end_sent = error == ERR_OK; // else on_poll tries again
}

static uint32_t segment_bytes(const struct tcp_pcb *pcb)
{
    uint32_t half = pcb->snd_wnd_max / 2; // as tcp_write has it
    return half == 0 || half > pcb->mss ? pcb->mss : half;
}

// Pays for what lwIP's queues will have at the most, before they have it. False: the client has its
// share.
static bool pay_for_queue(struct stream *stream, uint32_t most)
{
    uint32_t paid = stream->queue_paid + ACCOUNT_QUEUED_FREE;
    if (most <= paid) {
        return true;
    }
    if (!account_take(ACCOUNT_MEMORY, stream->client, (most - paid) * ACCOUNT_QUEUED)) {
        return false;
    }
    stream->queue_paid = (uint16_t)(most - ACCOUNT_QUEUED_FREE);
    return true;
}

// Gives back what was paid for more than `needed` pbufs; a little is kept for the next segments.
static void settle_queue(struct stream *stream, uint32_t needed)
{
    uint32_t more = needed > ACCOUNT_QUEUED_FREE ? needed - ACCOUNT_QUEUED_FREE : 0;
    if (stream->queue_paid <= more || (more > 0 && stream->queue_paid - more < QUEUE_SLACK)) {
        return;
    }
    account_give(ACCOUNT_MEMORY, stream->client, (stream->queue_paid - more) * ACCOUNT_QUEUED);
    stream->queue_paid = (uint16_t)more;
}

// How many of these bytes lwIP gets now: no more than it has room for, and over the client's share
// one segment at a time. Each needs two pbufs, and the last one that is queued gets one.
static uint32_t payable(struct stream *stream, uint32_t length)
{
    const struct tcp_pcb *pcb = stream->pcb;
    uint32_t mss = segment_bytes(pcb);
    if (pcb->snd_queuelen == 0 && length <= mss) {
        return length; // ACCOUNT_QUEUED_FREE is for this
    }
    uint32_t has = pcb->snd_queuelen + (pcb->unsent != NULL);
    uint32_t more = 2 * ((length + mss - 1) / mss);
    if (has + more > TCP_SND_QUEUELEN) { // such small segments
        more = has < TCP_SND_QUEUELEN ? (TCP_SND_QUEUELEN - has) & ~1u : 0;
        length = more / 2 * mss;
    }
    if (length == 0 || pay_for_queue(stream, has + more)) {
        return length;
    }
    if (pcb->snd_queuelen > 0) {
        return 0; // acknowledgements make room
    }
    return length < mss ? length : mss;
}

void stream_push_out(struct stream *stream)
{
    if (stream->pcb == NULL || stream->state != STREAM_CONNECTED || stream->end_sent) {
        return;
    }
    for (struct chunk *chunk = stream->chunks; chunk != NULL; chunk = chunk->next) {
        uint32_t left = chunk->filled - chunk->queued, window = tcp_sndbuf(stream->pcb);
        if (left == 0) {
            continue;
        }
        uint32_t length = payable(stream, left < window ? left : window);
        if (length == 0) {
            return;
        }
        const uint8_t *bytes = packet_block_bytes(&netd.packets, chunk->block) + chunk->queued;
        bool more = length < left || chunk->next != NULL;
        if (tcp_write(stream->pcb, bytes, (u16_t)length, more ? TCP_WRITE_FLAG_MORE : 0) !=
            ERR_OK) {
            return;
        }
        chunk->queued += length;
        if (length < left) {
            return;
        }
    }
    if (stream->write_shut && stream->writes.first == NULL) {
        send_end(stream);
    }
}

void stream_acknowledged(struct stream *stream, uint32_t bytes)
{
    stream->progress = ts_loop_now(netd.loop);
    settle_queue(stream, stream->pcb->snd_queuelen);
    while (bytes > 0 && stream->chunks != NULL) {
        struct chunk *chunk = stream->chunks;
        uint32_t left = chunk->queued - chunk->acknowledged;
        uint32_t part = bytes < left ? bytes : left;
        chunk->acknowledged += part;
        stream->send_bytes -= part;
        bytes -= part;
        if (chunk->acknowledged < chunk->filled) {
            return;
        }
        stream->chunks = chunk->next;
        if (stream->chunks == NULL) {
            stream->last_chunk = NULL;
        }
        chunk_free(stream, chunk);
    }
}

void stream_drop_chunks(struct stream *stream)
{
    while (stream->chunks != NULL) {
        struct chunk *chunk = stream->chunks;
        stream->chunks = chunk->next;
        chunk_free(stream, chunk);
    }
    stream->last_chunk = NULL;
    stream->send_bytes = 0;
    settle_queue(stream, 0);
}

void stream_leave_starved(struct stream *stream)
{
    struct stream **at = &netd.starved, *before = NULL;
    while (*at != stream) {
        before = *at;
        at = &before->starved_next;
    }
    *at = stream->starved_next;
    stream->on_starved = false;
    netd.starved_count--;
    account_give(ACCOUNT_WAITING, stream->client, 1);
    netd.starved_tries = netd.starved_count; // what had tried
    if (netd.last_starved == stream) {
        netd.last_starved = before;
    }
}

static struct stream *take_starved(void)
{
    struct stream *stream = netd.starved;
    netd.starved = stream->starved_next;
    netd.starved_count--;
    account_give(ACCOUNT_WAITING, stream->client, 1);
    stream->on_starved = false;
    return stream;
}

// The first ones, so that a client whose streams all wait cannot keep the others'.
void stream_starved_again(void)
{
    for (unsigned i = 0; i < STARVED_AT_ONCE && netd.starved_tries > 0; i++) {
        struct stream *stream = take_starved();
        netd.starved_tries--;
        stream_serve_writes(stream); // puts itself back where there is still too little
        bool may_write = stream->state == STREAM_CONNECTED && !stream->write_shut;
        if (stream->session != NULL && may_write && lacks_memory(stream)) {
            wait_for_memory(stream); // its signal waits too
        }
        stream_mark(stream);
    }
}
