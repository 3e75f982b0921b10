// SPDX-License-Identifier: MIT
#include "peer.h"

#define CLIENTS 16u

ts_status_t method(struct ts_object *object, uint64_t number, const void *in, size_t length)
{
    static uint8_t none[1];
    struct call call;
    return call_now(&call, object, TS_OP_CALL, number, in, length, none, sizeof(none));
}

void become(uint32_t client)
{
    static struct ts_object *sessions[CLIENTS];
    struct call call;
    CHECK(client < CLIENTS);
    fake_client = client;
    if (sessions[client] == NULL) {
        CHECK(call_now(&call, &netd.root, TS_OP_OPEN, 0, "", 0, NULL, 0) == TS_OK);
        sessions[client] = call.minted;
    }
    fake_session = sessions[client];
}

void peer_send(struct peer *peer, unsigned flags, const char *data)
{
    static uint8_t out[2048];
    peer->out.flags = (uint8_t)flags;
    peer->out.data = data;
    deliver(out, make_segment(out, &peer->out), 0);
    peer->out.seq += (data != NULL ? (uint32_t)strlen(data) : 0) + ((flags & (SYN | FIN)) != 0);
}

unsigned peer_next(struct peer *peer)
{
    while (next_of(6)) {
        unsigned from = (unsigned)frame[34] << 8 | frame[35];
        unsigned port = (unsigned)frame[36] << 8 | frame[37];
        if (get32(frame + 30) != peer->out.from || port != peer->out.from_port ||
            from != peer->out.to_port) {
            continue;
        }
        peer->out.ack = get32(frame + 38) + ((frame[47] & (SYN | FIN)) != 0);
        return frame[47];
    }
    return 0;
}

bool peer_begin(struct peer *peer, uint32_t host, uint16_t port, uint16_t to_port,
                const uint8_t *options, uint8_t options_length)
{
    *peer = (struct peer){.out = {.from = host,
                                  .from_port = port,
                                  .to_port = to_port,
                                  .seq = host * 1000 + port,
                                  .options = options,
                                  .options_length = options_length}};
    peer_send(peer, SYN, NULL);
    peer->out.options_length = 0;
    return peer_next(peer) == (SYN | ACK);
}

void peer_connect(struct peer *peer, struct ts_object *listener)
{
    call_start(&peer->accept, listener, TS_OP_ACCEPT, 0, NULL, 0, NULL, 0);
    peer_send(peer, ACK, NULL);
    CHECK(peer->accept.done && peer->accept.status == TS_OK);
}
