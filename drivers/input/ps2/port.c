// SPDX-License-Identifier: MIT
#include "port.h"

#include <string.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/log.h>

enum { // commands, and parameters after some of them
    RESET = 0xff,
    IDENTIFY = 0xf2,
    QUIET = 0xf5,
    ENABLE = 0xf4,
    DEFAULTS = 0xf6,
    RATE = 0xf3, // of a mouse's reports, or of a keyboard's repeats
    LIGHTS = 0xed,
    RESOLUTION = 0xe8,
    SLOWEST = 0x7f, // the driver repeats itself
    FINEST = 3,
    RATE_200 = 200,
    RATE_100 = 100,
    RATE_80 = 80,
};

enum { // answers
    ACKNOWLEDGED = 0xfa,
    AGAIN = 0xfe,
    FAILED = 0xfc,
    TEST_PASSED = 0xaa,
    ID_LONG_FIRST = 0xab, // and ID_LONG_LAST: keyboards' ids have a second byte
    ID_LONG_LAST = 0xac,
};

#define ACK_WITHIN   (500 * TS_MILLISECOND)
#define TEST_WITHIN  (2 * TS_SECOND)
#define PACKET_NS    (200 * TS_MILLISECOND) // a mouse's packet does not take longer
#define PROBE_PAUSE  TS_SECOND              // between two, whatever the device says
#define TRIES        4u
#define KEY_SHIFT    TS_INPUT_KEY_CODE(0xe1)
#define BUTTON_COUNT 5u

static const uint8_t reset_script[] = {RESET};
static const uint8_t identify_script[] = {QUIET, IDENTIFY};
static const uint8_t keyboard_script[] = {RATE, SLOWEST, LIGHTS, 0, ENABLE};
// What a mouse with a wheel, and one with five buttons, takes for a knock at the door: after each
// it says anew what it is.
static const uint8_t mouse_script[] = {
    DEFAULTS, RATE,     RATE_200, RATE,    RATE_100, RATE, RATE_80,  IDENTIFY,   RATE,   RATE_200,
    RATE,     RATE_200, RATE,     RATE_80, IDENTIFY, RATE, RATE_100, RESOLUTION, FINEST, ENABLE};
static_assert(sizeof(mouse_script) <= PORT_SCRIPT_MAX, "the longest script");

// ---- Scripts

static void send_byte(struct port *p, ts_time_t now)
{
    p->await = PORT_ACK;
    p->unsent = !p->send(p, p->script[p->at]);
    p->deadline = now + ACK_WITHIN;
}

static void run(struct port *p, ts_time_t now, const uint8_t *script, size_t length)
{
    memcpy(p->script, script, length);
    p->length = (uint8_t)length;
    p->at = p->tries = 0;
    send_byte(p, now);
}

static void plug(struct port *p, uint32_t has, const char *name, uint32_t buttons)
{
    struct ts_input_device device = {.has = has, .buttons = buttons};
    strncpy(device.name, name, sizeof(device.name) - 1);
    input_plugged(p->input, p->index, &device);
}

static void set_empty(struct port *p)
{
    if (p->state == PORT_READY || p->state == PORT_SETUP) {
        ts_log("port %u: the device does not answer", p->index + 1u);
    }
    p->state = PORT_EMPTY;
    p->await = PORT_NOTHING;
    plug(p, 0, "", 0);
}

void port_probe(struct port *p, ts_time_t now)
{
    p->state = PORT_RESET;
    p->probed = now;
    run(p, now, reset_script, sizeof(reset_script));
}

static void set_up(struct port *p, ts_time_t now)
{
    p->state = PORT_SETUP;
    p->buttons = 0;
    p->scancode = (struct scancode){.translated = p->scancode.translated};
    p->mouse = (struct mouse){0};
    if (p->is_mouse) {
        run(p, now, mouse_script, sizeof(mouse_script));
        return;
    }
    run(p, now, keyboard_script, sizeof(keyboard_script));
    p->leds_sent = 0;
}

