// SPDX-License-Identifier: MIT
#include "recovery.h"

#include <stddef.h>

#include <lwip/priv/tcp_priv.h>
#include <tessera/lib/clock.h>

#include "netd.h"
#include "scoreboard.h"

#define FIRST_TIMEOUT TS_SECOND              // while no round trip was measured
#define LEAST_MARGIN  (200 * TS_MILLISECOND) // of a time-out beyond the round trip
#define LONGEST_WAIT  (60 * TS_SECOND)
#define PROBE_MARGIN  (2 * TS_MILLISECOND)   // the clocks of both sides
#define DELAYED_ACK   (200 * TS_MILLISECOND) // one segment may wait for so long at the peer
#define LEAST_TRIP    1000                   // ns, of segments that were answered at once
#define LEAST_FOR     (300 * TS_SECOND)      // how long the least round trip is believed
#define PATIENCE_MOST 16u
#define PATIENCE_FOR  16u // losses without a segment that arrived twice
#define DUPLICATES    3u  // RFC 5681
#define BACKOFF_MOST  12u

// What the acknowledgement that is being taken brings.
static struct {
    int64_t now;
    uint32_t delivered; // bytes
    int64_t sent, trip; // of the last segment that was sent once
    bool original;      // one from before the time-out came, though it was not sent again
} taken;

static int64_t now(void)
{
    return ts_loop_now(netd.loop);
}

// The timer -------------------------------------------------------------------------------

static int64_t time_out_after(const struct recovery *r)
{
    int64_t margin = 4 * r->variation > LEAST_MARGIN ? 4 * r->variation : LEAST_MARGIN;
    int64_t wait = r->smoothed == 0 ? FIRST_TIMEOUT : r->smoothed + margin;
    wait <<= r->backoff;
    return wait < LONGEST_WAIT ? wait : LONGEST_WAIT;
}

static bool may_probe(const struct tcp_pcb *pcb)
{
    const struct recovery *r = &pcb->recovery;
    return r->state == RECOVERY_NONE && r->sacked == 0 && !r->probing && r->backoff == 0 &&
           (pcb->flags & TF_SACK) != 0;
}

static void set_timer(struct recovery *r, enum recovery_wait what, int64_t after)
{
    r->waits_for = what;
    r->since = now();
    wheel_set(&r->timer, r->since, r->since + after);
}

// What is waited for while something is on its way, and for how long.
static enum recovery_wait choose(const struct tcp_pcb *pcb, int64_t *out_wait)
{
    const struct recovery *r = &pcb->recovery;
    *out_wait = time_out_after(r);
    if (!may_probe(pcb))
        return WAIT_TIMEOUT;
    bool single = pcb->unacked == r->last;
    int64_t wait =
        r->smoothed == 0 ? FIRST_TIMEOUT : 2 * r->smoothed + (single ? DELAYED_ACK : PROBE_MARGIN);
    if (wait >= *out_wait)
        return WAIT_TIMEOUT;
    *out_wait = wait;
    return WAIT_PROBE;
}

// For what is on its way now.
static void arm(struct tcp_pcb *pcb)
{
    struct recovery *r = &pcb->recovery;
    int64_t wait;
    if (pcb->unacked == NULL) {
        r->waits_for = WAIT_NOTHING;
        wheel_stop(&r->timer);
        return;
    }
    enum recovery_wait what = choose(pcb, &wait);
    set_timer(r, what, wait);
}

// Losses ----------------------------------------------------------------------------------

static void begin_episode(struct tcp_pcb *pcb, enum recovery_state state)
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

static void end_episode(struct tcp_pcb *pcb)
{
    struct recovery *r = &pcb->recovery;
    if (r->state == RECOVERY_LOSS)
        congestion_repaired(pcb);
    r->state = RECOVERY_NONE;
    r->doubtful = false;
    if (r->patience_for > 0 && --r->patience_for == 0)
        r->patience = 0;
}

static void undo(struct tcp_pcb *pcb)
{
    struct recovery *r = &pcb->recovery;
    scoreboard_find_all(pcb);
    congestion_undo(pcb);
    r->state = RECOVERY_NONE;
    r->may_undo = r->doubtful = false;
}

