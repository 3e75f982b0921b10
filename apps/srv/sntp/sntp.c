// SPDX-License-Identifier: MIT
#include "sntp.h"

#include <string.h>

#define SECOND     INT64_C(1000000000)
#define EPOCH      INT64_C(2208988800) // 1970-01-01 in seconds since 1900
#define DELAY_MOST (2 * SECOND)        // a worse answer says too little
#define ROOT_MOST  (UINT32_C(2) << 16) // seconds, 16.16: of the server's own error

enum { ROOT_DELAY = 4, ROOT_DISPERSION = 8, CODE = 12, ORIGIN = 24, RECEIVE = 32, TRANSMIT = 40 };

#define VERSION     4u
#define MODE_CLIENT 3u
#define MODE_SERVER 4u
#define LEAP_UNSET  3u
#define STRATUM_END 16u

static uint32_t read32(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint64_t read64(const unsigned char *at)
{
    return (uint64_t)read32(at) << 32 | read32(at + 4);
}

// ns since 1970. The era is the one that makes it a time from 1968 to 2104.
static int64_t time_of(uint64_t stamp)
{
    int64_t seconds = (int64_t)(stamp >> 32);
    if (seconds < INT64_C(1) << 31) {
        seconds += INT64_C(1) << 32;
    }
    uint64_t part = (stamp & UINT32_MAX) * (uint64_t)SECOND >> 32;
    return (seconds - EPOCH) * SECOND + (int64_t)part;
}

void sntp_write(const struct sntp_question *question, unsigned char out_packet[SNTP_BYTES])
{
    memset(out_packet, 0, SNTP_BYTES);
    out_packet[0] = VERSION << 3 | MODE_CLIENT;
    for (unsigned i = 0; i < 8; i++) {
        out_packet[TRANSMIT + i] = (unsigned char)(question->cookie >> (56 - 8 * i));
    }
}

// A "kiss of death": stratum 0, and why.
static enum sntp_verdict kiss(const unsigned char *packet)
{
    const char *code = (const char *)packet + CODE;
    if (memcmp(code, "DENY", 4) == 0 || memcmp(code, "RSTR", 4) == 0) {
        return SNTP_REFUSED;
    }
    return memcmp(code, "RATE", 4) == 0 ? SNTP_TOO_SOON : SNTP_USELESS;
}

enum sntp_verdict sntp_read(const struct sntp_question *question, const unsigned char *packet,
                            size_t length, int64_t received, struct sntp_answer *out_answer)
{
    unsigned version = length > 0 ? packet[0] >> 3 & 7 : 0;
    if (length < SNTP_BYTES || (packet[0] & 7) != MODE_SERVER || version == 0 ||
        version > VERSION || read64(packet + ORIGIN) != question->cookie ||
        received < question->sent) {
        return SNTP_IGNORED;
    }
    if (packet[1] == 0) {
        return kiss(packet);
    }
    uint64_t came = read64(packet + RECEIVE), went = read64(packet + TRANSMIT);
    if (packet[1] >= STRATUM_END || packet[0] >> 6 == LEAP_UNSET || came == 0 || went == 0 ||
        read32(packet + ROOT_DELAY) > ROOT_MOST || read32(packet + ROOT_DISPERSION) > ROOT_MOST) {
        return SNTP_USELESS;
    }
    int64_t held = time_of(went) - time_of(came), whole = received - question->sent;
    if (held < 0 || held > whole || whole - held > DELAY_MOST) {
        return SNTP_USELESS;
    }
    out_answer->delay = whole - held;
    // Half of the way there and half of the way back: the middles are the same moment.
    out_answer->offset = time_of(came) + held / 2 - (question->sent + whole / 2);
    return SNTP_GOOD;
}
