// SPDX-License-Identifier: MIT
// A virtqueue against a device that behaves, and against one that does not.
#include "tests/host/check.h"

#include <drivers/virtio/queue.h>
#include <string.h>

#define SIZE 16

static uint8_t memory[2 * VIRTQUEUE_ALIGN] __attribute__((aligned(VIRTQUEUE_ALIGN)));
static struct virtqueue_slot slots[SIZE];

// The device's side.
struct fake {
    struct virtqueue *q;
    uint16_t available, used;
    uint16_t heads[SIZE]; // taken, not answered
    unsigned count;
    bool event_index;
};

static void fake_take(struct fake *d)
{
    uint16_t index = d->q->available->index;
    while (d->available != index) {
        CHECK(d->count < SIZE);
        d->heads[d->count++] = d->q->available->ring[d->available++ % SIZE];
    }
    *(uint16_t *)d->q->available_event = d->available;
}

// Answers; true: it interrupts.
static bool fake_answer(struct fake *d, uint32_t id, uint32_t length)
{
    d->q->used->ring[d->used % SIZE].id = id;
    d->q->used->ring[d->used % SIZE].length = length;
    d->q->used->index = ++d->used;
    return (uint16_t)(d->used - *d->q->used_event - 1) < 1;
}

static void fake_start(struct fake *d, struct virtqueue *q, bool event_index)
{
    CHECK(virtqueue_bytes(SIZE) <= sizeof(memory));
    virtqueue_init(q, SIZE, memory, slots, event_index);
    *d = (struct fake){.q = q, .event_index = event_index};
}

static uint16_t add(struct virtqueue *q, unsigned out, unsigned in)
{
    struct dma_segment segments[SIZE];
    uint16_t expected = virtqueue_head(q), head;
    for (unsigned i = 0; i < out + in; i++) {
        segments[i] = (struct dma_segment){0x1000 * (i + 1), 100};
    }
    CHECK_EQUAL(virtqueue_add(q, segments, out, in, &head), TS_OK);
    CHECK_EQUAL(head, expected);
    return head;
}

static void test_layout(void)
{
    struct virtqueue q;
    struct fake d;
    fake_start(&d, &q, false);
    CHECK_EQUAL((uint8_t *)q.available - memory, 16 * SIZE);
    CHECK_EQUAL((uintptr_t)q.used % 4, 0);
    CHECK_EQUAL((uint8_t *)q.used_event - (uint8_t *)q.available, 4 + 2 * SIZE);
    CHECK_EQUAL((const uint8_t *)q.available_event - (uint8_t *)q.used, 4 + 8 * SIZE);
    uint16_t head = add(&q, 2, 1);
    CHECK_EQUAL(q.descriptors[head].flags, 1);
    CHECK_EQUAL(q.descriptors[q.descriptors[head].next].flags, 1);
    uint16_t last = q.descriptors[q.descriptors[head].next].next;
    CHECK_EQUAL(q.descriptors[last].flags, 2);
    CHECK_EQUAL(q.descriptors[last].address, 0x3000);
    CHECK_EQUAL(q.available->index, 0); // not published yet
    CHECK(virtqueue_publish(&q));
    CHECK_EQUAL(q.available->index, 1);
    CHECK(!virtqueue_publish(&q)); // nothing new
    q.used->flags = 1;
    add(&q, 1, 0);
    CHECK(!virtqueue_publish(&q)); // it does not want to hear
}

// Random chains, answered in any order, many times round: nothing is lost or given twice.
static void test_random(bool event_index)
{
    struct virtqueue q;
    struct fake d;
    bool out[SIZE] = {false};
    fake_start(&d, &q, event_index);
    for (unsigned round = 0; round < 300000; round++) {
        unsigned count = 1 + random_below(4);
        if (random_below(2) && q.free_count >= count) {
            uint16_t head = add(&q, 0, count);
            CHECK(!out[head]);
            out[head] = true;
            bool notify = virtqueue_publish(&q);
            CHECK(notify || !event_index || d.available != q.available->index);
            fake_take(&d);
        } else if (d.count > 0) {
            unsigned pick = random_below(d.count);
            bool slept = virtqueue_sleep(&q, 1);
            CHECK(slept);
            bool interrupt = fake_answer(&d, d.heads[pick], random_below(101));
            CHECK(interrupt || !event_index);
            CHECK(!virtqueue_sleep(&q, 1));
            uint16_t head;
            uint32_t length;
            CHECK_EQUAL(virtqueue_take(&q, &head, &length), TS_OK);
            CHECK_EQUAL(head, d.heads[pick]);
            CHECK(out[head]);
            out[head] = false;
            d.heads[pick] = d.heads[--d.count];
            CHECK_EQUAL(virtqueue_take(&q, &head, &length), TS_ERR_AGAIN);
        }
        CHECK_EQUAL(q.outstanding, d.count);
    }
}

