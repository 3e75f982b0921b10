// SPDX-License-Identifier: MIT
// A virtio input device that tells the truth, and one that does not.
#include "device.h"
#include "evdev.h"
#include "fake_device.h"

#include <string.h>

#include "tests/host/check.h"

#define SELECT_NAME 1u
#define SELECT_BITS 0x11u
#define BITS        8u // where the answer is
#define MANY        1000u

static struct fake_device fake;
static struct virtio_device virtio = {.registers = &fake_registers, .context = &fake};
static struct device device;
static const char *name = "QEMU Virtio Keyboard";
static bool mouse;

// The device's answer to what was selected.
static void on_write(struct fake_device *of)
{
    uint8_t *c = of->configuration;
    memset(c + 2, 0, sizeof(of->configuration) - 2);
    if (c[0] == SELECT_NAME) {
        c[2] = (uint8_t)strlen(name);
        memcpy(c + BITS, name, strlen(name) < 56 ? strlen(name) : 56);
    } else if (c[0] == SELECT_BITS && c[1] == EVDEV_KEY && mouse) {
        c[2] = 40;
        c[BITS + 34] = 7; // three buttons
    } else if (c[0] == SELECT_BITS && c[1] == EVDEV_KEY) {
        c[2] = 16;
        memset(c + BITS, 0xff, 16);
    } else if (c[0] == SELECT_BITS && c[1] == EVDEV_RELATIVE && mouse) {
        c[2] = 2;
        c[BITS] = 3;
        c[BITS + 1] = 1;
    } else if (c[0] == SELECT_BITS && c[1] == EVDEV_LED && !mouse) {
        c[2] = 1;
    }
}

static void begin(void)
{
    fake = (struct fake_device){
        .offered = VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX, .sizes = {64, 64}, .written = on_write};
    CHECK_EQUAL(device_init(&device, &virtio, 1, 0, 0), TS_OK);
    CHECK(!device_sleep(&device) || device.events.ring.outstanding == DEVICE_EVENTS);
}

static void end(void)
{
    virtio_queue_fini(&device.events);
    virtio_queue_fini(&device.lights);
    dma_memory_destroy(&device.memory);
}

static void send(uint16_t type, uint16_t code, uint32_t value, uint32_t length)
{
    struct fake_chain chain;
    struct device_event event = {type, code, value};
    CHECK(fake_pop(&fake, 0, &chain));
    CHECK(chain.count == 1 && chain.parts[0].length == sizeof(event) && chain.parts[0].writable);
    memcpy(chain.parts[0].bytes, &event, sizeof(event));
    fake_push(&fake, 0, chain.head, length);
}

static void what_it_is(void)
{
    begin();
    CHECK(strcmp(device.what.name, name) == 0);
    CHECK_EQUAL(device.what.has, TS_INPUT_HAS_KEYS | TS_INPUT_HAS_LEDS);
    end();
    mouse = true;
    name = "a mouse\x01 with a name that is long, and goes on and on";
    begin();
    CHECK(strcmp(device.what.name, "a mouse") == 0);
    CHECK_EQUAL(device.what.has, TS_INPUT_HAS_BUTTONS | TS_INPUT_HAS_MOTION | TS_INPUT_HAS_WHEEL);
    CHECK_EQUAL(device.what.buttons, 3);
    mouse = false;
    end();
}

static void events(void)
{
    struct device_event event;
    begin();
    CHECK_EQUAL(device_next(&device, &event), TS_ERR_AGAIN);
    for (unsigned i = 0; i < MANY; i++) { // around the queue many times
        send(EVDEV_KEY, (uint16_t)i, 1, sizeof(event));
        send(EVDEV_SYNC, 0, 0, sizeof(event));
        CHECK_EQUAL(device_next(&device, &event), TS_OK);
        CHECK(event.type == EVDEV_KEY && event.code == i && event.value == 1);
        CHECK_EQUAL(device_next(&device, &event), TS_OK);
        CHECK_EQUAL(event.type, EVDEV_SYNC);
        CHECK_EQUAL(device_next(&device, &event), TS_ERR_AGAIN);
        CHECK(device_sleep(&device));
    }
    send(EVDEV_KEY, 30, 1, 3); // not whole
    CHECK_EQUAL(device_next(&device, &event), TS_OK);
    CHECK(event.type == 0 && event.code == 0 && event.value == 0);
    end();
}