// Looks for losses; a first one begins an episode.
static bool look_for_late(struct tcp_pcb *pcb, int64_t *out_wait)
{
    struct recovery *r = &pcb->recovery;
    *out_wait = 0;
    if ((pcb->flags & TF_SACK) == 0 || pcb->unacked == NULL ||
        (r->sacked == 0 && r->state == RECOVERY_NONE))
        return false;
    return scoreboard_late(pcb, now(), out_wait);
}

static void lose(struct tcp_pcb *pcb)
{
    if (pcb->recovery.state != RECOVERY_NONE)
        return;
    congestion_loss(pcb, pcb->snd_nxt - pcb->lastack);
    begin_episode(pcb, RECOVERY_LOSS);
}

// What is late by now is lost. Called by the timer.
static void order_over(struct tcp_pcb *pcb)
{
    int64_t wait;
    if (look_for_late(pcb, &wait)) {
        lose(pcb);
        if (pcb->recovery.state == RECOVERY_LOSS)
            congestion_reduce(pcb, 0, scoreboard_pipe(pcb), true);
        (void)tcp_output(pcb);
    }
    if (wait > 0)
        set_timer(&pcb->recovery, WAIT_ORDER, wait);
    else
        arm(pcb);
}

// New data if there are any, else the last segment: the answer shows what is missing.
static void probe(struct tcp_pcb *pcb)
{
    struct recovery *r = &pcb->recovery;
    uint32_t before = pcb->snd_nxt;
    r->probing = r->probe_new = true;
    (void)tcp_output(pcb);
    r->probe_new = false;
    r->probe_again = pcb->snd_nxt == before;
    if (r->probe_again) {
        r->probe = r->last;
        (void)tcp_output(pcb);
        r->probe = NULL;
    }
    r->probe_end = pcb->snd_nxt;
    arm(pcb);
}

static void time_out(struct tcp_pcb *pcb)
{
    struct recovery *r = &pcb->recovery;
    bool first = r->state != RECOVERY_TIMEOUT || TCP_SEQ_GEQ(pcb->lastack, r->recover);
    if ((pcb->flags & TF_SACK) == 0)
        r->sacked = r->duplicates = 0;
    scoreboard_lose_all(pcb);
    congestion_timeout(pcb, first);
    begin_episode(pcb, RECOVERY_TIMEOUT);
    r->may_undo = r->doubtful = first;
    if (r->backoff < BACKOFF_MOST)
        r->backoff++;
    if (pcb->nrtx < 0xff)
        pcb->nrtx++; // lwIP gives the connection up when it is TCP_MAXRTX
    (void)tcp_output(pcb);
    arm(pcb);
}

static void fired(struct wheel_timer *timer)
{
    struct tcp_pcb *pcb = (void *)((char *)timer - offsetof(struct tcp_pcb, recovery.timer));
    struct recovery *r = &pcb->recovery;
    enum recovery_wait what = r->waits_for;
    int64_t wait;
    if (pcb->unacked == NULL) {
        r->waits_for = WAIT_NOTHING;
        return;
    }
    // Since it was set it may have begun anew, without anybody telling the wheel.
    if (what != WAIT_ORDER) {
        what = choose(pcb, &wait);
        if (r->since + wait > now()) {
            r->waits_for = what;
            wheel_set(timer, now(), r->since + wait);
            return;
        }
    }
    r->waits_for = WAIT_NOTHING;
    if (what == WAIT_ORDER)
        order_over(pcb);
    else if (what == WAIT_PROBE)
        probe(pcb);
    else
        time_out(pcb);
}

void recovery_run_timers(void)
{
    wheel_run(now(), fired);
}

// Life ------------------------------------------------------------------------------------

void recovery_begin(struct tcp_pcb *pcb)
{
    congestion_begin(pcb);
}

void recovery_end(struct tcp_pcb *pcb)
{
    struct recovery *r = &pcb->recovery;
    wheel_remove(&r->timer);
    *r = (struct recovery){.smoothed = r->smoothed, .variation = r->variation, .least = r->least};
}

// Sending ---------------------------------------------------------------------------------

static void note_sent(struct tcp_pcb *pcb, struct tcp_seg *segment)
{
    struct recovery *r = &pcb->recovery;
    // Two segments never have the same time: which was sent first is what RACK goes by.
    static int64_t last_stamp;
    int64_t at = now();
    last_stamp = at > last_stamp ? at : last_stamp + 1;
    segment->sent_at = last_stamp;
    r->last_sent = at;
    if (r->state == RECOVERY_LOSS)
        r->congestion.sent += segment_length(segment);
}

