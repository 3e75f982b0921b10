// SPDX-License-Identifier: MIT
// TCP sockets: new, listening, connecting, connected, over.
//
// A stream's life. It is made by create or by an incoming connection, and has an object until the
// client's last handle closes. What it wrote may still be on its way then: the stream lingers
// without an object until all is acknowledged or the connection fails. It is freed when it has
// neither object nor a connection that points to it (stream_release).
//
// lwIP calls back from within its input and timers. Callbacks change the stream and answer kept
// requests, but never end a pcb other than by their return value.
//
// Sending. A write is pulled into packet blocks, which are given to lwIP by reference (chunks);
// they are let go as acknowledgements arrive. `filled` counts bytes pulled, `queued` those that
// lwIP has. A stream may hold at most as much packet memory as is free, and all streams of a client
// no more than its share: so one peer that does not acknowledge leaves room for others, however
// many it is. What lwIP needs for what is queued is the client's too (queue_paid).
#pragma once

#include <lwip/tcp.h>

#include "address.h"
#include "request.h"
#include "session.h"

#define STREAM_SEND_MAX   TCP_SND_BUF   // bytes written and not acknowledged
#define STREAM_SEND_LEAST (256u * 1024) // how many of them there may be from the beginning
#define STREAM_SEND_LOW   16384u        // a waiting write goes on when so much may be pulled
#define STREAM_HOLDERS    1024u         // clients with their peers' addresses, that are told apart
#define STARVED_LOW       (64u * 1024)  // free packet memory with which starved streams try again

enum stream_state {
    STREAM_NEW, // perhaps bound
    STREAM_LISTENING,
    STREAM_CONNECTING,
    STREAM_CONNECTED, // data may flow in one direction at least
    STREAM_OVER,      // `error` says why, TS_OK: both sides ended
};

struct chunk {
    struct chunk *next;
    struct packet_block *block;
    uint32_t filled, queued, acknowledged; // bytes of the block, each at most the one before
};

// What one segment or more brought. (A pbuf chain alone cannot be longer than 64 KiB.)
struct piece {
    struct piece *next;
    struct pbuf *pbuf;
    uint32_t cost; // of the client's memory
};

struct stream {
    struct ts_object object;
    struct session *session; // NULL once the object is gone
    uint32_t client;         // pays for all of it, until it is freed
    struct tcp_pcb *pcb;     // NULL: lwIP has nothing for it
    enum stream_state state;
    enum address_kind kind;
    ts_status_t error; // pending, for option ERROR
    struct ip_addr_and_port {
        ip_addr_t ip;
        u16_t port;
    } local, peer;          // kept for when the pcb is gone
    struct remain *remains; // remains.c: while connected
    bool nowait;            // STATUS_FLAGS
    bool peer_end, read_shut, write_shut, end_sent, linger_reset;
    bool no_delay; // connections of a listening socket start with its own
    bool on_unsent, on_starved, in_backlog;
    uint16_t holder;     // client and peer's address, by which packet memory is counted
    uint16_t queue_paid; // pbufs of lwIP's queues that are paid for, beyond ACCOUNT_QUEUED_FREE
    struct stream *unsent_next, *starved_next;

    struct ts_request_list reads, writes;
    struct ts_request *connecting;

    struct piece *received, *last_received;
    uint32_t received_bytes;
    uint32_t read_since;     // bytes that the client read
    ts_time_t reading_since; // from then on
    uint32_t early;          // paid for data that lwIP has and has not given yet (stream_early.c)
    uint32_t awaited; // the cost of data that a read waits for: it is not kept, and so not paid

    struct chunk *chunks, *last_chunk;
    ts_time_t progress;   // since then nothing that was sent was acknowledged
    ts_time_t receiving;  // since then nothing that was received was read
    uint32_t send_bytes;  // filled and not acknowledged, all chunks
    uint32_t block_bytes; // of packet memory held

