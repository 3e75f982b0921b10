// SPDX-License-Identifier: MIT
// The handshake: a SYN that is not answered is sent again, by the same wheel as all else.
#include <lwip/priv/tcp_priv.h>
#include <tessera/lib/clock.h>

#include "recovery_part.h"

void recovery_open(struct tcp_pcb *pcb)
{
    recovery_set_timer(&pcb->recovery, WAIT_OPEN, RECOVERY_FIRST_TIMEOUT);
}

// lwIP gives a SYN up by the count, and the answer to one by the time since it came.
void recovery_open_late(struct tcp_pcb *pcb)
{
    struct recovery *r = &pcb->recovery;
    if (r->open_late < RECOVERY_BACKOFF_MOST) {
        r->open_late++;
    }
    if (pcb->nrtx < 0xff) {
        pcb->nrtx++;
    }
    recovery_set_timer(r, WAIT_OPEN, RECOVERY_FIRST_TIMEOUT << r->open_late);
    if (pcb->state == SYN_SENT && pcb->nrtx >= TCP_SYNMAXRTX) {
        return;
    }
    r->probe = pcb->unacked;
    (void)tcp_output(pcb);
    r->probe = NULL;
}

void recovery_begin(struct tcp_pcb *pcb)
{
    struct recovery *r = &pcb->recovery;
    if (r->waits_for == WAIT_OPEN) {
        r->waits_for = WAIT_NOTHING;
        wheel_stop(&r->timer);
    }
    if (r->smoothed == 0) {
        recovery_measure(r);
    }
    congestion_begin(pcb);
    if (r->open_late > 1) { // one may have come too soon (RFC 6928, 2)
        pcb->cwnd = pcb->mss;
    }
}
