// SPDX-License-Identifier: MIT
// What the parts of the server share: one loop, one set of counters, the configuration.
#pragma once

#include <tessera/lib/loop.h>
#include <tessera/lib/status.h>

#include "http/text.h"

#define HTTPD_CONNECTIONS 3000u // at the same time; beyond that one gives way: shared.h
#define HTTPD_ACCEPTS     16u   // in flight
#define HTTPD_PLACES      (HTTPD_CONNECTIONS + HTTPD_ACCEPTS) // for what is accepted meanwhile
#define HTTPD_IDLE_S      75 // until a connection without a request is closed
#define HTTPD_HEAD_S      10 // for a whole head, from its first byte on: then 408
#define HTTPD_BODY_S      10 // for a body that is dropped
#define HTTPD_WRITE_S     30 // for one write to be taken by the network stack
#define HTTPD_DRAIN_S     2  // after a refusal, so that the peer reads it before a reset

struct httpd_statistics {
    uint64_t requests, connections, refusals; // since the start; refusals: 4xx and 5xx
    uint64_t gave_way;                        // connections that were closed for others
    uint64_t bytes_sent;
    uint64_t bytes_read; // of content copied here before it was sent: one copy more
    uint64_t files_opened, cache_hits;
};

struct httpd {
    struct ts_loop loop;
    struct httpd_statistics statistics;
    uint16_t port;
};

extern struct httpd httpd;

// Seconds since 1970, as of the current batch of events.
int64_t httpd_now(void);
