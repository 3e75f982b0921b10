// SPDX-License-Identifier: MIT
#include "device.h"

#include "evdev.h"

#include <stdatomic.h>
#include <string.h>

#define FEATURES (VIRTIO_F_EVENT_IDX | VIRTIO_F_PLATFORM)
#define LEAST    8u // descriptors of a queue

enum { CONFIG_SELECT = 0, CONFIG_SUBSELECT = 1, CONFIG_SIZE = 2, CONFIG_UNION = 8 };
enum { SELECT_NAME = 1, SELECT_BITS = 0x11 };
enum { QUEUE_EVENTS = 0, QUEUE_LIGHTS = 1 };

#define BITS_MAX       128u // bytes of the configuration's answer
#define BUTTON_LEFT    0x110u
#define BUTTONS        5u
#define RELATIVE_WHEEL 8u
#define KEY_A          30u

// ---- What it is

static uint8_t select_answer(const struct virtio_device *v, uint8_t select, uint8_t subselect)
{
    v->registers->write(v->context, CONFIG_SELECT, select);
    v->registers->write(v->context, CONFIG_SUBSELECT, subselect);
    uint8_t size = v->registers->read(v->context, CONFIG_SIZE);
    return size < BITS_MAX ? size : BITS_MAX;
}

static bool has_bit(const struct virtio_device *v, uint8_t size, uint32_t bit)
{
    return bit / 8 < size &&
           (v->registers->read(v->context, CONFIG_UNION + bit / 8) >> bit % 8 & 1);
}

static void read_name(const struct virtio_device *v, char *out, size_t room)
{
    uint8_t size = select_answer(v, SELECT_NAME, 0);
    size_t n = 0;
    for (; n < size && n + 1 < room; n++) {
        char c = (char)v->registers->read(v->context, CONFIG_UNION + (uint32_t)n);
        if (c < ' ' || c > '~') {
            break;
        }
        out[n] = c;
    }
    out[n] = '\0';
}

static void ask_what(struct device *d)
{
    const struct virtio_device *v = d->virtio;
    struct ts_input_device what = {0};
    read_name(v, what.name, sizeof(what.name));
    uint8_t size = select_answer(v, SELECT_BITS, EVDEV_KEY);
    what.has |= has_bit(v, size, KEY_A) ? TS_INPUT_HAS_KEYS : 0u;
    for (uint32_t i = 0; i < BUTTONS; i++) {
        what.buttons += has_bit(v, size, BUTTON_LEFT + i);
    }
    what.has |= what.buttons > 0 ? TS_INPUT_HAS_BUTTONS : 0u;
    size = select_answer(v, SELECT_BITS, EVDEV_RELATIVE);
    what.has |= has_bit(v, size, 0) ? TS_INPUT_HAS_MOTION : 0u;
    what.has |= has_bit(v, size, RELATIVE_WHEEL) ? TS_INPUT_HAS_WHEEL : 0u;
    what.has |= select_answer(v, SELECT_BITS, EVDEV_LED) > 0 ? TS_INPUT_HAS_LEDS : 0u;
    d->what = what;
}

// ---- Queues

static struct device_event *event_at(struct device *d, uint32_t index)
{
    return (struct device_event *)d->memory.address + index;
}

static void give_event(struct device *d, uint8_t index)
{
    uint16_t head;
    struct dma_segment segment = {d->memory.bus + index * sizeof(struct device_event),
                                  sizeof(struct device_event)};
    if (virtqueue_add(&d->events.ring, &segment, 0, 1, &head) == TS_OK) { // else it was full
        d->by_head[head] = index;
    }
}

static ts_status_t start(struct device *d)
{
    ts_status_t status = virtio_negotiate(d->virtio, FEATURES);
    if (status == TS_OK && d->virtio->registers->vector_set(d->virtio->context, d->change_vector) !=
                               d->change_vector) {
        status = TS_ERR_IO;
    }
    if (status == TS_OK) {
        status = virtio_queue_start(d->virtio, &d->events, QUEUE_EVENTS, DEVICE_EVENTS, LEAST,
                                    d->vector, d->domain);
    }
    if (status == TS_OK) {
        status = virtio_queue_start(d->virtio, &d->lights, QUEUE_LIGHTS, DEVICE_LIGHTS, 1,
                                    d->vector, d->domain);
    }
    if (status == TS_OK) {
        status = virtio_start(d->virtio);
    }
    if (status != TS_OK) {
        return status;
    }
    ask_what(d);
    d->told = 0;
    for (uint8_t i = 0; i < d->events.ring.size; i++) {
        give_event(d, i);
    }
    virtio_queue_kick(d->virtio, &d->events);
    return TS_OK;
}

ts_status_t device_init(struct device *d, struct virtio_device *virtio, ts_handle_t domain,
                        uint16_t vector, uint16_t change_vector)
{
    *d = (struct device){
        .virtio = virtio, .domain = domain, .vector = vector, .change_vector = change_vector};
    ts_status_t status = dma_memory_create(
        &d->memory, domain, (DEVICE_EVENTS + DEVICE_LIGHTS) * sizeof(struct device_event));
    if (status == TS_OK) {
        status = start(d);
    }
    return status;
}

ts_status_t device_restart(struct device *d)
{
    ts_status_t status = virtio_reset(d->virtio);
    return status == TS_OK ? start(d) : status;
}

ts_status_t device_next(struct device *d, struct device_event *out_event)
{
    uint16_t head;
    uint32_t length;
    ts_status_t status = virtqueue_take(&d->events.ring, &head, &length);
    if (status != TS_OK) {
        return status;
    }
    uint8_t index = d->by_head[head];
    const struct device_event *event = event_at(d, index);
    uint64_t word; // read once: the device may go on writing
    static_assert(sizeof(word) == sizeof(*out_event), "an event is a word");
    word = atomic_load_explicit(TS_ATOMIC((const uint64_t *)(const void *)event),
                                memory_order_relaxed);
    memcpy(out_event, &word, sizeof(*out_event));
    if (length < sizeof(*out_event)) {
        *out_event = (struct device_event){0}; // what is there is an older one's
    }
    give_event(d, index);
    return TS_OK;
}

// ---- Lights

static void send_lights(struct device *d)
{
    uint16_t head;
    uint32_t length;
    while (virtqueue_take(&d->lights.ring, &head, &length) == TS_OK) {
    }
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t bit = 1u << i;
        uint32_t slot = DEVICE_EVENTS + virtqueue_head(&d->lights.ring) % DEVICE_LIGHTS;
        struct dma_segment segment = {d->memory.bus + slot * sizeof(struct device_event),
                                      sizeof(struct device_event)};
        if (!((d->leds ^ d->told) & bit) || d->lights.ring.free_count == 0) {
            continue;
        }
        *event_at(d, slot) = (struct device_event){
            .type = EVDEV_LED, .code = (uint16_t)i, .value = (d->leds & bit) != 0};
        if (virtqueue_add(&d->lights.ring, &segment, 1, 0, &head) == TS_OK) {
            d->told ^= bit;
        }
    }
    virtio_queue_kick(d->virtio, &d->lights);
}

void device_set_leds(struct device *d, uint32_t leds)
{
    d->leds = leds;
    if (d->what.has & TS_INPUT_HAS_LEDS) {
        send_lights(d);
    }
}

bool device_sleep(struct device *d)
{
    if (d->leds != d->told) {
        device_set_leds(d, d->leds);
    }
    virtio_queue_kick(d->virtio, &d->events);
    return virtqueue_sleep(&d->events.ring, 1);
}
