// SPDX-License-Identifier: MIT
#include "fake_device.h"

#include "tests/host/check.h"

#include <string.h>

static uint8_t status_get(void *context)
{
    const struct fake_device *d = context;
    return d->status | (d->fails ? VIRTIO_NEEDS_RESET : 0);
}

static void status_set(void *context, uint8_t status)
{
    struct fake_device *d = context;
    if (status == 0) {
        if (!d->deaf) {
            d->status = 0;
            memset(d->queues, 0, sizeof(d->queues));
            d->resets++;
        }
        return;
    }
    if ((status & VIRTIO_FEATURES_OK) && d->refuses) {
        status &= (uint8_t)~VIRTIO_FEATURES_OK;
    }
    d->status = status;
}

static uint64_t features_get(void *context)
{
    return ((struct fake_device *)context)->offered;
}

static void features_set(void *context, uint64_t features)
{
    struct fake_device *d = context;
    CHECK((features & ~d->offered) == 0);
    d->accepted = features;
}

static uint16_t queue_size(void *context, uint16_t queue)
{
    return queue < FAKE_QUEUES ? ((struct fake_device *)context)->sizes[queue] : 0;
}

static void queue_set(void *context, uint16_t queue, uint16_t size, uint16_t vector,
                      const struct virtio_queue_addresses *addresses, uint16_t *out_vector)
{
    struct fake_device *d = context;
    CHECK(size <= d->sizes[queue] && (size & (size - 1)) == 0);
    CHECK(addresses->descriptors % 16 == 0 && addresses->used % 4 == 0);
    d->queues[queue] = (struct fake_queue){.at = *addresses, .size = size, .enabled = true};
    *out_vector = d->refuses_vectors ? VIRTIO_NO_VECTOR : vector;
}

static uint16_t vector_set(void *context, uint16_t vector)
{
    return ((struct fake_device *)context)->refuses_vectors ? VIRTIO_NO_VECTOR : vector;
}

static void notify(void *context, uint16_t queue)
{
    struct fake_device *d = context;
    CHECK(queue < FAKE_QUEUES && d->queues[queue].enabled);
    d->notified[queue]++;
}

static uint8_t interrupt_cause(void *context)
{
    (void)context;
    return 1;
}

static uint8_t generation(void *context)
{
    struct fake_device *d = context;
    return d->fidgets ? d->generation++ : d->generation;
}

static uint8_t read_configuration(void *context, uint32_t offset)
{
    const struct fake_device *d = context;
    return offset < sizeof(d->configuration) ? d->configuration[offset] : 0;
}

static void write_configuration(void *context, uint32_t offset, uint8_t value)
{
    struct fake_device *d = context;
    CHECK(offset < sizeof(d->configuration));
    d->configuration[offset] = value;
    if (d->written != NULL) {
        d->written(d);
    }
}

const struct virtio_registers fake_registers = {
    .status_get = status_get,
    .status_set = status_set,
    .features_get = features_get,
    .features_set = features_set,
    .queue_size = queue_size,
    .queue_set = queue_set,
    .vector_set = vector_set,
    .notify = notify,
    .interrupt_cause = interrupt_cause,
    .generation = generation,
    .read = read_configuration,
    .write = write_configuration,
};

static void add_part(struct fake_chain *chain, const struct virtq_descriptor *descriptor)
{
    CHECK(chain->count < FAKE_CHAIN);
    CHECK(descriptor->length > 0);
    bool writable = (descriptor->flags & 2) != 0;
    CHECK(writable || chain->count == 0 || !chain->parts[chain->count - 1].writable);
    chain->parts[chain->count].bytes = (uint8_t *)(descriptor->address & ~FAKE_ODD_PAGE);
    chain->parts[chain->count].length = descriptor->length;
    chain->parts[chain->count++].writable = writable;
}

bool fake_pop(struct fake_device *d, unsigned queue, struct fake_chain *out)
{
    struct fake_queue *q = &d->queues[queue];
    if (!q->enabled || !(d->status & VIRTIO_DRIVER_OK)) {
        return false;
    }
    const struct virtq_available *available = (const void *)q->at.available;
    struct virtq_used *used = (void *)q->at.used;
    uint16_t *available_event = (uint16_t *)(void *)&used->ring[q->size];
    if (available->index == q->taken) {
        *available_event = q->taken; // it sleeps
        return false;
    }
    const struct virtq_descriptor *descriptors = (const void *)q->at.descriptors;
    uint16_t at = available->ring[q->taken++ % q->size];
    *out = (struct fake_chain){.head = at};
    for (;;) {
        CHECK(at < q->size);
        add_part(out, &descriptors[at]);
        if (!(descriptors[at].flags & 1)) {
            return true;
        }
        at = descriptors[at].next;
    }
}

bool fake_push(struct fake_device *d, unsigned queue, uint32_t id, uint32_t length)
{
    struct fake_queue *q = &d->queues[queue];
    const struct virtq_available *available = (const void *)q->at.available;
    struct virtq_used *used = (void *)q->at.used;
    used->ring[q->given % q->size].id = id;
    used->ring[q->given % q->size].length = length;
    used->index = ++q->given;
    uint16_t event = available->ring[q->size];
    return (uint16_t)(q->given - event - 1) < 1;
}
