// SPDX-License-Identifier: MIT
#include "block.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>
#include <tessera/lib/clock.h>

#define FEATURE_SIZE_MAX   (UINT64_C(1) << 1)
#define FEATURE_READ_ONLY  (UINT64_C(1) << 5)
#define FEATURE_BLOCK_SIZE (UINT64_C(1) << 6)
#define FEATURE_FLUSH      (UINT64_C(1) << 9)
#define FEATURES                                                                 \
    (FEATURE_SIZE_MAX | FEATURE_READ_ONLY | FEATURE_BLOCK_SIZE | FEATURE_FLUSH | \
     VIRTIO_F_EVENT_IDX | VIRTIO_F_PLATFORM)

enum { CONFIG_CAPACITY = 0, CONFIG_SIZE_MAX = 8, CONFIG_BLOCK_SIZE = 20 };
enum { STATUS_OK = 0, STATUS_UNSUPPORTED = 2 };

#define IDENTITY_LENGTH 20u
#define IDENTITY_NS     1000000000 // how long is waited for it

struct header { // 5.2.6
    uint32_t type, reserved;
    uint64_t sector;
};

// What a slot has in the control memory.
struct control {
    struct header header;
    uint8_t status;
    uint8_t reserved[15];
};
static_assert(sizeof(struct control) == 32, "control");

static ts_status_t read_geometry(struct block *b)
{
    uint64_t sectors, features = b->device->features;
    uint32_t size_max = BLOCK_PIECE;
    ts_status_t status =
        virtio_configuration(b->device, CONFIG_CAPACITY, &sectors, sizeof(sectors));
    b->block_size = BLOCK_SECTOR;
    if (status == TS_OK && (features & FEATURE_BLOCK_SIZE)) {
        status = virtio_configuration(b->device, CONFIG_BLOCK_SIZE, &b->block_size,
                                      sizeof(b->block_size));
    }
    if (status == TS_OK && (features & FEATURE_SIZE_MAX)) {
        status = virtio_configuration(b->device, CONFIG_SIZE_MAX, &size_max, sizeof(size_max));
    }
    if (status != TS_OK) {
        return status;
    }
    uint32_t size = b->block_size;
    if (size < BLOCK_SECTOR || size > 4096 || (size & (size - 1)) != 0 || size_max < BLOCK_PIECE ||
        sectors > (uint64_t)INT64_MAX / BLOCK_SECTOR) {
        return TS_ERR_CORRUPT;
    }
    b->size = sectors * BLOCK_SECTOR / size * size;
    b->read_only = (features & FEATURE_READ_ONLY) != 0;
    b->flushes = (features & FEATURE_FLUSH) != 0;
    return TS_OK;
}

static ts_status_t start(struct block *b)
{
    ts_status_t status = virtio_negotiate(b->device, FEATURES);
    if (status == TS_OK) {
        status = read_geometry(b);
    }
    if (status == TS_OK && b->device->registers->vector_set(b->device->context, b->change_vector) !=
                               b->change_vector) {
        status = TS_ERR_IO;
    }
    if (status == TS_OK) {
        status = virtio_queue_start(b->device, &b->queue, 0, BLOCK_QUEUE_SIZE, BLOCK_QUEUE_LEAST,
                                    b->vector, b->domain);
    }
    if (status == TS_OK) {
        status = virtio_start(b->device);
    }
    b->progress = ts_clock_now();
    return status;
}

// As many buffers as the machine has memory for, but a few at least.
static ts_status_t allocate_slots(struct block *b)
{
    ts_status_t status =
        dma_memory_create(&b->control, b->domain, BLOCK_SLOTS * sizeof(struct control));
    b->free = BLOCK_SLOTS;
    while (status == TS_OK && b->slot_count < BLOCK_SLOTS) {
        struct block_slot *slot = &b->slots[b->slot_count];
        status = dma_memory_create(&slot->buffer, b->domain, BLOCK_PIECE);
        if (status == TS_OK) {
            slot->next_free = b->free;
            b->free = (uint8_t)b->slot_count++;
        }
    }
    return b->slot_count >= BLOCK_SLOTS_LEAST ? TS_OK : status;
}

ts_status_t block_init(struct block *b, struct virtio_device *device, ts_handle_t domain,
                       uint16_t vector, uint16_t change_vector)
{
    *b = (struct block){
        .device = device, .domain = domain, .vector = vector, .change_vector = change_vector};
    ts_status_t status = allocate_slots(b);
    if (status == TS_OK) {
        status = start(b);
    }
    if (status != TS_OK && virtio_reset(device) == TS_OK) {
        block_fini(b); // else the device may go on using its memory: it stays
    }
    return status;
}

void block_fini(struct block *b)
{
    virtio_queue_fini(&b->queue);
    dma_memory_destroy(&b->control);
    for (unsigned i = 0; i < b->slot_count; i++) {
        dma_memory_destroy(&b->slots[i].buffer);
    }
    b->slot_count = 0;
}

