// SPDX-License-Identifier: MIT
// The congestion window's growth: slow start that ends before it fills the queues of the path
// (HyStart++, RFC 9406), CUBIC (RFC 9438), and proportional rate reduction (RFC 6937) while a loss
// is repaired. All in bytes; times in ns.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct tcp_pcb;

struct congestion {
    uint32_t before_window, before_threshold; // before the present loss
    // CUBIC.
    int64_t epoch;   // when avoidance began; 0: it has not
    int64_t turning; // ms from there until the window is `origin` again
    uint32_t origin, maximum, friendly;
    uint64_t grown; // what growth is not a whole byte yet, times the window
    // Slow start, by round trips: the least of this one and of the one before.
    int64_t least, least_before, least_calm; // calm: before they grew
    uint32_t samples;
    uint8_t careful; // round trips since then, 0: they did not
    // Proportional reduction.
    uint32_t delivered, sent, flight;
};

// The window of a new connection (RFC 6928).
void congestion_begin(struct tcp_pcb *pcb);

// In slow start: a round trip was measured; one is over.
void congestion_trip(struct tcp_pcb *pcb, int64_t trip);
void congestion_round(struct tcp_pcb *pcb);

// `bytes` more are with the peer, and before that the window was in use.
void congestion_grow(struct tcp_pcb *pcb, uint32_t bytes, int64_t now);

// Something was lost; `flight` bytes were not acknowledged.
void congestion_loss(struct tcp_pcb *pcb, uint32_t flight);

// While that is repaired: `delivered` bytes by this acknowledgement, `pipe` are on their way.
void congestion_reduce(struct tcp_pcb *pcb, uint32_t delivered, uint32_t pipe, bool lost_more);

void congestion_repaired(struct tcp_pcb *pcb);
void congestion_timeout(struct tcp_pcb *pcb, bool first);
void congestion_undo(struct tcp_pcb *pcb);

// Nothing was sent for so long that the window says nothing about the path any more (RFC
// 5681, 4.1).
void congestion_idle(struct tcp_pcb *pcb);
