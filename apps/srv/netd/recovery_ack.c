// SPDX-License-Identifier: MIT
// Acknowledgements: what they bring, and what follows from it.
#include <lwip/priv/tcp_priv.h>
#include <tessera/lib/clock.h>

#include "recovery_part.h"
#include "scoreboard.h"

#define LEAST_TRIP    1000              // ns, of segments that were answered at once
#define LEAST_FOR     (300 * TS_SECOND) // how long the least round trip is used
#define PATIENCE_MOST 16u
#define PATIENCE_FOR  16u // losses without a segment that arrived twice
#define DUPLICATES    3u  // RFC 5681

// What the acknowledgement that is being taken brings.
static struct {
    int64_t now;
    uint32_t delivered; // bytes
    int64_t sent, trip; // of the last segment that was sent once
    bool original;      // one from before the time-out came, though it was not sent again
} taken;

void recovery_start_ack(void)
{
    taken.now = recovery_now();
    taken.sent = taken.trip = 0;
    taken.delivered = 0;
    taken.original = false;
}

// `again`: it was sent more than once.
static inline __attribute__((always_inline)) void note_delivered(struct tcp_pcb *pcb,
                                                                 struct tcp_seg *segment,
                                                                 bool again)
{
    struct recovery *r = &pcb->recovery;
    uint32_t end = segment_start(segment) + segment_length(segment);
    int64_t trip = taken.now - segment->sent_at;
    if (trip < LEAST_TRIP) {
        trip = LEAST_TRIP;
    }
    taken.delivered += segment_length(segment);
    bool first = !again || trip < r->least / 2; // it is the first sending that arrived
    if (first && r->state == RECOVERY_TIMEOUT && TCP_SEQ_LEQ(end, r->recover)) {
        taken.original = true;
    }
    if (again && trip < r->least - r->least / 16) {
        return; // RFC 8985, 6.2, step 2, but the least is not known to the nanosecond
    }
    if (!again) {
        if (trip < r->least) {
            r->least = trip;
        }
        if (TCP_SEQ_LT(end, r->highest)) {
            r->reordered = true;
        }
        if (segment->sent_at >= taken.sent) {
            taken.sent = segment->sent_at;
            taken.trip = trip;
        }
    }
    if (TCP_SEQ_GT(end, r->highest)) {
        r->highest = end;
    }
    if (segment->sent_at > r->rack_sent) {
        r->rack_sent = segment->sent_at;
        r->rack_trip = trip;
    }
}

static void delivered(struct tcp_pcb *pcb, struct tcp_seg *segment)
{
    note_delivered(pcb, segment, (segment->marks & SEGMENT_AGAIN) != 0);
}

void recovery_acknowledged(struct tcp_pcb *pcb, struct tcp_seg *segment)
{
    struct recovery *r = &pcb->recovery;
    if (segment->marks == 0) { // most of them
        if (segment->sent_at != 0) {
            note_delivered(pcb, segment, false);
        }
    } else {
        if (segment->sent_at != 0 && (segment->marks & SEGMENT_SACKED) == 0) {
            delivered(pcb, segment);
        }
        scoreboard_mark(r, segment, 0);
    }
    if (r->lost_at == segment) {
        r->lost_at = NULL;
    }
    if (r->probe == segment) {
        r->probe = NULL;
    }
}

// RFC 6298, 2.
void recovery_measure(struct recovery *r)
{
    if (taken.trip == 0) {
        return;
    }
    if (r->least == 0 || taken.trip <= r->least || taken.now - r->least_at > LEAST_FOR) {
        r->least = taken.trip;
        r->least_at = taken.now;
    }
    if (r->smoothed == 0) {
        r->smoothed = taken.trip;
        r->variation = taken.trip / 2;
        return;
    }
    int64_t off = taken.trip - r->smoothed;
    r->variation += ((off < 0 ? -off : off) - r->variation) / 4;
    r->smoothed += off / 8;
}

// Without selective acknowledgements each equal one says that a segment arrived, and one that
// acknowledges a part that the next one is missing too (RFC 6582). Whether something was lost.
static bool guess(struct tcp_pcb *pcb, const struct recovery_ack *ack, uint32_t advance)
{
    struct recovery *r = &pcb->recovery;
    uint32_t out = pcb->snd_nxt - pcb->lastack;
    bool lost = false;
    if (ack->duplicate && r->duplicates < 0xff) {
        r->duplicates++;
        r->sacked = r->sacked + pcb->mss < out ? r->sacked + pcb->mss : out;
        taken.delivered += pcb->mss;
        lost = r->duplicates == DUPLICATES && r->state == RECOVERY_NONE;
    } else if (ack->advances) {
        uint32_t less = advance < r->sacked ? advance : r->sacked;
        r->duplicates = 0;
        r->sacked -= less;
        taken.delivered -= less < taken.delivered ? less : taken.delivered;
        lost = r->state == RECOVERY_LOSS && TCP_SEQ_LT(ack->number, r->recover);
        if (!lost) {
            r->sacked = 0;
        }
    }
    if (lost && pcb->unacked != NULL && (pcb->unacked->marks & SEGMENT_LOST) == 0) {
        scoreboard_lose(r, pcb->unacked);
    }
    return lost;
}

