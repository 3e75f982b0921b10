// SPDX-License-Identifier: MIT
#include "account.h"
#include "stream.h"

// The first connection that waits, which is there. A client that gave up, or has no oid left,
// leaves it to the next accept.
static void give_connection(struct stream *listener, struct ts_request *request)
{
    struct stream *stream = listener->backlog;
    if (ts_request_reply_mint(request, &stream->object, SOCKET_RIGHTS, 0) != TS_OK) {
        return;
    }
    stream_backlog_remove(stream);
    if (stream->pcb != NULL) {
        tcp_backlog_accepted(stream->pcb);
    }
    netd.statistics.accepted++;
    stream_mark(stream);
}

// Connections that wait go to accepts that wait.
static void serve_accepts(struct stream *listener)
{
    while (listener->backlog != NULL && listener->accepts.first != NULL) {
        give_connection(listener, request_take(&listener->accepts));
    }
}

static err_t on_accept(void *argument, struct tcp_pcb *pcb, err_t error)
{
    struct stream *listener = argument;
    if (error != ERR_OK || pcb == NULL) {
        return ERR_VAL; // lwIP had no memory for it; nothing to take
    }
    struct stream *stream = stream_new(listener->session, listener->client, listener->kind,
                                       listener->object.operations);
    if (stream == NULL) {
        return ERR_MEM; // lwIP resets it
    }
    stream_attach(stream, pcb);
    stream->no_delay = listener->no_delay;
    stream_apply_no_delay(stream);
    tcp_backlog_delayed(pcb);
    stream_backlog_put(listener, stream);
    serve_accepts(listener);
    stream_mark(listener);
    return ERR_OK;
}

void stream_listen(struct ts_request *request, struct stream *stream)
{
    uint32_t backlog;
    err_t error = ERR_OK;
    ts_status_t status = request_word(request, &backlog);
    if (status == TS_OK && backlog == 0) {
        status = TS_ERR_ARGUMENT;
    }
    if (status == TS_OK && backlog > TS_NET_BACKLOG_MAX) {
        backlog = TS_NET_BACKLOG_MAX;
    }
    if (status == TS_OK && stream->state == STREAM_LISTENING) {
        tcp_backlog_set(stream->pcb, (u8_t)backlog);
    } else if (status == TS_OK && (stream->state != STREAM_NEW || stream->pcb == NULL ||
                                   stream->pcb->local_port == 0)) {
        status = TS_ERR_ARGUMENT; // bind comes first
    } else if (status == TS_OK) {
        account_pcb_leave(stream->pcb); // where it succeeds, another takes its place
        struct tcp_pcb *listening =
            tcp_listen_with_backlog_and_err(stream->pcb, (u8_t)backlog, &error);
        account_pcb_enter(listening != NULL ? listening : stream->pcb);
        status = listening == NULL ? address_error(error) : TS_OK;
        if (status == TS_OK) { // the old pcb is gone
            stream->pcb = listening;
            stream->state = STREAM_LISTENING;
            tcp_arg(listening, stream);
            tcp_accept(listening, on_accept);
        }
    }
    ts_request_reply(request, status, 0);
}

void stream_accept(struct ts_request *request)
{
    struct stream *stream = TS_OBJECT_OF(request->object, struct stream, object);
    bool nowait = (request->flags & TS_FLAG_NOWAIT) != 0 || stream->nowait;
    if (stream->state != STREAM_LISTENING) {
        ts_request_reply(request, TS_ERR_ARGUMENT, 0);
    } else if (stream->backlog != NULL) { // then no accept waits
        give_connection(stream, request);
        stream_mark(stream);
    } else if (nowait) {
        ts_request_reply(request, TS_ERR_AGAIN, 0);
    } else {
        (void)request_keep(&stream->accepts, request);
    }
}

void stream_stop_listening(struct stream *stream)
{
    struct tcp_pcb *pcb = stream->pcb;
    request_fail_all(&stream->accepts, TS_ERR_CANCELLED);
    while (stream->backlog != NULL) {
        struct stream *waiting = stream->backlog;
        stream_backlog_remove(waiting);
        session_drop(waiting->session, waiting->client);
        waiting->session = NULL;
        stream_abort(waiting);
        stream_release(waiting);
    }
    stream->pcb = NULL;
    stream->state = STREAM_OVER;
    if (pcb != NULL) {
        tcp_arg(pcb, NULL);
        tcp_accept(pcb, NULL);
        (void)tcp_close(pcb); // a listening pcb closes at once
    }
}
