// SPDX-License-Identifier: MIT
#include <drivers/virtio/queue.h>

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#define DESCRIPTOR_NEXT  1u
#define DESCRIPTOR_WRITE 2u
#define USED_NO_NOTIFY   1u

static_assert(sizeof(struct virtq_descriptor) == 16, "descriptor");

uint32_t virtqueue_available_offset(uint16_t size)
{
    return (uint32_t)sizeof(struct virtq_descriptor) * size;
}

uint32_t virtqueue_used_offset(uint16_t size)
{
    uint32_t end = virtqueue_available_offset(size) + 4 + 2u * size + 2;
    // 4 would do for a device of version 1; one from before looks for it here.
    return (end + VIRTQUEUE_ALIGN - 1) & ~(VIRTQUEUE_ALIGN - 1);
}

uint32_t virtqueue_bytes(uint16_t size)
{
    uint32_t end = virtqueue_used_offset(size) + 4 + 8u * size + 2;
    return (end + VIRTQUEUE_ALIGN - 1) & ~(VIRTQUEUE_ALIGN - 1);
}

void virtqueue_init(struct virtqueue *q, uint16_t size, void *memory, struct virtqueue_slot *slots,
                    bool event_index)
{
    uint8_t *base = memory;
    memset(base, 0, virtqueue_bytes(size));
    *q = (struct virtqueue){
        .descriptors = memory,
        .available = (void *)(base + virtqueue_available_offset(size)),
        .used = (void *)(base + virtqueue_used_offset(size)),
        .slots = slots,
        .size = size,
        .free_count = size,
        .event_index = event_index,
    };
    q->used_event = &q->available->ring[size];
    q->available_event = (const uint16_t *)(const void *)&q->used->ring[size];
    for (uint16_t i = 0; i < size; i++) {
        slots[i] = (struct virtqueue_slot){.next = (uint16_t)((i + 1) & (size - 1))};
    }
}

ts_status_t virtqueue_add(struct virtqueue *q, const struct dma_segment *segments, unsigned out,
                          unsigned in, uint16_t *out_head)
{
    unsigned count = out + in;
    if (count == 0 || count > q->free_count) {
        return TS_ERR_AGAIN;
    }
    uint16_t head = q->free, at = head;
    uint32_t room = 0;
    for (unsigned i = 0; i < count; i++) {
        uint16_t next = q->slots[at].next;
        unsigned flags = i + 1 < count ? DESCRIPTOR_NEXT : 0;
        if (i >= out) {
            flags |= DESCRIPTOR_WRITE;
            room += segments[i].length;
        }
        q->descriptors[at] = (struct virtq_descriptor){segments[i].address, segments[i].length,
                                                       (uint16_t)flags, next};
        at = next;
    }
    q->slots[head].room = room;
    q->slots[head].count = (uint16_t)count;
    q->free = at;
    q->free_count = (uint16_t)(q->free_count - count);
    q->outstanding++;
    q->available->ring[q->available_next++ & (q->size - 1)] = head;
    *out_head = head;
    return TS_OK;
}

bool virtqueue_publish(struct virtqueue *q)
{
    uint16_t old = q->published, new = q->available_next;
    if (new == old) {
        return false;
    }
    // The device must see descriptors and ring before the index (2.7.13.3).
    atomic_store_explicit(TS_ATOMIC(&q->available->index), new, memory_order_release);
    q->published = new;
    // And it must see the index before we look whether it sleeps: it writes the event index, then
    // looks at the index again (2.7.13.4). A full fence, since this is a store before a load.
    atomic_thread_fence(memory_order_seq_cst);
    if (!q->event_index) {
        return !(atomic_load_explicit(TS_ATOMIC(&q->used->flags), memory_order_relaxed) &
                 USED_NO_NOTIFY);
    }
    uint16_t event = atomic_load_explicit(TS_ATOMIC(q->available_event), memory_order_relaxed);
    return (uint16_t)(new - event - 1) < (uint16_t)(new - old);
}

static ts_status_t breaks(struct virtqueue *q)
{
    q->broken = true;
    return TS_ERR_PROTOCOL;
}

// Gives the descriptors of a chain back to the free list, following private links.
static void free_chain(struct virtqueue *q, uint16_t head)
{
    struct virtqueue_slot *slot = &q->slots[head];
    uint16_t count = slot->count, last = head;
    for (uint16_t i = 1; i < count; i++) {
        last = q->slots[last].next;
    }
    q->slots[last].next = q->free;
    q->free = head;
    q->free_count = (uint16_t)(q->free_count + count);
    q->outstanding--;
    slot->count = 0;
}

ts_status_t virtqueue_take(struct virtqueue *q, uint16_t *out_head, uint32_t *out_length)
{
    if (q->broken) {
        return TS_ERR_PROTOCOL;
    }
    // Acquire: the element and the data were written before the index that shows them.
    uint16_t ready =
        (uint16_t)(atomic_load_explicit(TS_ATOMIC(&q->used->index), memory_order_acquire) -
                   q->used_next);
    if (ready == 0) {
        return TS_ERR_AGAIN;
    }
    if (ready > q->outstanding) {
        return breaks(q);
    }
    uint16_t at = q->used_next & (q->size - 1);
    uint32_t id = atomic_load_explicit(TS_ATOMIC(&q->used->ring[at].id), memory_order_relaxed);
    uint32_t length =
        atomic_load_explicit(TS_ATOMIC(&q->used->ring[at].length), memory_order_relaxed);
    if (id >= q->size || q->slots[id].count == 0 || length > q->slots[id].room) {
        return breaks(q);
    }
    q->used_next++;
    free_chain(q, (uint16_t)id);
    *out_head = (uint16_t)id;
    *out_length = length;
    return TS_OK;
}

bool virtqueue_sleep(struct virtqueue *q, uint16_t more)
{
    if (q->broken) {
        return true;
    }
    atomic_store_explicit(TS_ATOMIC(q->used_event), (uint16_t)(q->used_next + more - 1),
                          memory_order_relaxed);
    // The device writes its index and then reads used_event; we do it the other way round. One of
    // both sees the other's store (2.7.7.2).
    atomic_thread_fence(memory_order_seq_cst);
    uint16_t ready =
        (uint16_t)(atomic_load_explicit(TS_ATOMIC(&q->used->index), memory_order_relaxed) -
                   q->used_next);
    return ready < more;
}