static void become_ready(struct port *p)
{
    static const char *const names[] = {"PS/2 mouse", "PS/2 wheel mouse", "PS/2 5-button mouse"};
    p->state = PORT_READY;
    if (!p->is_mouse) {
        plug(p, TS_INPUT_HAS_KEYS | TS_INPUT_HAS_LEDS, "PS/2 keyboard", 0);
        ts_log("port %u: keyboard", p->index + 1u);
        return;
    }
    bool plain = p->mouse.kind == MOUSE_PLAIN, many = p->mouse.kind == MOUSE_BUTTONS;
    plug(p, TS_INPUT_HAS_MOTION | TS_INPUT_HAS_BUTTONS | (plain ? 0u : TS_INPUT_HAS_WHEEL),
         names[plain  ? 0
               : many ? 2
                      : 1],
         many ? BUTTON_COUNT : 3);
    ts_log("port %u: mouse, %u buttons%s", p->index + 1u, many ? BUTTON_COUNT : 3u,
           plain ? "" : ", wheel");
}

// A keyboard's lights are what they should be, or are being made so.
static bool send_leds(struct port *p, ts_time_t now)
{
    if (p->is_mouse || p->leds == p->leds_sent) {
        return false;
    }
    // The device has Scroll Lock first, then Num Lock and Caps Lock.
    uint8_t bits =
        (uint8_t)((p->leds & TS_INPUT_LED_SCROLL ? 1u : 0u) |
                  (p->leds & TS_INPUT_LED_NUM ? 2u : 0u) | (p->leds & TS_INPUT_LED_CAPS ? 4u : 0u));
    p->leds_sent = p->leds;
    run(p, now, (const uint8_t[]){LIGHTS, bits}, 2);
    return true;
}

static void script_ended(struct port *p, ts_time_t now)
{
    switch (p->state) {
    case PORT_RESET:
        p->state = PORT_IDENTIFY;
        run(p, now, identify_script, sizeof(identify_script));
        break;
    case PORT_IDENTIFY: set_up(p, now); break;
    case PORT_SETUP: become_ready(p); // fall through
    default: (void)send_leds(p, now); break;
    }
}

static void next_byte(struct port *p, ts_time_t now)
{
    p->await = PORT_NOTHING;
    p->tries = 0;
    if (++p->at < p->length) {
        send_byte(p, now);
    } else {
        script_ended(p, now);
    }
}

static void acknowledged(struct port *p, ts_time_t now)
{
    uint8_t sent = p->script[p->at];
    if (sent == RESET) {
        p->await = PORT_TESTED;
        p->deadline = now + TEST_WITHIN;
    } else if (sent == IDENTIFY) {
        p->await = PORT_ID;
        p->deadline = now + ACK_WITHIN;
    } else {
        next_byte(p, now);
    }
}

static void send_again(struct port *p, ts_time_t now)
{
    if (++p->tries < TRIES) {
        send_byte(p, now);
    } else {
        set_empty(p);
    }
}

// The first byte of what it says that it is.
static void identified(struct port *p, ts_time_t now, uint8_t id)
{
    bool mouse = id == MOUSE_PLAIN || id == MOUSE_WHEEL || id == MOUSE_BUTTONS;
    if (p->state == PORT_SETUP) {
        p->mouse.kind = mouse ? (enum mouse_kind)id : MOUSE_PLAIN;
        next_byte(p, now);
        return;
    }
    p->is_mouse = mouse;
    if (id >= ID_LONG_FIRST && id <= ID_LONG_LAST) {
        p->await = PORT_ID_REST;
        p->deadline = now + ACK_WITHIN;
    } else {
        next_byte(p, now);
    }
}

// ---- What a device does

static void plugged_in(struct port *p, ts_time_t now)
{
    if (now - p->probed >= PROBE_PAUSE) {
        port_probe(p, now);
    }
}

