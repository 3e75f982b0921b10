// SPDX-License-Identifier: MIT
#include <string.h>

#include "account.h"
#include "heap.h"
#include "stream.h"

#define GATHER_MAX 4096u // pieces up to this are put together before they are given

bool stream_received(struct stream *stream, struct pbuf *data)
{
    uint32_t length = data->tot_len;
    if (stream->read_shut) {
        tcp_recved(stream->pcb, data->tot_len);
        pbuf_free(data);
        stream_settle_early(stream);
        return true;
    }
    struct piece *piece = heap_allocate(sizeof(*piece));
    if (piece == NULL) {
        return false;
    }
    *piece = (struct piece){.pbuf = data, .cost = stream_take_early(stream)};
    if (stream->last_received != NULL) {
        stream->last_received->next = piece;
    } else {
        stream->received = piece;
    }
    stream->last_received = piece;
    if (stream->received_bytes == 0) {
        stream->receiving = ts_loop_now(netd.loop);
    }
    stream->received_bytes += length;
    stream_serve_reads(stream);
    stream_mark(stream);
    return true;
}

// The first `bytes` are the client's now: the window opens by them.
static void consume(struct stream *stream, uint32_t bytes)
{
    stream->receiving = ts_loop_now(netd.loop);
    stream->received_bytes -= bytes;
    netd.statistics.bytes_pushed += bytes;
    for (uint32_t left = bytes; left > 0;) {
        struct piece *piece = stream->received;
        uint32_t length = piece->pbuf->tot_len;
        uint32_t part = left < length ? left : length;
        left -= part;
        piece->pbuf = pbuf_free_header(piece->pbuf, (u16_t)part);
        if (part < length) {
            break;
        }
        stream->received = piece->next;
        if (stream->received == NULL) {
            stream->last_received = NULL;
        }
        account_give(ACCOUNT_MEMORY, stream->client, piece->cost);
        heap_free(piece);
    }
    struct tcp_pcb *pcb = stream->pcb;
    stream->read_since += bytes;
    if (pcb != NULL && stream->read_since >= TCP_WND / 2) {
        bytes = stream_window_look(stream, bytes);
    }
    while (bytes > 0 && pcb != NULL) {
        u16_t part = bytes < 0xffff ? (u16_t)bytes : 0xffff;
        tcp_recved(pcb, part);
        bytes -= part;
    }
}

void stream_drop_received(struct stream *stream)
{
    if (stream->received_bytes > 0) {
        consume(stream, stream->received_bytes);
    }
}

// Pushes `length` received bytes to byte `offset` of the client's range.
static ts_status_t push_bytes(struct stream *stream, struct ts_request *request, uint32_t length,
                              uint32_t offset)
{
    for (struct piece *piece = stream->received; piece != NULL; piece = piece->next) {
        for (struct pbuf *pbuf = piece->pbuf; pbuf != NULL; pbuf = pbuf->next) {
            uint32_t part = pbuf->len < length ? pbuf->len : length;
            if (part == 0) {
                continue;
            }
            ts_status_t status = ts_request_push(request, pbuf->payload, part, offset);
            if (status != TS_OK) {
                return status;
            }
            offset += part;
            length -= part;
            if (length == 0) {
                return TS_OK;
            }
        }
    }
    return TS_OK;
}

static void gather(const struct stream *stream, uint8_t *buffer, uint32_t length)
{
    for (const struct piece *piece = stream->received; length > 0; piece = piece->next) {
        uint32_t here = piece->pbuf->tot_len;
        uint32_t part = length < here ? length : here;
        pbuf_copy_partial(piece->pbuf, buffer, (u16_t)part, 0);
        buffer += part;
        length -= part;
    }
}

// What a request gets besides bytes.
struct extra {
    struct ts_net_received header;
    bool has_header, peek;
};

static struct extra extra_of(const struct stream *stream, const struct ts_request *request)
{
    struct extra extra = {0};
    if (request->op == TS_OP_READ) {
        return extra;
    }
    extra.has_header = true;
    extra.peek = ((uintptr_t)request->context & TS_NET_RECEIVE_PEEK) != 0;
    extra.header.from = address_make(&stream->peer.ip, stream->peer.port, stream->kind);
    return extra;
}

// Answers with the bytes that are there, consumes them if they arrived.
static void give_bytes(struct stream *stream, struct ts_request *request)
{
    struct extra extra = extra_of(stream, request);
    uint32_t before = extra.has_header ? (uint32_t)sizeof(extra.header) : 0;
    uint32_t room = request->room - before;
    uint32_t length = stream->received_bytes < room ? stream->received_bytes : room;
    uint8_t buffer[sizeof(extra.header) + GATHER_MAX];
    ts_status_t status;
    extra.header.length = length;
    memcpy(buffer, &extra.header, sizeof(extra.header));
    const struct pbuf *first = stream->received != NULL ? stream->received->pbuf : NULL;
    if (!extra.has_header && first != NULL && first->len >= length) {
        status = ts_request_reply_now(request, TS_OK, length, first->payload, length);
    } else if (length <= GATHER_MAX) {
        gather(stream, buffer + before, length);
        status = ts_request_reply_now(request, TS_OK, before + length, buffer, before + length);
    } else {
        status = push_bytes(stream, request, length, before);
        if (status != TS_OK) {
            ts_request_reply(request, status, 0);
            return;
        }
        status = ts_request_reply_now(request, TS_OK, before + length, buffer, before);
    }
    if (status == TS_OK && !extra.peek && length > 0) {
        consume(stream, length);
    }
}

// Whether a read can be answered now.
static bool readable(const struct stream *stream)
{
    return stream->received_bytes > 0 || stream->peer_end || stream->read_shut ||
           stream->state == STREAM_OVER;
}

static void answer_read(struct stream *stream, struct ts_request *request)
{
    if (stream->received_bytes == 0 && stream->error != TS_OK) {
        ts_request_reply(request, stream->error, 0);
        stream->error = TS_OK;
    } else {
        give_bytes(stream, request); // nothing there: the end, a value of 0
    }
}

void stream_serve_reads(struct stream *stream)
{
    while (stream->reads.first != NULL && readable(stream)) {
        answer_read(stream, request_take(&stream->reads));
    }
}

static void receive(struct ts_request *request, struct stream *stream)
{
    bool nowait = (request->flags & TS_FLAG_NOWAIT) != 0 || stream->nowait;
    if (stream->state != STREAM_CONNECTED && stream->state != STREAM_OVER) {
        ts_request_reply(request, TS_ERR_NOT_CONNECTED, 0);
    } else if (request->op == TS_OP_READ && request->room == 0) {
        ts_request_reply(request, TS_OK, 0);
    } else if (stream->reads.first == NULL && readable(stream)) {
        answer_read(stream, request);
        if (stream->object.signals != 0) {
            stream_mark(stream);
        }
    } else if (nowait) {
        ts_request_reply(request, TS_ERR_AGAIN, 0);
    } else {
        (void)request_keep(&stream->reads, request);
    }
}

void stream_read(struct ts_request *request)
{
    receive(request, TS_OBJECT_OF(request->object, struct stream, object));
}

void stream_receive_call(struct ts_request *request, struct stream *stream)
{
    uint32_t flags;
    ts_status_t status = request_receive_flags(request, &flags);
    if (status != TS_OK) {
        ts_request_reply(request, status, 0);
        return;
    }
    request->context = (void *)(uintptr_t)flags;
    receive(request, stream);
}
