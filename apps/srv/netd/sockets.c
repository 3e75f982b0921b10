// SPDX-License-Identifier: MIT
#include "sockets.h"

#include <lwip/priv/tcp_priv.h>

#include "account.h"
#include "datagram.h"
#include "session.h"
#include "stream.h"

#define BATCH 32u // lines in one answer

// The lines of one answer: those from number `from` on, of all that are walked over.
struct listing {
    struct ts_net_socket lines[BATCH];
    uint32_t from, seen, count, most;
    uint32_t client; // whose
    bool all;        // everyone's
};

// Where the next line goes, that of a socket of `client`; NULL when it is not wanted.
static struct ts_net_socket *next_line(struct listing *listing, uint32_t client)
{
    if (!listing->all && client != listing->client) {
        return NULL;
    }
    bool wanted = listing->seen >= listing->from && listing->count < listing->most;
    listing->seen++;
    return wanted ? &listing->lines[listing->count++] : NULL;
}

static enum address_kind kind_of(const ip_addr_t *ip)
{
    return IP_IS_V4_VAL(*ip) ? ADDRESS_V4 : ADDRESS_DUAL;
}

// The protocol's numbers are RFC 9293's order, as lwIP's.
_Static_assert(TS_NET_STATE_LISTEN == (int)LISTEN && TS_NET_STATE_TIME_WAIT == (int)TIME_WAIT &&
                   TS_NET_STATE_ESTABLISHED == (int)ESTABLISHED,
               "states are lwIP's");

// All but the state, which the pcb has.
static void describe_stream(const struct stream *stream, struct ts_net_socket *out_socket)
{
    bool listens = stream->state == STREAM_LISTENING;
    *out_socket = (struct ts_net_socket){
        .local = address_make(&stream->local.ip, stream->local.port, stream->kind),
        .peer = address_make(&stream->peer.ip, stream->peer.port, stream->kind),
        .type = 1,
        .receive_queue = listens ? stream->backlog_count : stream->received_bytes,
        .send_queue = stream->send_bytes,
        .session = stream->session != NULL ? stream->session->number : 0,
    };
}

// The fields that all of lwIP's pcbs have. A stream tells more; one that nobody owns is old.
static void add_tcp(struct listing *listing, const struct tcp_pcb *pcb)
{
    struct ts_net_socket *line = next_line(listing, account_pcb_client(pcb));
    if (line == NULL) {
        return;
    }
    bool listens = pcb->state == LISTEN;
    if (pcb->callback_arg != NULL && pcb->state != SYN_RCVD) { // those have their listener's
        describe_stream(pcb->callback_arg, line);
        line->state = (uint32_t)pcb->state;
        return;
    }
    enum address_kind kind = kind_of(&pcb->local_ip);
    *line = (struct ts_net_socket){.type = 1, .state = (uint32_t)pcb->state};
    line->local = address_make(&pcb->local_ip, pcb->local_port, kind);
    if (!listens) {
        line->peer = address_make(&pcb->remote_ip, pcb->remote_port, kind);
    }
}

static void add_udp(struct listing *listing, const struct udp_pcb *pcb)
{
    bool ours = pcb->recv_arg == NULL; // lwIP's own, for DHCP and DNS
    const struct datagram *socket = pcb->recv_arg;
    struct ts_net_socket *line = next_line(listing, ours ? 0 : socket->client);
    if (line == NULL) {
        return;
    }
    enum address_kind kind = kind_of(&pcb->local_ip);
    bool connected = (pcb->flags & UDP_FLAGS_CONNECTED) != 0;
    *line = (struct ts_net_socket){
        .type = 2,
        .state = connected ? TS_NET_STATE_ESTABLISHED : TS_NET_STATE_CLOSED,
        .local = address_make(&pcb->local_ip, pcb->local_port, kind),
        .peer = address_make(&pcb->remote_ip, pcb->remote_port, kind),
    };
}

void sockets_call(struct ts_request *request)
{
    struct listing listing = {.client = request->client,
                              .all = ts_request_has(request, TS_RIGHT_MANAGE)};
    ts_status_t status = request_word(request, &listing.from);
    uint32_t fit = request->room / (uint32_t)sizeof(struct ts_net_socket);
    listing.most = fit < BATCH ? fit : BATCH;
    if (status == TS_OK && listing.most == 0) {
        status = TS_ERR_OVERFLOW;
    }
    if (status != TS_OK) {
        ts_request_reply(request, status, 0);
        return;
    }
    for (struct tcp_pcb_listen *pcb = tcp_listen_pcbs.listen_pcbs; pcb != NULL; pcb = pcb->next) {
        add_tcp(&listing, (const struct tcp_pcb *)pcb);
    }
    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next) {
        add_tcp(&listing, pcb);
    }
    for (struct tcp_pcb *pcb = tcp_tw_pcbs; pcb != NULL; pcb = pcb->next) {
        add_tcp(&listing, pcb);
    }
    for (struct udp_pcb *pcb = udp_pcbs; pcb != NULL; pcb = pcb->next) {
        add_udp(&listing, pcb);
    }
    uint32_t next = listing.from + listing.count;
    uint64_t more = next < listing.seen && listing.count > 0 ? next : 0;
    uint32_t size = listing.count * (uint32_t)sizeof(struct ts_net_socket);
    (void)ts_request_reply_now(request, TS_OK, ts_pair((uint32_t)size, (uint32_t)more),
                               listing.lines, size);
}

uint64_t sockets_connections(void)
{
    uint64_t count = 0;
    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next) {
        count++;
    }
    return count;
}
