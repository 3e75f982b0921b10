// SPDX-License-Identifier: MIT
#include "recovery.h"

#include <lwip/priv/tcp_priv.h>
#include <tessera/lib/clock.h>

#include "recovery_part.h"
#include "scoreboard.h"

#define LATE_TIMEOUT (3 * TS_SECOND) // the first one, where that of the SYN came (RFC 6298, 5.7)
#define LEAST_MARGIN (200 * TS_MILLISECOND) // of a time-out beyond the round trip
#define LONGEST_WAIT (60 * TS_SECOND)
#define PROBE_MARGIN (2 * TS_MILLISECOND)   // the clocks of both sides
#define DELAYED_ACK  (200 * TS_MILLISECOND) // one segment may wait for so long at the peer

// ---- The timer

// While no round trip was measured.
static int64_t first_time_out(const struct recovery *r)
{
    return r->open_late > 0 ? LATE_TIMEOUT : RECOVERY_FIRST_TIMEOUT;
}

static int64_t time_out_after(const struct recovery *r)
{
    int64_t margin = 4 * r->variation > LEAST_MARGIN ? 4 * r->variation : LEAST_MARGIN;
    int64_t wait = r->smoothed == 0 ? first_time_out(r) : r->smoothed + margin;
    wait <<= r->backoff;
    return wait < LONGEST_WAIT ? wait : LONGEST_WAIT;
}

static bool may_probe(const struct tcp_pcb *pcb)
{
    const struct recovery *r = &pcb->recovery;
    return r->state == RECOVERY_NONE && r->sacked == 0 && !r->probing && r->backoff == 0 &&
           (pcb->flags & TF_SACK) != 0;
}

void recovery_set_timer(struct recovery *r, enum recovery_wait what, int64_t after)
{
    r->waits_for = what;
    r->since = recovery_now();
    wheel_set(&r->timer, r->since, r->since + after);
}

enum recovery_wait recovery_choose(const struct tcp_pcb *pcb, int64_t *out_wait)
{
    const struct recovery *r = &pcb->recovery;
    *out_wait = time_out_after(r);
    if (!may_probe(pcb)) {
        return WAIT_TIMEOUT;
    }
    bool single = pcb->unacked == r->last;
    int64_t wait = r->smoothed == 0 ? first_time_out(r)
                                    : 2 * r->smoothed + (single ? DELAYED_ACK : PROBE_MARGIN);
    if (wait >= *out_wait) {
        return WAIT_TIMEOUT;
    }
    *out_wait = wait;
    return WAIT_PROBE;
}

// For what is on its way now.
void recovery_arm(struct tcp_pcb *pcb)
{
    struct recovery *r = &pcb->recovery;
    int64_t wait;
    if (pcb->unacked == NULL) {
        r->waits_for = WAIT_NOTHING;
        wheel_stop(&r->timer);
        return;
    }
    enum recovery_wait what = recovery_choose(pcb, &wait);
    recovery_set_timer(r, what, wait);
}

// ---- Losses

void recovery_begin_episode(struct tcp_pcb *pcb, enum recovery_state state)
{
    struct recovery *r = &pcb->recovery;
    r->state = state;
    r->recover = pcb->snd_nxt;
    r->may_undo = true;
    r->undo_from = pcb->lastack;
    r->undo_count = 0;
    r->doubtful = false;
    r->probing = false;
}

void recovery_end_episode(struct tcp_pcb *pcb)
{
    struct recovery *r = &pcb->recovery;
    if (r->state == RECOVERY_LOSS) {
        congestion_repaired(pcb);
    }
    r->state = RECOVERY_NONE;
    r->doubtful = false;
    if (r->patience_for > 0 && --r->patience_for == 0) {
        r->patience = 0;
    }
}

void recovery_undo(struct tcp_pcb *pcb)
{
    struct recovery *r = &pcb->recovery;
    scoreboard_find_all(pcb);
    congestion_undo(pcb);
    r->state = RECOVERY_NONE;
    r->may_undo = r->doubtful = false;
}

// Looks for losses; a first one begins an episode.
bool recovery_look(struct tcp_pcb *pcb, int64_t *out_wait)
{
    struct recovery *r = &pcb->recovery;
    *out_wait = 0;
    if ((pcb->flags & TF_SACK) == 0 || pcb->unacked == NULL ||
        (r->sacked == 0 && r->state == RECOVERY_NONE)) {
        return false;
    }
    return scoreboard_late(pcb, recovery_now(), out_wait);
}

