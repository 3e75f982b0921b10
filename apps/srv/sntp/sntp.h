// SPDX-License-Identifier: MIT
// What an NTP packet says (RFC 5905, RFC 4330), and whether it is believed. Pure: a packet may come
// from anyone who can send one.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SNTP_BYTES 48u

// A question: its transmit time is a random number, which the answer has to repeat. So who does not
// see the question cannot answer it, and it tells nothing of this machine's clock.
struct sntp_question {
    uint64_t cookie;
    int64_t sent; // monotonic ns
};

enum sntp_verdict {
    SNTP_GOOD,
    SNTP_IGNORED,  // not an answer to the question: another may come
    SNTP_REFUSED,  // the server says that it shall not be asked again (DENY, RSTR)
    SNTP_TOO_SOON, // it shall be asked less often (RATE)
    SNTP_USELESS,  // its clock is not set, or what it says cannot be
};

struct sntp_answer {
    int64_t offset; // ns since 1970 less the monotonic time
    int64_t delay;  // ns that the packets were on their way
};

void sntp_write(const struct sntp_question *question, unsigned char out_packet[SNTP_BYTES]);

// `received`: monotonic. Only the first 48 bytes are looked at.
enum sntp_verdict sntp_read(const struct sntp_question *question, const unsigned char *packet,
                            size_t length, int64_t received, struct sntp_answer *out_answer);
