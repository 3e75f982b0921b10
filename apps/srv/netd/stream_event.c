// SPDX-License-Identifier: MIT
// What lwIP tells of a connection: data, acknowledgements, the end. And how a stream comes to a pcb
// that tells it.
#include <lwip/priv/tcp_priv.h>

#include "account.h"
#include "remains.h"
#include "stream.h"
#include "yield.h"

void stream_keep_addresses(struct stream *stream)
{
    stream->receiving = ts_loop_now(netd.loop); // what comes too early is not older
    ip_addr_copy(stream->local.ip, stream->pcb->local_ip);
    ip_addr_copy(stream->peer.ip, stream->pcb->remote_ip);
    stream->local.port = stream->pcb->local_port;
    stream->peer.port = stream->pcb->remote_port;
    stream->holder =
        (uint16_t)((yield_address(&stream->peer.ip) + stream->client * 61) % STREAM_HOLDERS);
}

static err_t on_received(void *argument, struct tcp_pcb *pcb, struct pbuf *data, err_t error)
{
    struct stream *stream = argument;
    (void)pcb;
    (void)error;
    if (data != NULL && stream->session == NULL) { // nobody reads it: the peer is told
        pbuf_free(data);
        stream_abort(stream);
        stream_release(stream);
        return ERR_ABRT;
    }
    if (data != NULL && !stream_received(stream, data)) {
        return ERR_MEM;
    }
    if (data != NULL && !stream_pay_unread(stream)) {
        stream_reset(stream);
        return ERR_ABRT;
    }
    if (data != NULL) {
        return ERR_OK;
    }
    stream->peer_end = true;
    stream_serve_reads(stream);
    stream_mark(stream);
    stream_check_end(stream);
    return ERR_OK;
}

static err_t on_sent(void *argument, struct tcp_pcb *pcb, u16_t length)
{
    struct stream *stream = argument;
    (void)pcb;
    stream_acknowledged(stream, length);
    if (stream->session != NULL) {
        stream_serve_writes(stream);
        stream_mark(stream);
    } else {
        stream_push_out(stream);
    }
    stream_check_end(stream);
    return ERR_OK;
}

// Twice a second: what lwIP had no memory for.
static err_t on_poll(void *argument, struct tcp_pcb *pcb)
{
    struct stream *stream = argument;
    (void)pcb;
    stream_push_out(stream);
    if (stream->early != 0) {
        stream_settle_early(stream); // lwIP forgets what came too early when nothing follows
    }
    return ERR_OK;
}

// lwIP has freed the pcb.
static void on_error(void *argument, err_t error)
{
    struct stream *stream = argument;
    stream->pcb = NULL;
    remains_drop(stream);
    stream_settle_early(stream);
    ts_status_t status = address_error(error);
    if (error == ERR_RST && stream->state == STREAM_CONNECTING) {
        status = TS_ERR_REFUSED;
    }
    if (error == ERR_CLSD) {
        status = TS_OK;
    }
    stream_over(stream, status);
}

void stream_attach(struct stream *stream, struct tcp_pcb *pcb)
{
    stream->pcb = pcb;
    tcp_arg(pcb, stream);
    tcp_recv(pcb, on_received);
    tcp_sent(pcb, on_sent);
    tcp_err(pcb, on_error);
    tcp_poll(pcb, on_poll, 1);
    if (pcb->state == ESTABLISHED || pcb->state == SYN_RCVD) {
        stream->state = STREAM_CONNECTED;
        stream_keep_addresses(stream);
        remains_add(stream);
    }
}

bool stream_has_pcb(struct stream *stream)
{
    if (stream->pcb != NULL) {
        return true;
    }
    struct tcp_pcb *pcb = tcp_new_ip_type(address_type(stream->kind));
    if (pcb == NULL) {
        return false;
    }
    if (!account_pcb(pcb, stream->client)) {
        tcp_abort(pcb);
        return false;
    }
    stream_attach(stream, pcb);
    return true;
}
