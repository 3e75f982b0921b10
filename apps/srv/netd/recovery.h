// SPDX-License-Identifier: MIT
// What a connection does about loss: the scoreboard of what is on its way, which segments are taken
// for lost and when, and the timer. docs/protocols/net.md tells the whole. lwIP's tcp_in.c and
// tcp_out.c call here by our patch; segments stay in lwIP's list `unacked` from their first sending
// until they are acknowledged.
//
//   RFC 2018, 6675  selective acknowledgements        RFC 8985  RACK and tail loss probes
//   RFC 6298        time-out, but from 200 ms         RFC 6582  peers without selective ones
//   RFC 5682        time-outs without a loss          RFC 2883  segments that arrived twice
//
// Times are those of ts_clock_now; bytes of a segment count its SYN or FIN.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "congestion.h"
#include "wheel.h"

struct tcp_pcb;
struct tcp_seg;

#define RECOVERY_BLOCKS 4u // selective blocks that an acknowledgement has room for

// Of a segment on its way (tcp_seg.marks).
#define SEGMENT_SACKED 1u // the peer has it
#define SEGMENT_LOST   2u // it is taken for lost
#define SEGMENT_RESENT 4u // it was sent again, and that is on its way
#define SEGMENT_AGAIN  8u // it was sent more than once

enum recovery_state {
    RECOVERY_NONE,    // nothing is taken for lost
    RECOVERY_LOSS,    // something was, until `recover` is acknowledged
    RECOVERY_TIMEOUT, // everything was
};

enum recovery_wait {
    WAIT_NOTHING,
    WAIT_OPEN,    // the SYN may be lost
    WAIT_ORDER,   // what is late may still come
    WAIT_PROBE,   // the last segments may be lost without anybody noticing
    WAIT_TIMEOUT, // nothing comes any more
};

struct recovery {
    struct wheel_timer timer; // first
    enum recovery_wait waits_for;
    int64_t since; // from when on it is waited for: may be later than when the timer was set
    enum recovery_state state;
    struct congestion congestion;

    // Round trip times; 0: none was measured.
    int64_t smoothed, variation, least, least_at;

    // Bytes of segments with that mark; without selective acknowledgements `sacked` is a guess.
    uint32_t sacked, lost, resent, due; // due: lost, and not sent again since
    uint32_t sacked_count;              // segments
    uint32_t highest;                   // end of the highest segment that was delivered
    uint32_t recover;                   // snd_nxt when the present loss or time-out was noticed
    struct tcp_seg *lost_at; // no lost segment that is to be sent is before; NULL: not known
    struct tcp_seg *last;    // of unacked, while that is not empty
    struct tcp_seg *probe;   // to be sent again now, whatever the window
    bool probe_new;          // one new segment may go, whatever the window

    // The most that was on its way in this round trip and the one before.
    uint32_t peak, peak_before, round_end;
    int64_t last_sent;

    // RACK: of the delivered segments that which was sent last.
    int64_t rack_sent, rack_trip;
    bool reordered;       // a segment was overtaken
    uint8_t patience;     // quarters of a round trip that a late one is given, besides the first
    uint8_t patience_for; // losses
    uint32_t patience_at; // it grew, and does not again before this is acknowledged

    bool probing, probe_again; // a probe is out; it was a segment sent again
    uint32_t probe_end;
    uint8_t open_late;  // time-outs of the SYN
    uint8_t backoff;    // time-outs in a row
    uint8_t duplicates; // acknowledgements, without selective ones

    // To undo what a loss did, once it shows that there was none.
    bool may_undo;
    uint32_t undo_from, undo_count; // segments that were sent again
    bool doubtful;                  // the time-out may have been without loss
};

struct recovery_block {
    uint32_t left, right;
};

// An acknowledgement, when lwIP has taken it for the peer's.
struct recovery_ack {
    uint32_t number;
    bool advances, duplicate; // lwIP's judgement, for peers without selective blocks
    unsigned count;
    struct recovery_block blocks[RECOVERY_BLOCKS];
};

// A SYN, or the answer to one, is about to be sent: it is again after a second, then after twice as
// long each time.
void recovery_open(struct tcp_pcb *pcb);

// The connection is established, by the acknowledgement that is being taken.
void recovery_begin(struct tcp_pcb *pcb);

// Its segments are gone, or it is: nothing refers to it any more.
void recovery_end(struct tcp_pcb *pcb);

// A segment was sent for the first time, and is in the list.
void recovery_sent(struct tcp_pcb *pcb, struct tcp_seg *segment);

// How far after `lastack` segments may be sent now.
uint32_t recovery_window(struct tcp_pcb *pcb);

// The next segment that is to be sent again now, NULL: none. It is followed by recovery_resent, or
// by nothing when it could not be sent.
struct tcp_seg *recovery_next(struct tcp_pcb *pcb);
void recovery_resent(struct tcp_pcb *pcb, struct tcp_seg *segment);

// An acknowledgement arrives: first this, then recovery_acknowledged for each segment before it is
// freed, then recovery_take.
void recovery_start_ack(void);
void recovery_acknowledged(struct tcp_pcb *pcb, struct tcp_seg *segment);
void recovery_take(struct tcp_pcb *pcb, const struct recovery_ack *ack);

// Timers whose time has come. netd's loop calls it when wheel_next says so.
void recovery_run_timers(void);
