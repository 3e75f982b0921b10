// SPDX-License-Identifier: MIT
// UDP sockets. What arrives waits in a queue of bounded bytes and number, and is the client's
// memory; what does not fit is lost, as datagrams may be.
#pragma once

#include <lwip/udp.h>

#include "address.h"
#include "request.h"
#include "session.h"

#define DATAGRAM_QUEUE_BYTES (256u * 1024)
#define DATAGRAM_QUEUE_COUNT 256u
#define DATAGRAM_MAX         65507u

struct datagram_piece {
    struct datagram_piece *next;
    struct pbuf *pbuf;
    uint32_t cost; // of the client's memory
    ip_addr_t from;
    u16_t port;
};

struct datagram {
    struct ts_object object;
    struct session *session;
    uint32_t client; // pays for it
    uint32_t memory; // of its account, without what was received
    struct udp_pcb *pcb;
    enum address_kind kind;
    bool nowait, connected;
    struct ts_request_list reads;
    struct datagram_piece *received, *last_received;
    uint32_t received_bytes, received_count;
};

void datagram_create(struct ts_request *request, struct session *session, enum address_kind kind);
