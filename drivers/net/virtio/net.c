// SPDX-License-Identifier: MIT
// The device's life: negotiation, queues, attach, restart. work.c has the data path.
#include "net.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/lib/clock.h>

#define FEATURE_CHECKSUM       (UINT64_C(1) << 0)
#define FEATURE_GUEST_CHECKSUM (UINT64_C(1) << 1)
#define FEATURE_MTU            (UINT64_C(1) << 3)
#define FEATURE_MAC            (UINT64_C(1) << 5)
#define FEATURE_STATUS         (UINT64_C(1) << 16)
#define FEATURES                                                                              \
    (FEATURE_CHECKSUM | FEATURE_GUEST_CHECKSUM | FEATURE_MTU | FEATURE_MAC | FEATURE_STATUS | \
     VIRTIO_F_EVENT_IDX | VIRTIO_F_PLATFORM)

#define MTU_LEAST 576u
#define MTU_MOST  (TS_FRAME_LENGTH_MAX - TS_FRAME_LENGTH_MIN)

static bool link_is_up(const struct net *n)
{
    uint16_t status = 1;
    if ((n->device->features & FEATURE_STATUS) &&
        virtio_configuration(n->device, NET_CONFIG_STATUS, &status, sizeof(status)) != TS_OK) {
        return false;
    }
    return (status & 1) != 0;
}

// What the client is told of the device.
static ts_status_t read_information(struct net *n)
{
    uint64_t features = n->device->features;
    struct ts_frame_information *i = &n->information;
    uint16_t mtu = MTU_MOST;
    *i = (struct ts_frame_information){.version = TS_FRAME_VERSION};
    ts_status_t status = TS_ERR_UNSUPPORTED; // a card without an address
    if (features & FEATURE_MAC) {
        status = virtio_configuration(n->device, NET_CONFIG_MAC, i->mac, sizeof(i->mac));
    }
    if (status == TS_OK && (features & FEATURE_MTU)) {
        status = virtio_configuration(n->device, NET_CONFIG_MTU, &mtu, sizeof(mtu));
    }
    i->mtu = mtu < MTU_LEAST || mtu > MTU_MOST ? (uint16_t)MTU_MOST : mtu;
    i->features = (features & FEATURE_CHECKSUM ? TS_FRAME_FEATURE_CHECKSUM : 0) |
                  (features & FEATURE_GUEST_CHECKSUM ? TS_FRAME_FEATURE_RX_CHECKSUM : 0);
    i->link = link_is_up(n);
    return status;
}

// Negotiates and sets both queues up, empty.
static ts_status_t start_queues(struct net *n)
{
    ts_status_t status = virtio_negotiate(n->device, FEATURES);
    if (status == TS_OK && n->device->registers->vector_set(n->device->context, n->change_vector) !=
                               n->change_vector) {
        status = TS_ERR_IO;
    }
    if (status == TS_OK) {
        status = virtio_queue_start(n->device, &n->rx.queue, 0, NET_QUEUE_SIZE, NET_QUEUE_LEAST,
                                    n->vector, n->domain);
    }
    if (status == TS_OK) {
        status = virtio_queue_start(n->device, &n->tx.queue, 1, NET_QUEUE_SIZE, NET_QUEUE_LEAST,
                                    n->vector, n->domain);
    }
    return status;
}

static ts_status_t allocate_frames(struct net *n)
{
    unsigned rx = n->rx.queue.ring.size, tx = n->tx.queue.ring.size;
    n->rx.frames = calloc(rx, sizeof(*n->rx.frames));
    n->tx.frames = calloc(tx, sizeof(*n->tx.frames));
    if (n->rx.frames == NULL || n->tx.frames == NULL) {
        return TS_ERR_MEMORY;
    }
    n->information.rx_depth = rx / 2; // a header and a room each
    n->information.tx_depth = tx / 2;
    return dma_memory_create(&n->headers, n->domain, (rx + tx) * sizeof(struct net_header) * 2);
}

