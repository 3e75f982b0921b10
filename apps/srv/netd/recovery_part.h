// SPDX-License-Identifier: MIT
// Between the parts. recovery.c has state and sending, recovery_ack.c what acknowledgements bring,
// recovery_open.c the handshake, recovery_timer.c what happens when nothing came in time; each
// needs only those before it.
#pragma once

#include "netd.h"
#include "recovery.h"

// The time of this batch of events.
static inline int64_t recovery_now(void)
{
    return ts_loop_now(netd.loop);
}

#define RECOVERY_FIRST_TIMEOUT TS_SECOND // while no round trip was measured (RFC 6298, 2.1)
#define RECOVERY_BACKOFF_MOST  12u

// What is waited for while something is on its way, and for how long.
enum recovery_wait recovery_choose(const struct tcp_pcb *pcb, int64_t *out_wait);

// Sets the timer for what is on its way now, or for `what`, `after` ns from now on.
void recovery_arm(struct tcp_pcb *pcb);
void recovery_set_timer(struct recovery *r, enum recovery_wait what, int64_t after);

// Marks what is late by now. Whether there is any; *out_wait as scoreboard_late.
bool recovery_look(struct tcp_pcb *pcb, int64_t *out_wait);

// Something was lost: an episode begins, unless there is one.
void recovery_lose(struct tcp_pcb *pcb);

// An episode begins, whatever there was before, with what is on its way now.
void recovery_begin_episode(struct tcp_pcb *pcb, enum recovery_state state);

// All that was lost is with the peer.
void recovery_end_episode(struct tcp_pcb *pcb);

// Nothing was lost: all is as before the episode.
void recovery_undo(struct tcp_pcb *pcb);

// Takes the round trip that the present acknowledgement shows, if it shows one.
void recovery_measure(struct recovery *r);

// A SYN was not answered in time.
void recovery_open_late(struct tcp_pcb *pcb);
