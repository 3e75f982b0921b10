// SPDX-License-Identifier: MIT
#include "account.h"
#include "heap.h"
#include "stream.h"

// Responses up to this use small blocks, several if need be.
#define SMALL_WRITE (3 * PACKET_SMALL)

static uint32_t tail_room(const struct stream *stream)
{
    const struct chunk *last = stream->last_chunk;
    return last != NULL ? last->block->size - last->filled : 0;
}

// Packet memory that the stream may still take: it may hold no more than is left for others.
static uint32_t memory_share(const struct stream *stream)
{
    uint32_t left = netd.packets.free_bytes;
    return left > stream->block_bytes ? (left - stream->block_bytes) / 2 : 0;
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

uint32_t stream_writable(const struct stream *stream)
{
    uint32_t limit = send_limit(stream);
    uint32_t window = limit > stream->send_bytes ? limit - stream->send_bytes : 0;
    uint32_t memory = tail_room(stream) + memory_share(stream);
    return window < memory ? window : memory;
}

static struct chunk *chunk_add(struct stream *stream, uint32_t wanted)
{
    struct chunk *chunk = heap_allocate_zeroed(1, sizeof(*chunk));
    if (chunk == NULL)
        return NULL;
    chunk->block = packet_block_take(&netd.packets, wanted);
    if (chunk->block == NULL) {
        heap_free(chunk);
        return NULL;
    }
    stream->block_bytes += chunk->block->size;
    if (stream->last_chunk != NULL)
        stream->last_chunk->next = chunk;
    else
        stream->chunks = chunk;
    stream->last_chunk = chunk;
    return chunk;
}

static void chunk_free(struct stream *stream, struct chunk *chunk)
{
    stream->block_bytes -= chunk->block->size;
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
    if (stream->send_bytes == 0)
        stream->progress = ts_loop_now(netd.loop);
    while (status == TS_OK && length > 0) {
        struct chunk *chunk = stream->last_chunk;
        if (tail_room(stream) == 0)
            chunk = chunk_add(stream, length > SMALL_WRITE ? PACKET_LARGE : PACKET_SMALL);
        if (chunk == NULL)
            break;
        uint32_t room = chunk->block->size - chunk->filled;
        uint32_t part = length < room ? length : room;
        uint8_t *bytes = packet_block_bytes(&netd.packets, chunk->block) + chunk->filled;
        status = ts_request_pull(request, bytes, part, done + *out_pulled);
        if (status != TS_OK)
            break;
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
    if (stream->on_starved)
        return;
    stream->on_starved = true;
    stream->starved_next = netd.starved;
    netd.starved = stream;
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
        if (memory_share(stream) < STREAM_SEND_LOW)
            wait_for_memory(stream);
        return false;
    }
    *out_status = pull_bytes(stream, request, done, now < left ? now : left, &pulled);
    done += pulled;
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
    while (stream->writes.first != NULL && serve_write(stream))
        ;
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
    if (stream->writes.first == NULL)
        (void)go_on_writing(stream, request, &over, &status);
    uint32_t done = written(request);
    if (over)
        ts_request_reply(request, status, done);
    else if (nowait || (done > 0 && !account_take(ACCOUNT_REQUESTS, request->client, 1)))
        ts_request_reply(request, done > 0 ? TS_OK : TS_ERR_AGAIN, done);
    else if (done > 0)
        request_put(&stream->writes, request);
    else
        (void)request_keep(&stream->writes, request);
    if (stream->send_bytes != before || nowait)
        stream_mark(stream); // sent with the batch
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

static void send_end(struct stream *stream)
{
    err_t error;
    if (stream->session != NULL) {
        error = tcp_shutdown(stream->pcb, 0, 1);
    } else {
        error = tcp_close(stream->pcb);
    }
    stream->end_sent = error == ERR_OK; // else on_poll tries again
}

void stream_push_out(struct stream *stream)
{
    if (stream->pcb == NULL || stream->state != STREAM_CONNECTED || stream->end_sent)
        return;
    for (struct chunk *chunk = stream->chunks; chunk != NULL; chunk = chunk->next) {
        uint32_t left = chunk->filled - chunk->queued, window = tcp_sndbuf(stream->pcb);
        uint32_t length = left < window ? left : window;
        if (left == 0)
            continue;
        if (length == 0)
            return;
        const uint8_t *bytes = packet_block_bytes(&netd.packets, chunk->block) + chunk->queued;
        bool more = length < left || chunk->next != NULL;
        if (tcp_write(stream->pcb, bytes, (u16_t)length, more ? TCP_WRITE_FLAG_MORE : 0) != ERR_OK)
            return;
        chunk->queued += length;
        if (length < left)
            return;
    }
    if (stream->write_shut && stream->writes.first == NULL)
        send_end(stream);
}

void stream_acknowledged(struct stream *stream, uint32_t bytes)
{
    stream->progress = ts_loop_now(netd.loop);
    while (bytes > 0 && stream->chunks != NULL) {
        struct chunk *chunk = stream->chunks;
        uint32_t left = chunk->queued - chunk->acknowledged;
        uint32_t part = bytes < left ? bytes : left;
        chunk->acknowledged += part;
        stream->send_bytes -= part;
        bytes -= part;
        if (chunk->acknowledged < chunk->filled)
            return;
        stream->chunks = chunk->next;
        if (stream->chunks == NULL)
            stream->last_chunk = NULL;
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
}

void stream_starved_again(void)
{
    struct stream *stream = netd.starved;
    netd.starved = NULL;
    while (stream != NULL) {
        struct stream *next = stream->starved_next;
        stream->on_starved = false;
        stream_serve_writes(stream); // puts itself back where there is still too little
        stream_mark(stream);
        stream = next;
    }
}