// A segment arrived twice: one was sent again needlessly.
static void arrived_twice(struct tcp_pcb *pcb, const struct recovery_block *which)
{
    struct recovery *r = &pcb->recovery;
    if (r->patience == 0 || TCP_SEQ_GEQ(pcb->lastack, r->patience_at)) {
        r->patience += r->patience < PATIENCE_MOST ? 1 : 0;
        r->patience_at = pcb->snd_nxt;
    }
    r->patience_for = PATIENCE_FOR;
    bool ours = TCP_SEQ_GEQ(which->left, r->undo_from) && TCP_SEQ_LEQ(which->right, r->recover);
    if (ours) {
        r->reordered = true;
    }
    if (r->may_undo && ours && r->undo_count > 0 && --r->undo_count == 0) {
        recovery_undo(pcb);
    }
}

// RFC 8985, 7.4: a probe that was a segment sent again may have mended a loss that nobody saw.
static void look_at_probe(struct tcp_pcb *pcb, const struct recovery_ack *ack, bool twice)
{
    struct recovery *r = &pcb->recovery;
    if (TCP_SEQ_LT(ack->number, r->probe_end)) {
        return;
    }
    if (!r->probe_again || twice || (!ack->advances && ack->count == 0)) {
        r->probing = false;
    } else if (TCP_SEQ_GT(ack->number, r->probe_end)) {
        r->probing = false;
        if (r->state == RECOVERY_NONE) {
            congestion_loss(pcb, pcb->snd_nxt - pcb->lastack);
            congestion_repaired(pcb);
        }
    }
}

// Whether the window, and not the program, decides how much is sent.
static bool window_in_use(const struct tcp_pcb *pcb)
{
    const struct recovery *r = &pcb->recovery;
    uint32_t used = r->peak > r->peak_before ? r->peak : r->peak_before;
    return pcb->cwnd < pcb->ssthresh ? used >= pcb->cwnd / 2 : used + 2 * pcb->mss >= pcb->cwnd;
}

// A round trip is over.
static void note_round(struct tcp_pcb *pcb, const struct recovery_ack *ack)
{
    struct recovery *r = &pcb->recovery;
    if (!ack->advances || TCP_SEQ_LT(ack->number, r->round_end)) {
        return;
    }
    r->round_end = pcb->snd_nxt;
    r->peak_before = r->peak;
    r->peak = pcb->snd_nxt - pcb->lastack;
    recovery_measure(r);
    if (pcb->cwnd < pcb->ssthresh) {
        congestion_round(pcb);
    }
}

// Most acknowledgements: nothing is missing.
static void take_calmly(struct tcp_pcb *pcb, const struct recovery_ack *ack)
{
    struct recovery *r = &pcb->recovery;
    note_round(pcb, ack);
    if (window_in_use(pcb)) {
        if (pcb->cwnd < pcb->ssthresh && taken.trip != 0) {
            congestion_trip(pcb, taken.trip);
        }
        congestion_grow(pcb, taken.delivered, taken.now);
    }
    r->since = taken.now;
    if (pcb->unacked == NULL) {
        r->waits_for = WAIT_NOTHING;
        wheel_stop(&r->timer);
    }
}

void recovery_take(struct tcp_pcb *pcb, const struct recovery_ack *ack)
{
    struct recovery *r = &pcb->recovery;
    uint32_t advance = taken.delivered;
    bool calm = r->state == RECOVERY_NONE && r->waits_for != WAIT_ORDER &&
                (r->sacked | r->probing | r->backoff | r->duplicates) == 0;
    if (calm && ack->advances && ack->count == 0 && r->smoothed != 0) {
        take_calmly(pcb, ack);
        return;
    }
    bool lost = false, twice = false;
    int64_t wait;
    if (ack->count > 0 && (pcb->flags & TF_SACK) != 0) {
        twice = scoreboard_twice(pcb, ack);
        scoreboard_take(pcb, ack, delivered);
    }
    if (r->state != RECOVERY_NONE || r->smoothed == 0) {
        recovery_measure(r);
    }
    if (ack->advances) {
        r->backoff = 0;
    }
    if ((pcb->flags & TF_SACK) == 0) {
        lost = guess(pcb, ack, advance);
    }
    if (twice) {
        arrived_twice(pcb, &ack->blocks[0]);
    }
    if (r->probing) {
        look_at_probe(pcb, ack, twice);
    }
    if (r->doubtful && taken.original) {
        recovery_undo(pcb);
    }
    if (r->state != RECOVERY_NONE && TCP_SEQ_GEQ(pcb->lastack, r->recover)) {
        recovery_end_episode(pcb);
    }
    lost |= recovery_look(pcb, &wait);
    if (lost) {
        recovery_lose(pcb);
    }
    note_round(pcb, ack);
    if (r->state == RECOVERY_LOSS && (lost || taken.delivered > 0)) {
        congestion_reduce(pcb, taken.delivered, scoreboard_pipe(pcb), lost);
    } else if (taken.delivered > 0 && window_in_use(pcb)) {
        congestion_grow(pcb, taken.delivered, taken.now);
    }
    if (wait > 0 && pcb->unacked != NULL) {
        recovery_set_timer(r, WAIT_ORDER, wait);
    } else if (ack->advances || taken.delivered > 0) {
        recovery_arm(pcb);
    }
}
