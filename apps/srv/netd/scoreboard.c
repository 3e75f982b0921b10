// SPDX-License-Identifier: MIT
#include "scoreboard.h"

#define REORDERED_FOR_SURE 3u // segments behind one that is missing, from which it is lost at once

// Adds what the segment is to the sums, or takes it out.
static void count(struct recovery *r, const struct tcp_seg *segment, bool add)
{
    uint32_t bytes = add ? segment_length(segment) : 0u - segment_length(segment);
    uint8_t marks = segment->marks;
    if ((marks & SEGMENT_SACKED) != 0) {
        r->sacked += bytes;
        r->sacked_count += add ? 1 : 0u - 1;
    }
    if ((marks & SEGMENT_LOST) != 0) {
        r->lost += bytes;
    }
    if ((marks & SEGMENT_RESENT) != 0) {
        r->resent += bytes;
    }
    if ((marks & (SEGMENT_LOST | SEGMENT_RESENT)) == SEGMENT_LOST) {
        r->due += bytes;
    }
}

void scoreboard_mark(struct recovery *r, struct tcp_seg *segment, uint8_t marks)
{
    if (segment->marks != 0) {
        count(r, segment, false);
    }
    segment->marks = marks;
    if (marks != 0) {
        count(r, segment, true);
    }
}

void scoreboard_lose(struct recovery *r, struct tcp_seg *segment)
{
    scoreboard_mark(r, segment, (segment->marks & SEGMENT_AGAIN) | SEGMENT_LOST);
    r->lost_at = NULL;
}

void scoreboard_lose_all(struct tcp_pcb *pcb)
{
    bool reneged = pcb->unacked != NULL && (pcb->unacked->marks & SEGMENT_SACKED) != 0;
    for (struct tcp_seg *s = pcb->unacked; s != NULL; s = s->next) {
        if (reneged || (s->marks & SEGMENT_SACKED) == 0) {
            scoreboard_lose(&pcb->recovery, s);
        }
    }
}

void scoreboard_find_all(struct tcp_pcb *pcb)
{
    for (struct tcp_seg *s = pcb->unacked; s != NULL; s = s->next) {
        if ((s->marks & (SEGMENT_LOST | SEGMENT_RESENT)) == SEGMENT_LOST) {
            scoreboard_mark(&pcb->recovery, s, s->marks & SEGMENT_AGAIN);
        }
    }
}

// Those blocks that lie in what is on its way, in order. Their number.
static unsigned sort_blocks(const struct tcp_pcb *pcb, const struct recovery_ack *ack,
                            struct recovery_block *out)
{
    unsigned count = 0;
    for (unsigned i = 0; i < ack->count; i++) {
        struct recovery_block block = ack->blocks[i];
        if (!TCP_SEQ_LT(block.left, block.right) || !TCP_SEQ_GEQ(block.left, pcb->lastack) ||
            !TCP_SEQ_LEQ(block.right, pcb->snd_nxt)) {
            continue;
        }
        unsigned at = count++;
        for (; at > 0 && TCP_SEQ_LT(block.left, out[at - 1].left); at--) {
            out[at] = out[at - 1];
        }
        out[at] = block;
    }
    return count;
}

void scoreboard_take(struct tcp_pcb *pcb, const struct recovery_ack *ack,
                     void (*delivered)(struct tcp_pcb *pcb, struct tcp_seg *segment))
{
    struct recovery_block blocks[RECOVERY_BLOCKS];
    unsigned count = sort_blocks(pcb, ack, blocks), i = 0;
    for (struct tcp_seg *s = pcb->unacked; s != NULL && i < count; s = s->next) {
        uint32_t start = segment_start(s), end = start + segment_length(s);
        while (i < count && TCP_SEQ_GEQ(start, blocks[i].right)) {
            i++;
        }
        if (i == count || (s->marks & SEGMENT_SACKED) != 0 || TCP_SEQ_LT(start, blocks[i].left) ||
            TCP_SEQ_GT(end, blocks[i].right)) {
            continue;
        }
        delivered(pcb, s);
        scoreboard_mark(&pcb->recovery, s, (s->marks & SEGMENT_AGAIN) | SEGMENT_SACKED);
    }
}

bool scoreboard_twice(const struct tcp_pcb *pcb, const struct recovery_ack *ack)
{
    if (ack->count == 0) {
        return false;
    }
    const struct recovery_block *first = &ack->blocks[0], *second = &ack->blocks[1];
    if (!TCP_SEQ_LT(first->left, first->right)) {
        return false;
    }
    if (TCP_SEQ_LEQ(first->right, ack->number)) {
        return TCP_SEQ_GEQ(first->left, ack->number - pcb->snd_wnd_max);
    }
    return ack->count > 1 && TCP_SEQ_GEQ(first->left, second->left) &&
           TCP_SEQ_LEQ(first->right, second->right);
}

// How long a segment that was overtaken may still come.
static int64_t patience(const struct recovery *r)
{
    if (!r->reordered && (r->state != RECOVERY_NONE || r->sacked_count >= REORDERED_FOR_SURE)) {
        return 0;
    }
    int64_t wait = r->least / 4 * (1 + r->patience);
    return wait < r->smoothed ? wait : r->smoothed;
}

bool scoreboard_late(struct tcp_pcb *pcb, int64_t now, int64_t *out_wait)
{
    struct recovery *r = &pcb->recovery;
    int64_t given = r->rack_trip + patience(r);
    bool any = false;
    *out_wait = 0;
    for (struct tcp_seg *s = pcb->unacked; s != NULL; s = s->next) {
        if ((s->marks & SEGMENT_SACKED) != 0 ||
            (s->marks & (SEGMENT_LOST | SEGMENT_RESENT)) == SEGMENT_LOST) {
            continue;
        }
        if (s->sent_at >= r->rack_sent) {
            if ((s->marks & SEGMENT_AGAIN) == 0) {
                break; // what follows was sent later for the first time
            }
            continue;
        }
        int64_t left = s->sent_at + given - now;
        if (left <= 0) {
            scoreboard_lose(r, s);
            any = true;
        } else if (left > *out_wait) {
            *out_wait = left;
        }
    }
    return any;
}
