// SPDX-License-Identifier: MIT
// What clients hold of the stack. The client pays: each thing that is kept is taken for the client
// that made the socket or asked (tessera/lib/share.h), and no client can have all of a kind.
//
// Clients divide the pools here; what lwIP needs besides (frames under way, neighbours, fragments)
// comes from the heap's rest, HEAP_LIMIT less ACCOUNT_MEMORY's capacity.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct pbuf;
struct tcp_pcb;

enum account {
    ACCOUNT_SOCKETS,   // with connections that nobody accepted yet
    ACCOUNT_REQUESTS,  // kept: reads, writes, accepts, connects, questions
    ACCOUNT_MEMORY,    // bytes of the heap, and of rooms that unread data holds
    ACCOUNT_QUESTIONS, // to DNS servers
    ACCOUNT_PACKETS,   // bytes of packet memory, blocks with what was written and not acknowledged
    ACCOUNT_WAITING,   // streams that wait for packet memory; as many as there are
    ACCOUNTS,
};

void account_init(void);

// False: the client has as many as are left. Counted in the statistics.
bool account_take(enum account account, uint32_t client, uint64_t count);
void account_give(enum account account, uint32_t client, uint64_t count);
// How many it may take now.
uint64_t account_left(enum account account, uint32_t client);
// How many it has.
uint64_t account_of(enum account account, uint32_t client);

// What lwIP needs of the heap for each pbuf of segments that wait to be acknowledged; a segment
// with data has two, for its head and for its data. A connection may always have as many as are
// free: it paid for them when it was made.
#define ACCOUNT_QUEUED      128u
#define ACCOUNT_QUEUED_FREE 2u

// What received bytes take of ACCOUNT_MEMORY while they are kept: all of each pbuf, however little
// of it is data.
uint32_t account_cost(const struct pbuf *pbuf);

// A connection of lwIP's, from here until lwIP frees it, whatever part of us still knows it. One
// that comes in is its listener's client's, from its first segment on. False: over the share.
bool account_pcb(struct tcp_pcb *pcb, uint32_t client);
// Another pcb takes the place of one that lwIP is about to free: not counted, and counted again.
void account_pcb_leave(struct tcp_pcb *pcb);
void account_pcb_enter(struct tcp_pcb *pcb);
uint32_t account_pcb_client(const struct tcp_pcb *pcb); // 0: nobody's
