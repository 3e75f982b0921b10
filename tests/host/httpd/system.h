// SPDX-License-Identifier: MIT
// The web server without a system: what it submits is answered here, in a time that the test sets.
// Its connections are numbered from 1; its clients' addresses are 10.0.0.N. Files are "/fN", small
// and read whole into the cache, and "/large", which is had piece by piece; "/d/" is an empty
// directory.
#pragma once

#include <stdbool.h>
#include <tessera/abi/ring.h>
#include <tessera/lib/clock.h>

#define SYSTEM_SOCKETS 8000u
#define SYSTEM_SMALL   1000u
#define SYSTEM_LARGE   (1u << 20)

struct system_socket {
    bool open;  // to the server
    bool takes; // all that is written arrives at once; else a head alone does
    uint8_t client;
    struct ts_submission read, write; // user_data 0: none waits
    unsigned answers, status;         // whose first bytes came, and the last one's
    bool coded;                       // its body is said to have a coding
    ts_time_t answered;               // when
};

extern struct system_socket system_sockets[SYSTEM_SOCKETS];
extern ts_status_t system_pages; // what the file server says when its pages are asked for

void system_start(void);
void system_configure(const char *text);             // before anything is asked
unsigned system_connect(uint8_t client, bool takes); // a new connection's number
void system_send(unsigned number, const char *text); // as far as it reads
void system_take(unsigned number);                   // what it writes arrives from now on
void system_leave(unsigned number);                  // the client ends the connection
void system_pass(ts_time_t time); // so much later: deadlines and timers come in order
