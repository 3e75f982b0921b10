// SPDX-License-Identifier: MIT
#include <tessera/lib/clock.h>

#include "stream.h"

// A connection's options need its pcb; before BIND and CONNECT there is none yet.
static bool ensure_pcb(struct stream *stream)
{
    return stream->state == STREAM_NEW ? stream_has_pcb(stream) : stream->pcb != NULL;
}

static bool is_flag(int64_t value)
{
    return value == 0 || value == 1;
}

static void set_flag(struct tcp_pcb *pcb, u8_t flag, int64_t value)
{
    if (value != 0) {
        ip_set_option(pcb, flag);
    } else {
        ip_reset_option(pcb, flag);
    }
}

static ts_status_t set_keep(u32_t *milliseconds, int64_t value)
{
    if (value < TS_SECOND || value > INT64_C(86400) * 365 / 16 * TS_SECOND) {
        return TS_ERR_ARGUMENT;
    }
    *milliseconds = (u32_t)(value / TS_MILLISECOND);
    return TS_OK;
}

void stream_apply_no_delay(struct stream *stream)
{
    if (stream->pcb == NULL || stream->pcb->state == LISTEN) {
        return;
    }
    if (stream->no_delay) {
        tcp_nagle_disable(stream->pcb);
    } else {
        tcp_nagle_enable(stream->pcb);
    }
}

// Options that lwIP keeps in the pcb. Those that a listening pcb has not are refused there.
static ts_status_t set_in_pcb(struct stream *stream, const struct ts_net_option *option)
{
    if (!ensure_pcb(stream)) {
        return stream->state == STREAM_OVER ? TS_ERR_PEER_CLOSED : TS_ERR_LIMIT;
    }
    struct tcp_pcb *pcb = stream->pcb;
    bool listens = pcb->state == LISTEN;
    switch (option->name) {
    case TS_NET_OPTION_REUSE_ADDRESS: set_flag(pcb, SOF_REUSEADDR, option->value); return TS_OK;
    case TS_NET_OPTION_KEEP_ALIVE: set_flag(pcb, SOF_KEEPALIVE, option->value); return TS_OK;
    case TS_NET_OPTION_HOP_LIMIT: pcb->ttl = (u8_t)option->value; return TS_OK;
    case TS_NET_OPTION_TRAFFIC_CLASS: pcb->tos = (u8_t)option->value; return TS_OK;
    default: break;
    }
    if (option->name == TS_NET_OPTION_NO_DELAY) {
        stream->no_delay = option->value != 0;
        stream_apply_no_delay(stream);
        return TS_OK;
    }
    if (listens) {
        return TS_ERR_UNSUPPORTED;
    }
    switch (option->name) {
    case TS_NET_OPTION_KEEP_IDLE: return set_keep(&pcb->keep_idle, option->value);
    case TS_NET_OPTION_KEEP_INTERVAL: return set_keep(&pcb->keep_intvl, option->value);
    case TS_NET_OPTION_KEEP_COUNT: pcb->keep_cnt = (u32_t)option->value; return TS_OK;
    default: return TS_ERR_UNSUPPORTED;
    }
}

static ts_status_t set_option(struct stream *stream, const struct ts_net_option *option)
{
    if (option->reserved != 0) {
        return TS_ERR_ARGUMENT;
    }
    switch (option->name) {
    case TS_NET_OPTION_REUSE_ADDRESS:
    case TS_NET_OPTION_KEEP_ALIVE:
    case TS_NET_OPTION_NO_DELAY:
        return is_flag(option->value) ? set_in_pcb(stream, option) : TS_ERR_ARGUMENT;
    case TS_NET_OPTION_HOP_LIMIT:
    case TS_NET_OPTION_KEEP_COUNT:
        if (option->value < 1 || option->value > 255) {
            return TS_ERR_ARGUMENT;
        }
        return set_in_pcb(stream, option);
    case TS_NET_OPTION_TRAFFIC_CLASS:
        if (option->value < 0 || option->value > 255) {
            return TS_ERR_ARGUMENT;
        }
        return set_in_pcb(stream, option);
    case TS_NET_OPTION_LINGER:
        if (option->value != 0 && option->value != -1) {
            return TS_ERR_UNSUPPORTED;
        }
        stream->linger_reset = option->value == 0;
        return TS_OK;
    case TS_NET_OPTION_V6_ONLY:
        if (stream->kind == ADDRESS_V4 || stream->pcb != NULL || !is_flag(option->value)) {
            return TS_ERR_ARGUMENT;
        }
        stream->kind = option->value != 0 ? ADDRESS_V6_ONLY : ADDRESS_DUAL;
        return TS_OK;
    default: return set_in_pcb(stream, option);
    }
}