static void codes(void)
{
    CHECK_EQUAL(evdev_key(30), TS_INPUT_KEY_CODE(4)); // A
    CHECK_EQUAL(evdev_key(28), TS_INPUT_KEY_CODE(0x28));
    CHECK_EQUAL(evdev_key(86), TS_INPUT_KEY_CODE(0x64));
    CHECK_EQUAL(evdev_key(103), TS_INPUT_KEY_CODE(0x52)); // up
    CHECK_EQUAL(evdev_key(111), TS_INPUT_KEY_CODE(0x4c));
    CHECK_EQUAL(evdev_key(100), TS_INPUT_KEY_CODE(0xe6)); // AltGr
    CHECK_EQUAL(evdev_key(0x111), TS_INPUT_BUTTON(2));
    CHECK_EQUAL(evdev_relative(8), TS_INPUT_WHEEL);
    for (uint32_t code = 0; code <= UINT16_MAX; code++) { // each is a key once, or none
        uint32_t usage = evdev_key((uint16_t)code);
        for (uint32_t other = 0; usage != 0 && other < 0x200 && code < 0x200; other++) {
            CHECK(other == code || evdev_key((uint16_t)other) != usage || code == 84 ||
                  other == 84); // 84 is Print with Alt, as the first PC had it
        }
        CHECK(evdev_relative((uint16_t)code) == 0 || code <= 8);
    }
}

static void lights(void)
{
    struct fake_chain chain;
    struct device_event event;
    begin();
    device_set_leds(&device, TS_INPUT_LED_CAPS | TS_INPUT_LED_SCROLL);
    for (uint16_t code = 1; code <= 2; code++) {
        CHECK(fake_pop(&fake, 1, &chain) && chain.count == 1 && !chain.parts[0].writable);
        memcpy(&event, chain.parts[0].bytes, sizeof(event));
        CHECK(event.type == EVDEV_LED && event.code == code && event.value == 1);
        fake_push(&fake, 1, chain.head, 0);
    }
    // A device that does not take them: what has no room is told later, and no more than once.
    for (unsigned i = 0; i < MANY; i++) {
        device_set_leds(&device, i % 8);
    }
    while (fake_pop(&fake, 1, &chain)) {
        fake_push(&fake, 1, chain.head, 0);
    }
    device_set_leds(&device, TS_INPUT_LED_NUM);
    (void)device_sleep(&device);
    CHECK_EQUAL(device.told, TS_INPUT_LED_NUM);
    end();
}

static void lies(void)
{
    struct device_event event;
    begin();
    fake_push(&fake, 0, 63, sizeof(event)); // one that it did not take is as good as another
    CHECK_EQUAL(device_next(&device, &event), TS_OK);
    fake_push(&fake, 0, 4000, sizeof(event));
    CHECK_EQUAL(device_next(&device, &event), TS_ERR_PROTOCOL);
    CHECK_EQUAL(device_restart(&device), TS_OK);
    CHECK_EQUAL(device_next(&device, &event), TS_ERR_AGAIN);
    send(EVDEV_KEY, 30, 1, sizeof(event));
    CHECK_EQUAL(device_next(&device, &event), TS_OK);
    send(EVDEV_KEY, 30, 1, 4096); // more than there was room for
    CHECK_EQUAL(device_next(&device, &event), TS_ERR_PROTOCOL);
    fake.deaf = true;
    CHECK_EQUAL(device_restart(&device), TS_ERR_IO);
    end();
}

int main(void)
{
    what_it_is();
    events();
    codes();
    lights();
    lies();
    return 0;
}