void recovery_lose(struct tcp_pcb *pcb)
{
    if (pcb->recovery.state != RECOVERY_NONE) {
        return;
    }
    congestion_loss(pcb, pcb->snd_nxt - pcb->lastack);
    recovery_begin_episode(pcb, RECOVERY_LOSS);
}

// ---- Life

void recovery_end(struct tcp_pcb *pcb)
{
    struct recovery *r = &pcb->recovery;
    wheel_remove(&r->timer);
    *r = (struct recovery){.smoothed = r->smoothed, .variation = r->variation, .least = r->least};
}

// ---- Sending

static void note_sent(struct tcp_pcb *pcb, struct tcp_seg *segment)
{
    struct recovery *r = &pcb->recovery;
    // Two segments never have the same time: which was sent first is what RACK goes by.
    static int64_t last_stamp;
    int64_t at = recovery_now();
    last_stamp = at > last_stamp ? at : last_stamp + 1;
    segment->sent_at = last_stamp;
    r->last_sent = at;
    if (r->state == RECOVERY_LOSS) {
        r->congestion.sent += segment_length(segment);
    }
}

void recovery_sent(struct tcp_pcb *pcb, struct tcp_seg *segment)
{
    struct recovery *r = &pcb->recovery;
    if (segment->sent_at != 0) { // a SYN, because the peer sent its own again
        scoreboard_mark(r, segment, SEGMENT_AGAIN);
    }
    if (pcb->unacked == segment) {
        r->highest = segment_start(segment);
    }
    bool second = pcb->unacked == r->last; // from where on a probe need not wait for long
    r->last = segment;
    note_sent(pcb, segment);
    r->probe_new = false;
    uint32_t out = pcb->snd_nxt - pcb->lastack;
    if (out > r->peak) {
        r->peak = out;
    }
    if (pcb->state < ESTABLISHED) {
        return;
    }
    if (r->waits_for == WAIT_NOTHING || (second && may_probe(pcb))) {
        recovery_arm(pcb);
    } else if (r->waits_for == WAIT_PROBE) {
        r->since = r->last_sent;
    }
}

uint32_t recovery_window(struct tcp_pcb *pcb)
{
    struct recovery *r = &pcb->recovery;
    if (pcb->state < ESTABLISHED) {
        return pcb->cwnd;
    }
    uint32_t out = pcb->snd_nxt - pcb->lastack, pipe = scoreboard_pipe(pcb);
    if (pcb->unacked == NULL) {
        int64_t idle = r->last_sent != 0 ? recovery_now() - r->last_sent : 0;
        if (idle > LEAST_MARGIN && idle > time_out_after(r)) {
            congestion_idle(pcb);
        }
    }
    uint32_t room = pcb->cwnd > pipe ? pcb->cwnd - pipe : 0;
    if (r->due > 0) {
        room = 0; // what was lost goes first
    }
    if (r->probe_new && room < pcb->mss) {
        room = pcb->mss;
    }
    return out + room;
}

struct tcp_seg *recovery_next(struct tcp_pcb *pcb)
{
    struct recovery *r = &pcb->recovery;
    if (r->probe != NULL || r->due == 0) {
        return r->probe;
    }
    struct tcp_seg *at = r->lost_at != NULL ? r->lost_at : pcb->unacked;
    while (at != NULL && (at->marks & (SEGMENT_LOST | SEGMENT_RESENT)) != SEGMENT_LOST) {
        at = at->next;
    }
    r->lost_at = at;
    bool fits = at != NULL && scoreboard_pipe(pcb) + segment_length(at) <= pcb->cwnd;
    return fits ? at : NULL;
}

void recovery_resent(struct tcp_pcb *pcb, struct tcp_seg *segment)
{
    struct recovery *r = &pcb->recovery;
    uint8_t sacked = segment->marks & SEGMENT_SACKED;
    if (r->probe == segment) {
        r->probe = NULL;
    } else if (r->may_undo) {
        r->undo_count++;
    }
    if (sacked == 0) {
        scoreboard_mark(r, segment, segment->marks | SEGMENT_RESENT | SEGMENT_AGAIN);
    }
    note_sent(pcb, segment);
    if (r->waits_for == WAIT_NOTHING) {
        recovery_arm(pcb);
    }
}
