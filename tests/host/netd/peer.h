// SPDX-License-Identifier: MIT
// Hosts on the wire that have connections with the stack, and clients of the stack that these are.
#pragma once

#include "fake.h"
#include "wire.h"

#define FIN 1u
#define SYN 2u
#define RST 4u
#define PSH 8u
#define ACK 16u

struct peer {
    struct segment out; // from, ports, and where it is
    struct call accept;
};

TS_MUST_USE ts_status_t method(struct ts_object *object, uint64_t number, const void *in,
                               size_t length);

// From here on this client asks, through a session of its own.
void become(uint32_t client);

// Sends, and is behind it then.
void peer_send(struct peer *peer, unsigned flags, const char *data);

// The stack's next segment to that peer is in `frame`: its flags; 0: there is none. What has a SYN
// or FIN will be acknowledged.
unsigned peer_next(struct peer *peer);

// Sends a SYN, with options. Whether it is answered.
bool peer_begin(struct peer *peer, uint32_t host, uint16_t port, uint16_t to_port,
                const uint8_t *options, uint8_t options_length);

// A whole connection, accepted by the client that listens.
void peer_connect(struct peer *peer, struct ts_object *listener);
