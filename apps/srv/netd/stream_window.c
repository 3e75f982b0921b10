// SPDX-License-Identifier: MIT
// How much a peer may send before it is read. A connection begins with TCP_WND. A client that reads
// half of its window and more in a round trip is waited for by a peer that could send faster, so
// the window becomes twice what it reads in one: it doubles as slow start does, and stays where the
// line or the client is the slower one.
//
// Nothing is kept for it: what arrives is taken for the client when it does, and what the client
// has no room for is refused before it is acknowledged. So a window may grow while the client has
// room for it, and gives way when the client has not: what is read is then not offered anew.
#include "account.h"
#include "stream.h"

#define WINDOW_MOST  (1024u * 1024u)
#define COST         2u // bytes of memory for one that was received in full segments
#define TRIP_UNKNOWN (100 * TS_MILLISECOND) // where the SYN was sent again
_Static_assert(WINDOW_MOST <= 0xffffu << TCP_RCV_SCALE, "the field of the header can say it");

// What is read in a round trip at the rate of late, which begins to be measured anew. 0: the
// present measurement is shorter than a round trip.
static uint64_t read_in_trip(struct stream *stream)
{
    ts_time_t now = ts_loop_now(netd.loop), since = now - stream->reading_since;
    ts_time_t trip = stream->pcb->recovery.smoothed;
    if (trip == 0) {
        trip = TRIP_UNKNOWN;
    }
    if (since < trip) {
        return 0;
    }
    uint64_t bytes = (uint64_t)stream->read_since * (uint64_t)trip / (uint64_t)since;
    stream->reading_since = now;
    stream->read_since = 0;
    return bytes;
}

static void grow(struct tcp_pcb *pcb, uint64_t wanted, uint64_t room)
{
    if (wanted > WINDOW_MOST) {
        wanted = WINDOW_MOST;
    }
    if (wanted <= pcb->rcv_wnd_max || room / COST < wanted) {
        return;
    }
    uint32_t more = (uint32_t)wanted - pcb->rcv_wnd_max;
    pcb->rcv_wnd_max += more;
    pcb->rcv_wnd += more;
}

// Of `bytes` that were read those that are not offered again.
static uint32_t give_way(struct tcp_pcb *pcb, uint32_t bytes, uint64_t room)
{
    if (room / COST >= pcb->rcv_wnd_max) {
        return 0;
    }
    uint32_t beyond = pcb->rcv_wnd_max - TCP_WND;
    uint32_t less = bytes < beyond ? bytes : beyond;
    pcb->rcv_wnd_max -= less;
    return less;
}

uint32_t stream_window_look(struct stream *stream, uint32_t bytes)
{
    struct tcp_pcb *pcb = stream->pcb;
    uint64_t read = read_in_trip(stream);
    bool scaled = (pcb->flags & TF_WND_SCALE) != 0, grown = pcb->rcv_wnd_max > TCP_WND;
    if (!scaled || (read == 0 && !grown)) {
        return bytes;
    }
    uint64_t room = account_left(ACCOUNT_MEMORY, stream->client);
    if (grown) {
        bytes -= give_way(pcb, bytes, room);
    }
    grow(pcb, 2 * read, room);
    return bytes;
}
