// SPDX-License-Identifier: MIT
// What a predecessor noted of its connections: each peer is asked for a sign of life, and what it
// answers is reset. What was noted may be anything.
#include <stdlib.h>

#include "fake.h"
#include "remains.h"
#include "wire.h"

#define SYN     2
#define RESET   4
#define ACK     16
#define PORT    4001
#define TELLING 3000 // ms that telling takes at most

static _Alignas(16) uint8_t ours[4096], left[4096];

static uint32_t make(uint8_t *out, uint32_t seq, uint32_t ack, unsigned flags)
{
    return make_segment(out, &(struct segment){.from = THEM,
                                               .from_port = PORT,
                                               .to_port = 80,
                                               .seq = seq,
                                               .ack = ack,
                                               .flags = (uint8_t)flags});
}

// A connection that is there while the table is copied to `left`, and then ends. Returns the
// sequence number that its peer expects.
static uint32_t leave_connection(struct ts_object *listener)
{
    struct call accept;
    uint8_t out[256];
    call_start(&accept, listener, TS_OP_ACCEPT, 0, NULL, 0, NULL, 0);
    deliver(out, make(out, 5000, 0, SYN), 0);
    CHECK(next_of(6) && frame[47] == (SYN | ACK));
    uint32_t next = get32(frame + 38) + 1;
    deliver(out, make(out, 5001, next, ACK), 0);
    CHECK(accept.done && accept.status == TS_OK);
    memcpy(left, ours, sizeof(left));
    deliver(out, make(out, 5001, next, RESET | ACK), 0);
    object_close(accept.minted);
    fake_run(100);
    skip_frames();
    return next;
}

static void test_ended_connections(void)
{
    remains_init(ours, sizeof(ours));
    remains_tell();
    fake_run(TELLING);
    CHECK(!next_of(6));
}

static void test_peer_is_told(uint32_t next)
{
    uint8_t out[256];
    unsigned again = 0;
    remains_init(left, sizeof(left));
    remains_tell();
    fake_run(0);
    CHECK(next_of(6) && frame[47] == ACK && frame[34] == 0 && frame[35] == 80);
    CHECK((frame[36] << 8 | frame[37]) == PORT && get32(frame + 30) == THEM);
    deliver(out, make(out, 5001, next, ACK), 0);
    CHECK(next_of(6) && (frame[47] & RESET) != 0 && get32(frame + 38) == next);
    fake_run(TELLING);
    while (next_of(6)) {
        again++;
    }
    CHECK(again == 2);
    test_ended_connections(); // `left` is free by now as well
}

static void test_anything(void)
{
    for (unsigned round = 0; round < 200; round++) {
        for (unsigned i = 0; i < sizeof(left); i++) {
            left[i] = (uint8_t)(rand() % 4 != 0 ? 0 : rand());
        }
        remains_init(left, sizeof(left));
        remains_tell();
        fake_run(TELLING);
        while (next_frame()) {
            CHECK(frame[12] != 8 || frame[13] != 0 || get32(frame + 26) == US);
        }
    }
}

int main(void)
{
    wire_start();
    introduce(THEM);
    struct ts_object *listener = listen_on(80, 4);
    remains_init(ours, sizeof(ours));
    uint32_t next = leave_connection(listener);
    test_ended_connections();
    test_peer_is_told(next);
    test_anything();
    object_close(listener);
    return 0;
}