void stream_set_option(struct ts_request *request, struct stream *stream)
{
    struct ts_net_option option;
    ts_status_t status = ts_request_pull_exact(request, &option, sizeof(option));
    if (status == TS_OK) {
        status = set_option(stream, &option);
    }
    ts_request_reply(request, status, 0);
}

static ts_status_t get_from_pcb(struct stream *stream, struct ts_net_option *option)
{
    struct tcp_pcb *pcb = stream->pcb;
    if (pcb == NULL) {
        return stream->state == STREAM_NEW ? TS_OK : TS_ERR_PEER_CLOSED; // defaults: 0
    }
    bool listens = pcb->state == LISTEN;
    switch (option->name) {
    case TS_NET_OPTION_REUSE_ADDRESS: option->value = ip_get_option(pcb, SOF_REUSEADDR) != 0; break;
    case TS_NET_OPTION_KEEP_ALIVE: option->value = ip_get_option(pcb, SOF_KEEPALIVE) != 0; break;
    case TS_NET_OPTION_HOP_LIMIT: option->value = pcb->ttl; break;
    case TS_NET_OPTION_TRAFFIC_CLASS: option->value = pcb->tos; break;
    case TS_NET_OPTION_KEEP_IDLE:
        option->value = listens ? 0 : (int64_t)pcb->keep_idle * TS_MILLISECOND;
        break;
    case TS_NET_OPTION_KEEP_INTERVAL:
        option->value = listens ? 0 : (int64_t)pcb->keep_intvl * TS_MILLISECOND;
        break;
    case TS_NET_OPTION_KEEP_COUNT: option->value = listens ? 0 : pcb->keep_cnt; break;
    default: return TS_ERR_UNSUPPORTED;
    }
    return TS_OK;
}

static int64_t receive_window(const struct stream *stream)
{
    return stream->state == STREAM_CONNECTED && stream->pcb != NULL ? stream->pcb->rcv_wnd_max
                                                                    : TCP_WND;
}

static ts_status_t get_option(struct stream *stream, struct ts_net_option *option)
{
    switch (option->name) {
    case TS_NET_OPTION_ERROR:
        option->value = stream->error;
        stream->error = TS_OK;
        stream_mark(stream);
        return TS_OK;
    case TS_NET_OPTION_TYPE: option->value = 1; return TS_OK;
    case TS_NET_OPTION_LISTENING: option->value = stream->state == STREAM_LISTENING; return TS_OK;
    case TS_NET_OPTION_NO_DELAY: option->value = stream->no_delay; return TS_OK;
    case TS_NET_OPTION_LINGER: option->value = stream->linger_reset ? 0 : -1; return TS_OK;
    case TS_NET_OPTION_SEND_BUFFER: option->value = STREAM_SEND_MAX; return TS_OK;
    case TS_NET_OPTION_RECEIVE_BUFFER: option->value = receive_window(stream); return TS_OK;
    case TS_NET_OPTION_READABLE_BYTES: option->value = stream->received_bytes; return TS_OK;
    case TS_NET_OPTION_WRITABLE_BYTES: option->value = stream_writable(stream); return TS_OK;
    case TS_NET_OPTION_V6_ONLY: option->value = stream->kind == ADDRESS_V6_ONLY; return TS_OK;
    default: return get_from_pcb(stream, option);
    }
}

void stream_get_option(struct ts_request *request, struct stream *stream)
{
    struct ts_net_option option;
    ts_status_t status = ts_request_pull_exact(request, &option, sizeof(option));
    if (status == TS_OK) {
        option.value = 0;
        status = get_option(stream, &option);
    }
    if (status != TS_OK) {
        ts_request_reply(request, status, 0);
    } else {
        ts_request_reply_whole(request, &option, sizeof(option));
    }
}