    // Listening.
    struct ts_request_list accepts;
    struct stream *backlog, *last_backlog, *backlog_next; // connected, not accepted
    struct stream *listener;
    uint32_t backlog_count;
};

// create("tcp"…): answers the request.
void stream_create(struct ts_request *request, struct session *session, enum address_kind kind);

void stream_update_signals(struct stream *stream);

// ---- Between the parts, from the lowest to the highest

// stream_mark.c: to be looked at before the loop waits: segments to send, signals to set.
void stream_mark(struct stream *stream);
void stream_unmark(struct stream *stream);

// stream_early.c: what lwIP has of the client's data. Gives back what is not needed any more; what
// was paid for the data that lwIP gives now, from here on the caller's to give back.
void stream_settle_early(struct stream *stream);
uint32_t stream_take_early(struct stream *stream);
bool stream_pay_unread(struct stream *stream); // false: the client cannot pay what no read took

// stream_window.c: after `bytes` were read, once read_since is half of TCP_WND. Returns how many of
// them the peer may send in their place; the window may have grown besides.
uint32_t stream_window_look(struct stream *stream, uint32_t bytes);

// stream_receive.c
void stream_serve_reads(struct stream *stream);
void stream_drop_received(struct stream *stream);
void stream_read(struct ts_request *request);
void stream_receive_call(struct ts_request *request, struct stream *stream);
// False: there is no memory at all, lwIP keeps the data for later and takes no more.
bool stream_received(struct stream *stream, struct pbuf *data);

// stream_send.c
void stream_serve_writes(struct stream *stream);
void stream_push_out(struct stream *stream); // chunks to lwIP, then the end
void stream_acknowledged(struct stream *stream, uint32_t bytes);
void stream_drop_chunks(struct stream *stream);
uint32_t stream_writable(const struct stream *stream); // bytes that a write would take now
void stream_write(struct ts_request *request);
void stream_leave_starved(struct stream *stream); // it waits for packet memory, and is over
void stream_starved_again(void); // packet memory was given back: those that wait for it try again

// stream_life.c. NULL: the client has its share.
struct stream *stream_new(struct session *session, uint32_t client, enum address_kind kind,
                          const struct ts_operations *operations);
// Of a listener, with connections that nobody has accepted.
void stream_backlog_put(struct stream *listener, struct stream *stream);
void stream_backlog_remove(struct stream *stream);
// The request that waits for the connection, if one does.
void stream_answer_connect(struct stream *stream, ts_status_t status);
// Frees it if nothing holds it any more.
void stream_release(struct stream *stream);
// Resets the connection and lets go of all that belonged to it. In a callback of lwIP only if that
// returns ERR_ABRT.
void stream_abort(struct stream *stream);
// The connection is over: pending requests are answered.
void stream_over(struct stream *stream, ts_status_t error);
// Resets the connection for want of memory: its requests are answered. As stream_abort.
void stream_reset(struct stream *stream);
// Once both sides have ended and all is acknowledged, lwIP finishes without us (and without
// telling us): let it.
void stream_check_end(struct stream *stream);

// stream_event.c. Gives the stream its pcb and the callbacks.
void stream_attach(struct stream *stream, struct tcp_pcb *pcb);
// Makes it one that does nothing yet where it has none. False: the client has its share.
bool stream_has_pcb(struct stream *stream);
// The pcb's addresses are the stream's from now on.
void stream_keep_addresses(struct stream *stream);

// stream_option.c
void stream_set_option(struct ts_request *request, struct stream *stream);
void stream_get_option(struct ts_request *request, struct stream *stream);
void stream_apply_no_delay(struct stream *stream);

// stream_listen.c
void stream_listen(struct ts_request *request, struct stream *stream);
void stream_accept(struct ts_request *request);
void stream_stop_listening(struct stream *stream);

// stream_yield.c: a pool of TCP's is used up, and one gives way (yield.h). stream_yield: of those
// that hold memory, the heap's if `heap`; not from a callback of lwIP.
void stream_yield(bool heap);
void stream_cap_time_wait(void);
