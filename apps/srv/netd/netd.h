// SPDX-License-Identifier: MIT
// The whole server: what its parts share. One of it exists, made by stack_init.
#pragma once

#include <tessera/lib/server.h>
#include <tessera/proto/net.h>

#include "link.h"

struct stream;

// Clients divide these (account.h): with one that takes all it can, the next has room for 3,000
// idle connections, each with a read that waits.
#define NETD_REQUESTS      14336u
#define NETD_KEPT          12288u      // of them, as idle connections' reads are
#define NETD_OBJECTS       12288u      // sessions and sockets
#define NETD_CLIENT_MEMORY (24u << 20) // of the heap: what is kept for clients
#define NETD_QUESTIONS     64u         // to DNS servers
#define NETD_INBOX         32u         // all arguments but a name to resolve
#define NETD_CARDS         8u          // network cards; more are left alone
#define NETD_TIME_WAIT     512u        // connections kept only to answer stragglers

struct netd {
    struct ts_loop *loop;
    struct ts_server *server;
    struct packet_memory packets; // the first card's; what clients send lies there
    struct link *links[NETD_CARDS];
    uint32_t link_count;
    struct ts_timer timer; // lwIP's next
    struct ts_object root; // init's
    struct stream *unsent; // streams that have something to do before the loop waits
    struct stream *starved, *last_starved; // streams that wait for packet memory
    uint32_t starved_count, starved_tries; // of them; that have not tried since starved_free
    uint32_t starved_free;                 // bytes of it that were free then
    uint32_t sessions_made;
    struct ts_net_statistics statistics;
};

extern struct netd netd;
