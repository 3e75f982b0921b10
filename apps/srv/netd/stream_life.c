// SPDX-License-Identifier: MIT
// A stream's life, but for what lwIP and the client call: made, waiting to be accepted, over, let
// go by lwIP, freed.
#include <lwip/priv/tcp_priv.h>

#include "account.h"
#include "heap.h"
#include "remains.h"
#include "stream.h"

// ---- The backlog

void stream_backlog_put(struct stream *listener, struct stream *stream)
{
    stream->in_backlog = true;
    stream->listener = listener;
    stream->backlog_next = NULL;
    if (listener->last_backlog != NULL) {
        listener->last_backlog->backlog_next = stream;
    } else {
        listener->backlog = stream;
    }
    listener->last_backlog = stream;
    listener->backlog_count++;
}

void stream_backlog_remove(struct stream *stream)
{
    struct stream *listener = stream->listener, *before = NULL;
    for (struct stream *at = listener->backlog; at != stream; at = at->backlog_next) {
        before = at;
    }
    if (before != NULL) {
        before->backlog_next = stream->backlog_next;
    } else {
        listener->backlog = stream->backlog_next;
    }
    if (listener->last_backlog == stream) {
        listener->last_backlog = before;
    }
    stream->in_backlog = false;
    stream->listener = NULL;
    listener->backlog_count--;
}

// ---- Beginning and end

static void stream_free(struct stream *stream)
{
    account_give(ACCOUNT_MEMORY, stream->client, heap_size(stream));
    heap_free(stream);
}

struct stream *stream_new(struct session *session, uint32_t client, enum address_kind kind,
                          const struct ts_operations *operations)
{
    struct stream *stream = heap_allocate_zeroed(1, sizeof(*stream));
    if (stream == NULL || !account_take(ACCOUNT_MEMORY, client, heap_size(stream))) {
        heap_free(stream);
        return NULL;
    }
    stream->client = client;
    if (!session_add(session, client)) {
        stream_free(stream);
        return NULL;
    }
    stream->object.operations = operations;
    stream->session = session;
    stream->kind = kind;
    return stream;
}

// The pcb goes its own way, without us.
static void stream_detach(struct stream *stream)
{
    struct tcp_pcb *pcb = stream->pcb;
    stream->pcb = NULL;
    if (pcb == NULL) {
        return;
    }
    remains_drop(stream);
    stream_settle_early(stream);
    tcp_arg(pcb, NULL);
    if (pcb->state == LISTEN) {
        return;
    }
    tcp_free_ooseq(pcb);
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    tcp_err(pcb, NULL);
    tcp_poll(pcb, NULL, 0);
}

void stream_release(struct stream *stream)
{
    if (stream->session != NULL || stream->pcb != NULL) {
        return;
    }
    stream_unmark(stream);
    if (stream->on_starved) {
        stream_leave_starved(stream);
    }
    stream_drop_chunks(stream);
    stream_drop_received(stream);
    stream_free(stream);
}

void stream_abort(struct stream *stream)
{
    struct tcp_pcb *pcb = stream->pcb;
    stream_detach(stream);
    if (pcb != NULL) {
        tcp_abort(pcb);
    }
    stream_drop_chunks(stream);
}

void stream_answer_connect(struct stream *stream, ts_status_t status)
{
    struct ts_request *request = stream->connecting;
    stream->connecting = NULL;
    if (request == NULL) {
        return;
    }
    request_let_go(request);
    ts_request_reply(request, status, 0);
}

void stream_over(struct stream *stream, ts_status_t error)
{
    stream->state = STREAM_OVER;
    stream->error = error;
    if (stream->on_starved) {
        stream_leave_starved(stream);
    }
    stream_drop_chunks(stream);
    if (stream->connecting != NULL) {
        stream->error = TS_OK; // told
    }
    stream_answer_connect(stream, error);
    request_fail_all(&stream->writes, error != TS_OK ? error : TS_ERR_PEER_CLOSED);
    stream_serve_reads(stream);
    if (stream->in_backlog) { // nobody has seen it
        stream_backlog_remove(stream);
        session_drop(stream->session, stream->client);
        stream->session = NULL;
    }
    if (stream->session != NULL) {
        stream_mark(stream);
    }
    stream_release(stream);
}

void stream_reset(struct stream *stream)
{
    netd.statistics.refused_limit++;
    stream_abort(stream);
    stream_drop_received(stream);
    stream_over(stream, TS_ERR_RESET);
}

void stream_check_end(struct stream *stream)
{
    if (stream->pcb == NULL || !stream->end_sent || stream->chunks != NULL) {
        return;
    }
    if (stream->session == NULL) {
        stream_detach(stream);
        stream_release(stream);
    } else if (stream->peer_end) {
        stream_detach(stream);
        stream_over(stream, TS_OK);
    }
}