void recovery_sent(struct tcp_pcb *pcb, struct tcp_seg *segment)
{
    struct recovery *r = &pcb->recovery;
    segment->marks = segment->sent_at != 0 ? SEGMENT_AGAIN : 0; // a SYN, by lwIP's own timer
    if (pcb->unacked == segment)
        r->highest = segment_start(segment);
    bool second = pcb->unacked == r->last; // from where on a probe need not wait for long
    r->last = segment;
    note_sent(pcb, segment);
    r->probe_new = false;
    uint32_t out = pcb->snd_nxt - pcb->lastack;
    if (out > r->peak)
        r->peak = out;
    if (pcb->state < ESTABLISHED)
        return;
    if (r->waits_for == WAIT_NOTHING || (second && may_probe(pcb)))
        arm(pcb);
    else if (r->waits_for == WAIT_PROBE)
        r->since = r->last_sent;
}

uint32_t recovery_window(struct tcp_pcb *pcb)
{
    struct recovery *r = &pcb->recovery;
    if (pcb->state < ESTABLISHED)
        return pcb->cwnd;
    uint32_t out = pcb->snd_nxt - pcb->lastack, pipe = scoreboard_pipe(pcb);
    if (pcb->unacked == NULL) {
        int64_t idle = r->last_sent != 0 ? now() - r->last_sent : 0;
        if (idle > LEAST_MARGIN && idle > time_out_after(r))
            congestion_idle(pcb);
    }
    uint32_t room = pcb->cwnd > pipe ? pcb->cwnd - pipe : 0;
    if (r->due > 0)
        room = 0; // what was lost goes first
    if (r->probe_new && room < pcb->mss)
        room = pcb->mss;
    return out + room;
}

struct tcp_seg *recovery_next(struct tcp_pcb *pcb)
{
    struct recovery *r = &pcb->recovery;
    if (r->probe != NULL || r->due == 0)
        return r->probe;
    struct tcp_seg *at = r->lost_at != NULL ? r->lost_at : pcb->unacked;
    while (at != NULL && (at->marks & (SEGMENT_LOST | SEGMENT_RESENT)) != SEGMENT_LOST)
        at = at->next;
    r->lost_at = at;
    bool fits = at != NULL && scoreboard_pipe(pcb) + segment_length(at) <= pcb->cwnd;
    return fits ? at : NULL;
}

void recovery_resent(struct tcp_pcb *pcb, struct tcp_seg *segment)
{
    struct recovery *r = &pcb->recovery;
    uint8_t sacked = segment->marks & SEGMENT_SACKED;
    if (r->probe == segment)
        r->probe = NULL;
    else if (r->may_undo)
        r->undo_count++;
    if (sacked == 0)
        scoreboard_mark(r, segment, segment->marks | SEGMENT_RESENT | SEGMENT_AGAIN);
    note_sent(pcb, segment);
    if (r->waits_for == WAIT_NOTHING)
        arm(pcb);
}

// Acknowledgements --------------------------------------------------------------------------

void recovery_start_ack(struct tcp_pcb *pcb)
{
    (void)pcb;
    taken.now = now();
    taken.sent = taken.trip = 0;
    taken.delivered = 0;
    taken.original = false;
}

static void delivered(struct tcp_pcb *pcb, struct tcp_seg *segment)
{
    struct recovery *r = &pcb->recovery;
    uint32_t end = segment_start(segment) + segment_length(segment);
    int64_t trip = taken.now - segment->sent_at;
    if (trip < LEAST_TRIP)
        trip = LEAST_TRIP;
    taken.delivered += segment_length(segment);
    bool again = (segment->marks & SEGMENT_AGAIN) != 0;
    bool first = !again || trip < r->least / 2; // it is the first sending that arrived
    if (first && r->state == RECOVERY_TIMEOUT && TCP_SEQ_LEQ(end, r->recover))
        taken.original = true;
    if (again && trip < r->least - r->least / 16)
        return; // RFC 8985, 6.2, step 2, but the least is not known to the nanosecond
    if (!again) {
        if (trip < r->least)
            r->least = trip;
        if (TCP_SEQ_LT(end, r->highest))
            r->reordered = true;
        if (segment->sent_at >= taken.sent) {
            taken.sent = segment->sent_at;
            taken.trip = trip;
        }
    }
    if (TCP_SEQ_GT(end, r->highest))
        r->highest = end;
    if (segment->sent_at > r->rack_sent) {
        r->rack_sent = segment->sent_at;
        r->rack_trip = trip;
    }
}