ts_status_t net_init(struct net *n, struct virtio_device *device, ts_handle_t domain,
                     uint16_t vector, uint16_t change_vector)
{
    *n = (struct net){
        .device = device, .domain = domain, .vector = vector, .change_vector = change_vector};
    ts_status_t status = start_queues(n);
    if (status == TS_OK) {
        status = read_information(n);
    }
    if (status == TS_OK) {
        status = allocate_frames(n);
    }
    ts_status_t reset = virtio_reset(device); // nobody is attached: nothing may arrive
    if (status == TS_OK) {
        status = reset;
    }
    if (status != TS_OK && reset == TS_OK) {
        net_fini(n);
    }
    return status;
}

void net_fini(struct net *n)
{
    virtio_queue_fini(&n->rx.queue);
    virtio_queue_fini(&n->tx.queue);
    dma_memory_destroy(&n->headers);
    free(n->rx.frames);
    free(n->tx.frames);
    n->rx.frames = n->tx.frames = NULL;
}

static bool is_entries(uint32_t entries)
{
    return entries >= TS_FRAME_ENTRIES_MIN && entries <= TS_FRAME_ENTRIES_MAX &&
           (entries & (entries - 1)) == 0;
}

ts_status_t net_geometry(const struct ts_frame_attach *a)
{
    if (a->version != TS_FRAME_VERSION) {
        return TS_ERR_VERSION;
    }
    if (a->reserved != 0 || !is_entries(a->rx_entries) || !is_entries(a->tx_entries) ||
        a->memory_size % TS_PAGE_SIZE != 0 ||
        a->memory_size <= ts_frame_data_start(a->rx_entries, a->tx_entries)) {
        return TS_ERR_ARGUMENT;
    }
    return a->memory_size > TS_FRAME_MEMORY_MAX ? TS_ERR_TOO_LARGE : TS_OK;
}

static ts_status_t start(struct net *n)
{
    ts_status_t status = start_queues(n);
    if (status == TS_OK) {
        status = virtio_start(n->device);
    }
    n->tx_progress = ts_clock_now();
    n->information.link = status == TS_OK && link_is_up(n);
    return status;
}

static void show_link(struct net *n)
{
    struct ts_frame_control *control = (struct ts_frame_control *)(void *)n->memory.base;
    atomic_store_explicit(TS_ATOMIC(&control->link), n->information.link, memory_order_relaxed);
}

ts_status_t net_attach(struct net *n, const struct net_memory *memory,
                       const struct ts_frame_attach *attach)
{
    ts_status_t status = start(n);
    if (status != TS_OK) {
        // What the device does after a failed start nobody knows; net_detach says if it stopped.
        return status;
    }
    n->memory = *memory;
    n->rx.entries = attach->rx_entries;
    n->tx.entries = attach->tx_entries;
    n->rx.in_hand = n->tx.in_hand = 0;
    ts_frame_driver_init(&n->rings, memory->base, attach->rx_entries, attach->tx_entries);
    show_link(n);
    n->statistics.attaches++;
    return TS_OK;
}

ts_status_t net_detach(struct net *n)
{
    n->memory = (struct net_memory){0};
    return virtio_reset(n->device);
}

// Gives all that the device had back to the client, as failed.
static void give_back(struct net_direction *d, struct ts_frame_producer *done, uint64_t *errors)
{
    for (unsigned head = 0; head < d->queue.ring.size; head++) {
        if (d->queue.slots[head].count == 0) {
            continue;
        }
        struct ts_frame_slot slot = {.id = d->frames[head].id, .flags = TS_FRAME_FAILED};
        ts_frame_put(done, &slot);
        d->in_hand -= d->frames[head].slots;
        ++*errors;
    }
}

ts_status_t net_restart(struct net *n)
{
    ts_status_t status = virtio_reset(n->device);
    if (status != TS_OK) {
        return status;
    }
    n->statistics.resets++;
    give_back(&n->rx, &n->rings.rx_done, &n->statistics.rx_errors);
    give_back(&n->tx, &n->rings.tx_done, &n->statistics.tx_errors);
    return start(n);
}

bool net_link_changed(struct net *n)
{
    uint32_t link = link_is_up(n);
    if (link == n->information.link) {
        return false;
    }
    n->information.link = link;
    if (n->memory.base != NULL) {
        show_link(n);
    }
    return true;
}