static void test_full(void)
{
    struct virtqueue q;
    struct fake d;
    struct dma_segment one = {1, 1};
    uint16_t head;
    fake_start(&d, &q, true);
    for (unsigned i = 0; i < SIZE; i++) {
        CHECK_EQUAL(virtqueue_add(&q, &one, 1, 0, &head), TS_OK);
    }
    CHECK_EQUAL(virtqueue_add(&q, &one, 1, 0, &head), TS_ERR_AGAIN);
    CHECK_EQUAL(virtqueue_add(&q, &one, 0, 0, &head), TS_ERR_AGAIN);
}

// Wake-up only after several.
static void test_batch(void)
{
    struct virtqueue q;
    struct fake d;
    fake_start(&d, &q, true);
    for (unsigned i = 0; i < 4; i++) {
        add(&q, 1, 0);
    }
    (void)virtqueue_publish(&q);
    fake_take(&d);
    CHECK(virtqueue_sleep(&q, 3));
    CHECK(!fake_answer(&d, d.heads[0], 0));
    CHECK(!fake_answer(&d, d.heads[1], 0));
    CHECK(fake_answer(&d, d.heads[2], 0));
    CHECK(!virtqueue_sleep(&q, 3));
}

// Each answer that cannot be, and after it the queue stays broken.
static void test_hostile(void)
{
    static const struct {
        uint32_t id, length;
        uint16_t skip; // further answers that the index claims
    } lies[] = {
        {SIZE, 0, 0}, {UINT32_MAX, 0, 0},     {5, 0, 0}, {0, 101, 0}, {0, UINT32_MAX, 0}, {0, 0, 1},
        {0, 0, SIZE}, {0, 0, UINT16_MAX - 1}, {1, 0, 0},
    };
    for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct virtqueue q;
        struct fake d;
        uint16_t head;
        uint32_t length;
        fake_start(&d, &q, true);
        CHECK_EQUAL(add(&q, 1, 1), 0); // descriptors 0 and 1; 1 is no head
        (void)virtqueue_publish(&q);
        fake_answer(&d, lies[i].id, lies[i].length);
        q.used->index = (uint16_t)(q.used->index + lies[i].skip);
        CHECK_EQUAL(virtqueue_take(&q, &head, &length), TS_ERR_PROTOCOL);
        CHECK_EQUAL(virtqueue_take(&q, &head, &length), TS_ERR_PROTOCOL);
        CHECK(virtqueue_sleep(&q, 1));
    }
}

static void test_twice(void)
{
    struct virtqueue q;
    struct fake d;
    uint16_t head;
    uint32_t length;
    fake_start(&d, &q, true);
    add(&q, 0, 1);
    add(&q, 0, 1);
    (void)virtqueue_publish(&q);
    fake_answer(&d, 0, 1);
    CHECK_EQUAL(virtqueue_take(&q, &head, &length), TS_OK);
    fake_answer(&d, 0, 1); // again
    CHECK_EQUAL(virtqueue_take(&q, &head, &length), TS_ERR_PROTOCOL);
}

// Whatever the device writes into all of the shared memory.
static void test_noise(void)
{
    for (unsigned round = 0; round < 20000; round++) {
        struct virtqueue q;
        struct fake d;
        fake_start(&d, &q, random_below(2));
        for (unsigned i = 0; i < 40; i++) {
            uint16_t head;
            uint32_t length;
            struct dma_segment segments[2] = {{1, 1}, {2, 2}};
            (void)virtqueue_add(&q, segments, random_below(2), random_below(2), &head);
            (void)virtqueue_publish(&q);
            for (unsigned n = 0; n < 8; n++) {
                memory[random_below(virtqueue_bytes(SIZE) / 8)] = (uint8_t)random_below(256);
            }
            (void)virtqueue_take(&q, &head, &length);
            (void)virtqueue_sleep(&q, 1);
            CHECK(q.free_count <= SIZE && q.free < SIZE);
        }
    }
}

int main(void)
{
    test_layout();
    test_random(true);
    test_random(false);
    test_full();
    test_batch();
    test_hostile();
    test_twice();
    test_noise();
    return 0;
}
