// SPDX-License-Identifier: MIT
#include "controller.h"

#include <tessera/lib/log.h>

enum { // status
    HAS_BYTE = 0x01,
    IS_BUSY = 0x02,
    FROM_SECOND = 0x20,
    LATE = 0x40,
    PARITY = 0x80,
    NOTHING_THERE = 0xff,
};

enum { // commands
    READ_SETTINGS = 0x20,
    WRITE_SETTINGS = 0x60,
    SECOND_OFF = 0xa7,
    SECOND_ON = 0xa8,
    TEST_SECOND = 0xa9,
    TEST = 0xaa,
    TEST_FIRST = 0xab,
    FIRST_OFF = 0xad,
    FIRST_ON = 0xae,
    TO_SECOND = 0xd4,
};

enum { // settings
    FIRST_INTERRUPT = 0x01,
    SECOND_INTERRUPT = 0x02,
    FIRST_DISABLED = 0x10,
    SECOND_DISABLED = 0x20,
    TRANSLATION = 0x40,
};

enum {
    TEST_PASSED = 0x55,
    PORT_WORKS = 0x00,
};

#define LOOKS      16u  // at once, then with pauses
#define WAIT_MS    200u // for the controller
#define STALE_MAX  64u  // bytes that may lie in it from before
#define TEST_TRIES 3u
#define GIVE_LOOKS 16u
#define DATA       true
#define COMMAND    false

// ---- Waiting

// Whether the bits are as wanted before the time is over.
static bool wait_for(struct controller *c, uint8_t mask, uint8_t wanted)
{
    for (unsigned i = 0; i < LOOKS + WAIT_MS; i++) {
        uint8_t status = c->read(c->context, COMMAND);
        if (status == NOTHING_THERE) {
            return false;
        }
        if ((status & mask) == wanted) {
            return true;
        }
        if (i >= LOOKS) {
            c->pause(c->context);
        }
    }
    return false;
}

static bool write(struct controller *c, bool data, uint8_t value)
{
    if (!wait_for(c, IS_BUSY, 0)) {
        return false;
    }
    c->write(c->context, data, value);
    return true;
}

static bool ask(struct controller *c, uint8_t command, uint8_t *out_answer)
{
    if (!write(c, COMMAND, command) || !wait_for(c, HAS_BYTE, HAS_BYTE)) {
        return false;
    }
    *out_answer = c->read(c->context, DATA);
    return true;
}

static bool set(struct controller *c, uint8_t settings)
{
    return write(c, COMMAND, WRITE_SETTINGS) && write(c, DATA, settings);
}

// ---- The start

// Both ports off, and nothing in the buffer: from now on what comes are answers.
static bool silence(struct controller *c)
{
    if (!write(c, COMMAND, FIRST_OFF) || !write(c, COMMAND, SECOND_OFF)) {
        return false;
    }
    for (unsigned i = 0; i < STALE_MAX; i++) {
        if (!(c->read(c->context, COMMAND) & HAS_BYTE)) {
            return true;
        }
        (void)c->read(c->context, DATA);
    }
    return false; // a controller has one byte
}

static bool passes_test(struct controller *c)
{
    uint8_t answer = 0;
    for (unsigned i = 0; i < TEST_TRIES; i++) {
        if (ask(c, TEST, &answer) && answer == TEST_PASSED) {
            return true;
        }
    }
    return false;
}

// A controller with two ports clears the bit when the second is switched on.
static bool has_second(struct controller *c)
{
    uint8_t settings;
    bool has = write(c, COMMAND, SECOND_ON) && ask(c, READ_SETTINGS, &settings) &&
               !(settings & SECOND_DISABLED);
    return write(c, COMMAND, SECOND_OFF) && has;
}

static void test_ports(struct controller *c)
{
    uint8_t answer;
    bool second = has_second(c);
    c->works[0] = ask(c, TEST_FIRST, &answer) && answer == PORT_WORKS;
    c->works[1] = second && ask(c, TEST_SECOND, &answer) && answer == PORT_WORKS;
    if (!c->works[0] || (second && !c->works[1])) {
        ts_log("port %u fails its test and is not used", c->works[0] ? 2u : 1u);
    }
}

static bool switch_on(struct controller *c, uint8_t settings)
{
    settings &= (uint8_t) ~(FIRST_DISABLED | SECOND_DISABLED);
    settings |= (uint8_t)((c->works[0] ? FIRST_INTERRUPT : FIRST_DISABLED) |
                          (c->works[1] ? SECOND_INTERRUPT : SECOND_DISABLED));
    return (!c->works[0] || write(c, COMMAND, FIRST_ON)) &&
           (!c->works[1] || write(c, COMMAND, SECOND_ON)) && set(c, settings) &&
           ask(c, READ_SETTINGS, &settings) && ((c->translates = settings & TRANSLATION), true);
}

ts_status_t controller_start(struct controller *c)
{
    uint8_t settings, again;
    c->works[0] = c->works[1] = c->translates = false;
    if (c->read(c->context, COMMAND) == NOTHING_THERE || !silence(c) ||
        !ask(c, READ_SETTINGS, &settings)) {
        return TS_ERR_NOT_FOUND;
    }
    settings &= (uint8_t) ~(FIRST_INTERRUPT | SECOND_INTERRUPT);
    // What is there can be written and read back. (Ports without a device read as they like.)
    if (!set(c, settings) || !ask(c, READ_SETTINGS, &again) ||
        ((again ^ settings) & (FIRST_INTERRUPT | SECOND_INTERRUPT | TRANSLATION))) {
        return TS_ERR_NOT_FOUND;
    }
    if (!passes_test(c)) {
        ts_log("the controller fails its test");
        return TS_ERR_IO;
    }
    if (!set(c, settings)) { // which the test may have changed
        return TS_ERR_IO;
    }
    test_ports(c);
    if ((!c->works[0] && !c->works[1]) || !switch_on(c, settings)) {
        return TS_ERR_IO;
    }
    return TS_OK;
}

// ---- Bytes

bool controller_take(struct controller *c, unsigned *out_port, uint8_t *out_byte, bool *out_bad)
{
    uint8_t status = c->read(c->context, COMMAND);
    if (status == NOTHING_THERE || !(status & HAS_BYTE)) {
        return false;
    }
    *out_port = status & FROM_SECOND ? 1 : 0;
    *out_bad = (status & (LATE | PARITY)) != 0;
    *out_byte = c->read(c->context, DATA);
    return true;
}

static bool is_free(struct controller *c)
{
    for (unsigned i = 0; i < GIVE_LOOKS; i++) {
        uint8_t status = c->read(c->context, COMMAND);
        if (status == NOTHING_THERE) {
            return false;
        }
        if (!(status & IS_BUSY)) {
            return true;
        }
    }
    return false;
}

bool controller_give(struct controller *c, unsigned port, uint8_t byte)
{
    if (!is_free(c)) {
        return false;
    }
    if (port == 1) {
        c->write(c->context, COMMAND, TO_SECOND);
        if (!is_free(c)) {
            return false; // it is asked again, which does no harm
        }
    }
    c->write(c->context, DATA, byte);
    return true;
}