void recovery_acknowledged(struct tcp_pcb *pcb, struct tcp_seg *segment)
{
    struct recovery *r = &pcb->recovery;
    if (segment->sent_at != 0 && (segment->marks & SEGMENT_SACKED) == 0)
        delivered(pcb, segment);
    if (segment->marks != 0)
        scoreboard_mark(r, segment, 0);
    if (r->lost_at == segment)
        r->lost_at = NULL;
    if (r->probe == segment)
        r->probe = NULL;
}

// RFC 6298, 2.
static void measure(struct recovery *r)
{
    if (taken.trip == 0)
        return;
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
        if (!lost)
            r->sacked = 0;
    }
    if (lost && pcb->unacked != NULL && (pcb->unacked->marks & SEGMENT_LOST) == 0)
        scoreboard_lose(r, pcb->unacked);
    return lost;
}

// A segment arrived twice: one was sent again in vain.
static void arrived_twice(struct tcp_pcb *pcb, const struct recovery_block *which)
{
    struct recovery *r = &pcb->recovery;
    if (r->patience == 0 || TCP_SEQ_GEQ(pcb->lastack, r->patience_at)) {
        r->patience += r->patience < PATIENCE_MOST ? 1 : 0;
        r->patience_at = pcb->snd_nxt;
    }
    r->patience_for = PATIENCE_FOR;
    bool ours = TCP_SEQ_GEQ(which->left, r->undo_from) && TCP_SEQ_LEQ(which->right, r->recover);
    if (ours)
        r->reordered = true;
    if (r->may_undo && ours && r->undo_count > 0 && --r->undo_count == 0)
        undo(pcb);
}

// RFC 8985, 7.4: a probe that was a segment sent again may have mended a loss that nobody saw.
static void look_at_probe(struct tcp_pcb *pcb, const struct recovery_ack *ack, bool twice)
{
    struct recovery *r = &pcb->recovery;
    if (TCP_SEQ_LT(ack->number, r->probe_end))
        return;
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
    if (!ack->advances || TCP_SEQ_LT(ack->number, r->round_end))
        return;
    r->round_end = pcb->snd_nxt;
    r->peak_before = r->peak;
    r->peak = pcb->snd_nxt - pcb->lastack;
    measure(r);
    if (pcb->cwnd < pcb->ssthresh)
        congestion_round(pcb);
}

// Most acknowledgements: nothing is missing.
static void take_calmly(struct tcp_pcb *pcb, const struct recovery_ack *ack)
{
    struct recovery *r = &pcb->recovery;
    note_round(pcb, ack);
    if (window_in_use(pcb)) {
        if (pcb->cwnd < pcb->ssthresh && taken.trip != 0)
            congestion_trip(pcb, taken.trip);
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
    if (r->state != RECOVERY_NONE || r->smoothed == 0)
        measure(r);
    if (ack->advances)
        r->backoff = 0;
    if ((pcb->flags & TF_SACK) == 0)
        lost = guess(pcb, ack, advance);
    if (twice)
        arrived_twice(pcb, &ack->blocks[0]);
    if (r->probing)
        look_at_probe(pcb, ack, twice);
    if (r->doubtful && taken.original)
        undo(pcb);
    if (r->state != RECOVERY_NONE && TCP_SEQ_GEQ(pcb->lastack, r->recover))
        end_episode(pcb);
    lost |= look_for_late(pcb, &wait);
    if (lost)
        lose(pcb);
    note_round(pcb, ack);
    if (r->state == RECOVERY_LOSS && (lost || taken.delivered > 0))
        congestion_reduce(pcb, taken.delivered, scoreboard_pipe(pcb), lost);
    else if (taken.delivered > 0 && window_in_use(pcb))
        congestion_grow(pcb, taken.delivered, taken.now);
    if (wait > 0 && pcb->unacked != NULL)
        set_timer(r, WAIT_ORDER, wait);
    else if (ack->advances || taken.delivered > 0)
        arm(pcb);
}