ts_status_t block_stop(struct block *b)
{
    b->statistics.resets++;
    return virtio_reset(b->device);
}

ts_status_t block_resume(struct block *b)
{
    return start(b);
}

struct block_slot *block_take(struct block *b, void *owner)
{
    if (b->free == BLOCK_SLOTS || b->queue.ring.free_count < 3) {
        return NULL;
    }
    struct block_slot *slot = &b->slots[b->free];
    b->free = slot->next_free;
    slot->owner = owner;
    if (++b->used > b->statistics.depth_peak) {
        b->statistics.depth_peak = b->used;
    }
    return slot;
}

void block_give(struct block *b, struct block_slot *slot)
{
    slot->owner = NULL;
    slot->next_free = b->free;
    b->free = (uint8_t)(slot - b->slots);
    b->used--;
}

void block_start(struct block *b, struct block_slot *slot, enum block_operation operation,
                 uint64_t offset, uint32_t length)
{
    size_t at = (size_t)(slot - b->slots) * sizeof(struct control);
    struct control *control = (void *)((uint8_t *)b->control.address + at);
    uint64_t bus = b->control.bus + at;
    bool out = operation == BLOCK_WRITE;
    *control = (struct control){
        .header = {.type = (uint32_t)operation, .sector = offset / BLOCK_SECTOR},
        .status = 0xff, // no answer
    };
    slot->operation = operation;
    slot->length = length;
    struct dma_segment segments[3] = {{bus, sizeof(control->header)}};
    unsigned count = 1;
    if (length > 0) {
        segments[count++] = (struct dma_segment){slot->buffer.bus, length};
    }
    segments[count++] = (struct dma_segment){bus + offsetof(struct control, status), 1};
    unsigned readable = out && length > 0 ? 2 : 1;
    if (b->used == 1) {
        b->progress = ts_clock_now();
    }
    // There is room: block_take looked.
    ts_status_t status =
        virtqueue_add(&b->queue.ring, segments, readable, count - readable, &slot->head);
    assert(status == TS_OK);
    (void)status;
    b->by_head[slot->head] = (uint8_t)(slot - b->slots);
}

void block_kick(struct block *b)
{
    virtio_queue_kick(b->device, &b->queue);
}

ts_status_t block_next(struct block *b, struct block_slot **out_slot, ts_status_t *out_status)
{
    uint16_t head;
    uint32_t length;
    ts_status_t status = virtqueue_take(&b->queue.ring, &head, &length);
    if (status != TS_OK) {
        return status;
    }
    b->progress = ts_clock_now();
    struct block_slot *slot = &b->slots[b->by_head[head]];
    const struct control *control =
        (const void *)((uint8_t *)b->control.address +
                       (size_t)(slot - b->slots) * sizeof(struct control));
    uint8_t said = atomic_load_explicit(TS_ATOMIC(&control->status), memory_order_relaxed);
    bool in = slot->operation != BLOCK_WRITE;
    *out_status = said == STATUS_OK            ? TS_OK
                  : said == STATUS_UNSUPPORTED ? TS_ERR_UNSUPPORTED
                                               : TS_ERR_IO;
    // "Done" without having written the data would give the client what was in the buffer before.
    if (*out_status == TS_OK && length < 1 + (in ? slot->length : 0)) {
        *out_status = TS_ERR_IO;
    }
    if (*out_status != TS_OK) {
        b->statistics.errors++;
    }
    *out_slot = slot;
    return TS_OK;
}

bool block_sleep(struct block *b)
{
    return virtqueue_sleep(&b->queue.ring, 1);
}

bool block_stuck(const struct block *b, ts_time_t now)
{
    return virtio_needs_reset(b->device) || (b->used > 0 && now - b->progress > BLOCK_STALL_NS);
}

ts_status_t block_identify(struct block *b)
{
    struct block_slot *slot = block_take(b, b), *done;
    ts_status_t status = TS_ERR_AGAIN, result = TS_ERR_IO;
    ts_time_t deadline = ts_deadline_in(IDENTITY_NS);
    if (slot == NULL) {
        return TS_ERR_IO; // a queue without room at the start
    }
    memset(slot->buffer.address, 0, IDENTITY_LENGTH);
    block_start(b, slot, BLOCK_IDENTITY, 0, IDENTITY_LENGTH);
    block_kick(b);
    while ((status = block_next(b, &done, &result)) == TS_ERR_AGAIN && ts_clock_now() < deadline) {
        ts_sleep_until(ts_clock_now() + TS_MILLISECOND);
    }
    if (status == TS_OK && result == TS_OK) {
        memcpy(b->identity, slot->buffer.address, IDENTITY_LENGTH);
    }
    block_give(b, slot);
    return status == TS_OK ? TS_OK : TS_ERR_IO;
}
