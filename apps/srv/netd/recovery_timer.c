// SPDX-License-Identifier: MIT
// What happens when what was waited for did not come.
#include <stddef.h>

#include <lwip/priv/tcp_priv.h>

#include "recovery_part.h"
#include "scoreboard.h"

// What is late by now is lost. Called by the timer.
static void order_over(struct tcp_pcb *pcb)
{
    int64_t wait;
    if (recovery_look(pcb, &wait)) {
        recovery_lose(pcb);
        if (pcb->recovery.state == RECOVERY_LOSS) {
            congestion_reduce(pcb, 0, scoreboard_pipe(pcb), true);
        }
        (void)tcp_output(pcb);
    }
    if (wait > 0) {
        recovery_set_timer(&pcb->recovery, WAIT_ORDER, wait);
    } else {
        recovery_arm(pcb);
    }
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
    recovery_arm(pcb);
}

static void time_out(struct tcp_pcb *pcb)
{
    struct recovery *r = &pcb->recovery;
    bool first = r->state != RECOVERY_TIMEOUT || TCP_SEQ_GEQ(pcb->lastack, r->recover);
    if ((pcb->flags & TF_SACK) == 0) {
        r->sacked = r->duplicates = 0;
    }
    scoreboard_lose_all(pcb);
    congestion_timeout(pcb, first);
    recovery_begin_episode(pcb, RECOVERY_TIMEOUT);
    r->may_undo = r->doubtful = first;
    if (r->backoff < RECOVERY_BACKOFF_MOST) {
        r->backoff++;
    }
    if (pcb->nrtx < 0xff) {
        pcb->nrtx++; // lwIP gives the connection up when it is TCP_MAXRTX
    }
    (void)tcp_output(pcb);
    recovery_arm(pcb);
}

static void fired(struct wheel_timer *timer)
{
    struct tcp_pcb *pcb = (void *)((char *)timer - offsetof(struct tcp_pcb, recovery.timer));
    struct recovery *r = &pcb->recovery;
    enum recovery_wait what = r->waits_for;
    int64_t wait;
    if (what == WAIT_OPEN) {
        recovery_open_late(pcb);
        return;
    }
    if (pcb->unacked == NULL) {
        r->waits_for = WAIT_NOTHING;
        return;
    }
    // Since it was set it may have begun anew, without anybody telling the wheel.
    if (what != WAIT_ORDER) {
        what = recovery_choose(pcb, &wait);
        if (r->since + wait > recovery_now()) {
            r->waits_for = what;
            wheel_set(timer, recovery_now(), r->since + wait);
            return;
        }
    }
    r->waits_for = WAIT_NOTHING;
    if (what == WAIT_ORDER) {
        order_over(pcb);
    } else if (what == WAIT_PROBE) {
        probe(pcb);
    } else {
        time_out(pcb);
    }
}

void recovery_run_timers(void)
{
    wheel_run(recovery_now(), fired);
}
