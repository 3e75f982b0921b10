// SPDX-License-Identifier: MIT
// What of an NTP packet is believed (apps/srv/sntp/sntp.h).
#include "sntp.h"

#include <string.h>

#include "tests/host/check.h"

#define MS     INT64_C(1000000)
#define SECOND (1000 * MS)
#define COOKIE UINT64_C(0x0123456789abcdef)

static const struct sntp_question question = {.cookie = COOKIE, .sent = 50 * SECOND};

static void put(unsigned char *at, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++) {
        at[i] = (unsigned char)(value >> (56 - 8 * i));
    }
}

// A good answer: the server got the question at `seconds` of NTP and held it for a quarter.
static void good(unsigned char packet[SNTP_BYTES], uint64_t seconds)
{
    memset(packet, 0, SNTP_BYTES);
    packet[0] = 4 << 3 | 4;
    packet[1] = 2;
    put(packet + 24, COOKIE);
    put(packet + 32, seconds << 32);
    put(packet + 40, seconds << 32 | UINT32_C(0x40000000));
}

static enum sntp_verdict read_after(const unsigned char *packet, size_t length, int64_t after,
                                    struct sntp_answer *out_answer)
{
    return sntp_read(&question, packet, length, question.sent + after, out_answer);
}

static void test_a_question_has_its_cookie_alone(void)
{
    unsigned char packet[SNTP_BYTES], expected[SNTP_BYTES] = {4 << 3 | 3};
    put(expected + 40, COOKIE);
    sntp_write(&question, packet);
    CHECK(memcmp(packet, expected, sizeof(packet)) == 0);
}

// 250 ms at the server, 100 ms there and back: it got the question 50 ms after it was sent.
static void test_a_good_answer(void)
{
    static const struct {
        uint64_t ntp;
        int64_t unix_seconds;
    } times[] = {{UINT32_C(3976000000), 1767011200}, // 2025
                 {UINT32_MAX, 2085978495},           // 2036, the last second of the era
                 {1, 2085978497}};                   // and one of the next
    for (unsigned i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        unsigned char packet[SNTP_BYTES];
        struct sntp_answer answer;
        good(packet, times[i].ntp);
        CHECK_EQUAL(read_after(packet, SNTP_BYTES, 350 * MS, &answer), SNTP_GOOD);
        CHECK_EQUAL(answer.delay, 100 * MS);
        CHECK_EQUAL(answer.offset, times[i].unix_seconds * SECOND - question.sent - 50 * MS);
    }
}

// One byte of a good answer is another one, and what comes of it.
static void test_a_byte_that_is_wrong(void)
{
    static const struct {
        unsigned at, value;
        enum sntp_verdict verdict;
    } wrong[] = {{0, 4 << 3 | 3, SNTP_IGNORED}, {0, 4 << 3 | 5, SNTP_IGNORED},
                 {0, 5 << 3 | 4, SNTP_IGNORED}, {0, 0 << 3 | 4, SNTP_IGNORED},
                 {24, 0, SNTP_IGNORED},         {31, 0, SNTP_IGNORED},
                 {1, 0, SNTP_USELESS},          {1, 16, SNTP_USELESS},
                 {1, 255, SNTP_USELESS},        {0, 3 << 6 | 4 << 3 | 4, SNTP_USELESS},
                 {4, 1, SNTP_USELESS},          {8, 1, SNTP_USELESS},
                 {32, 0xff, SNTP_USELESS},      {40, 0xff, SNTP_USELESS},
                 {43, 0xff, SNTP_USELESS},      {0, 3 << 3 | 4, SNTP_GOOD}};
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        unsigned char packet[SNTP_BYTES];
        struct sntp_answer answer;
        good(packet, UINT32_C(3976000000));
        packet[wrong[i].at] = (unsigned char)wrong[i].value;
        CHECK_EQUAL(read_after(packet, SNTP_BYTES, 350 * MS, &answer), wrong[i].verdict);
    }
}

static void test_times_that_cannot_be(void)
{
    unsigned char packet[SNTP_BYTES];
    struct sntp_answer answer;
    good(packet, UINT32_C(3976000000));
    for (size_t length = 0; length < SNTP_BYTES; length++) {
        CHECK_EQUAL(read_after(packet, length, 350 * MS, &answer), SNTP_IGNORED);
    }
    CHECK_EQUAL(read_after(packet, SNTP_BYTES, -1, &answer), SNTP_IGNORED);
    CHECK_EQUAL(read_after(packet, SNTP_BYTES, 249 * MS, &answer), SNTP_USELESS);
    CHECK_EQUAL(read_after(packet, SNTP_BYTES, 2251 * MS, &answer), SNTP_USELESS);
    put(packet + 32, 0);
    CHECK_EQUAL(read_after(packet, SNTP_BYTES, 350 * MS, &answer), SNTP_USELESS);
}

static void test_kisses(void)
{
    static const struct {
        const char *code;
        enum sntp_verdict verdict;
    } kisses[] = {{"DENY", SNTP_REFUSED},
                  {"RSTR", SNTP_REFUSED},
                  {"RATE", SNTP_TOO_SOON},
                  {"INIT", SNTP_USELESS}};
    for (unsigned i = 0; i < sizeof(kisses) / sizeof(kisses[0]); i++) {
        unsigned char packet[SNTP_BYTES];
        struct sntp_answer answer;
        good(packet, UINT32_C(3976000000));
        packet[1] = 0;
        memcpy(packet + 12, kisses[i].code, 4);
        CHECK_EQUAL(read_after(packet, SNTP_BYTES, 350 * MS, &answer), kisses[i].verdict);
        packet[24] ^= 1; // somebody else's
        CHECK_EQUAL(read_after(packet, SNTP_BYTES, 350 * MS, &answer), SNTP_IGNORED);
    }
}

int main(void)
{
    test_a_question_has_its_cookie_alone();
    test_a_good_answer();
    test_a_byte_that_is_wrong();
    test_times_that_cannot_be();
    test_kisses();
    return 0;
}