static void take_key(struct port *p, ts_time_t now, uint8_t byte)
{
    uint32_t code;
    bool down;
    // Translated, this is also the release of a Shift key.
    if (byte == TEST_PASSED && p->scancode.prefix == 0 &&
        !(p->scancode.translated && events_is_down(&p->input->events, KEY_SHIFT))) {
        plugged_in(p, now);
        return;
    }
    switch (scancode_take(&p->scancode, byte, &code, &down)) {
    case SCANCODE_KEY: input_key(p->input, p->index, code, down); break;
    case SCANCODE_UNKNOWN: p->input->events.statistics.refused++; break;
    case SCANCODE_OVERRUN: input_released(p->input, p->index); break;
    default: break;
    }
}

static void take_mouse(struct port *p, ts_time_t now, uint8_t byte)
{
    struct mouse_report report;
    if (now - p->heard > PACKET_NS) {
        p->mouse.count = 0; // the rest of that packet was lost
    }
    enum mouse_result result = mouse_take(&p->mouse, byte, &report);
    if (result == MOUSE_PLUGGED) {
        plugged_in(p, now);
    } else if (result == MOUSE_BAD) {
        p->input->events.statistics.refused++;
    }
    if (result != MOUSE_REPORT) {
        return;
    }
    input_motion(p->input, p->index, TS_INPUT_X, report.right);
    input_motion(p->input, p->index, TS_INPUT_Y, report.down);
    input_motion(p->input, p->index, TS_INPUT_WHEEL, report.wheel);
    uint8_t changed = report.buttons ^ p->buttons;
    p->buttons = report.buttons;
    for (uint32_t i = 0; i < BUTTON_COUNT; i++) {
        if (changed & 1u << i) {
            input_key(p->input, p->index, TS_INPUT_BUTTON(i + 1), report.buttons & 1u << i);
        }
    }
}

static void take(struct port *p, ts_time_t now, uint8_t byte)
{
    if (p->state == PORT_READY) {
        if (p->is_mouse) {
            take_mouse(p, now, byte);
        } else {
            take_key(p, now, byte);
        }
    } else if (p->state == PORT_EMPTY) {
        plugged_in(p, now); // whatever it says: it is there
    }
}

static void take_answer(struct port *p, ts_time_t now, uint8_t byte)
{
    if (p->await == PORT_ACK && byte == ACKNOWLEDGED && !p->unsent) {
        acknowledged(p, now);
    } else if (p->await == PORT_ACK && (byte == AGAIN || byte == FAILED) && !p->unsent) {
        send_again(p, now);
    } else if (p->await == PORT_TESTED && byte == TEST_PASSED) {
        next_byte(p, now);
    } else if (p->await == PORT_TESTED && byte == FAILED) {
        set_empty(p);
    } else if (p->await == PORT_ID) {
        identified(p, now, byte);
    } else if (p->await == PORT_ID_REST) {
        next_byte(p, now);
    } else {
        take(p, now, byte); // a key that is pressed meanwhile
    }
}

void port_byte(struct port *p, ts_time_t now, uint8_t byte, bool bad)
{
    if (!p->works || (bad && p->await == PORT_NOTHING)) {
        p->input->events.statistics.refused++;
    } else if (p->await == PORT_NOTHING) {
        take(p, now, byte);
    } else {
        take_answer(p, now, bad ? AGAIN : byte);
    }
    p->heard = now;
}

void port_tick(struct port *p, ts_time_t now)
{
    if (p->await == PORT_NOTHING) {
        return;
    }
    if (now >= p->deadline) {
        if (p->await == PORT_ID && p->state == PORT_IDENTIFY) {
            p->is_mouse = false; // the oldest keyboards do not say what they are
            next_byte(p, now);
        } else if (p->await == PORT_ID_REST) {
            next_byte(p, now);
        } else {
            set_empty(p);
        }
    } else if (p->unsent) {
        p->unsent = !p->send(p, p->script[p->at]);
    }
}

void port_set_leds(struct port *p, ts_time_t now, uint32_t leds)
{
    p->leds = (uint8_t)leds;
    if (p->state == PORT_READY && p->await == PORT_NOTHING) {
        (void)send_leds(p, now);
    }
}
