// SPDX-License-Identifier: MIT
// Queues in shared memory: what a hostile peer may say, when a doorbell is asked for, and two
// threads that pass numbers with no more signals than were asked for.
#include <pthread.h>
#include <semaphore.h>
#include <tessera/ring/queue.h>
#include "tests/host/check.h"

#define ENTRIES  8u
#define MESSAGES 200000u

static struct ts_queue queue;
static uint32_t slots[ENTRIES];

static void bounds(void)
{
    // Indices run free: begin shortly before they wrap.
    uint32_t start = (uint32_t)-3;
    queue = (struct ts_queue){.tail = start, .head = start, .wake = start};
    struct ts_queue_producer p = ts_queue_producer(&queue, ENTRIES);
    struct ts_queue_consumer c = ts_queue_consumer(&queue, ENTRIES);
    p.tail = p.published = c.head = c.released = start;
    for (uint32_t i = 0; i < ENTRIES; i++) {
        CHECK_EQUAL(ts_queue_room(&p), ENTRIES - i);
        CHECK_EQUAL(ts_queue_fill(&p), (start + i) % ENTRIES);
    }
    CHECK_EQUAL(ts_queue_room(&p), 0);
    CHECK_EQUAL(ts_queue_available(&c), 0); // not yet shown
    CHECK(ts_queue_publish(&p));
    CHECK_EQUAL(ts_queue_available(&c), ENTRIES);
    CHECK_EQUAL(ts_queue_take(&c), start % ENTRIES);
    CHECK_EQUAL(ts_queue_room(&p), 0); // not yet given back
    ts_queue_release(&c);
    CHECK_EQUAL(ts_queue_room(&p), 1);
    CHECK_EQUAL(ts_queue_available(&c), ENTRIES - 1);

    queue.head = p.tail + 1; // took what was not there
    CHECK_EQUAL(ts_queue_room(&p), TS_ERR_PROTOCOL);
    queue.head = p.tail - ENTRIES - 1; // gave back backwards
    CHECK_EQUAL(ts_queue_room(&p), TS_ERR_PROTOCOL);
    queue.tail = c.head + ENTRIES + 1; // filled more than there are
    CHECK_EQUAL(ts_queue_available(&c), TS_ERR_PROTOCOL);
    CHECK(!ts_queue_sleep(&c, 1)); // and that is no reason to sleep
    queue.tail = c.head - 1;
    CHECK_EQUAL(ts_queue_available(&c), TS_ERR_PROTOCOL);
    CHECK(!ts_queue_sleep(&c, 1));
}

static void doorbells(void)
{
    queue = (struct ts_queue){0};
    struct ts_queue_producer p = ts_queue_producer(&queue, ENTRIES);
    struct ts_queue_consumer c = ts_queue_consumer(&queue, ENTRIES);
    queue.tail = 5;
    CHECK(!ts_queue_publish(&p)); // nothing new: the peer's cache line is left alone
    CHECK_EQUAL(queue.tail, 5);
    queue.tail = 0;
    CHECK(ts_queue_sleep(&c, 1));
    (void)ts_queue_fill(&p);
    CHECK(ts_queue_publish(&p));
    CHECK(!ts_queue_sleep(&c, 1)); // it is there
    (void)ts_queue_take(&c);
    ts_queue_release(&c);
    (void)ts_queue_fill(&p);
    CHECK(!ts_queue_publish(&p)); // nobody sleeps
    (void)ts_queue_fill(&p);
    CHECK(!ts_queue_publish(&p));
    CHECK(ts_queue_sleep(&c, 4)); // 2 are there
    (void)ts_queue_fill(&p);
    CHECK(!ts_queue_publish(&p));
    (void)ts_queue_fill(&p);
    CHECK(ts_queue_publish(&p)); // the fourth
    CHECK_EQUAL(ts_queue_available(&c), 4);
}

static sem_t bell, room;
static uint32_t rung;

static void *produce(void *argument)
{
    struct ts_queue_producer p = ts_queue_producer(&queue, ENTRIES);
    uint64_t state = 5;
    for (uint32_t sent = 0; sent < MESSAGES;) {
        int32_t free_slots = ts_queue_room(&p);
        CHECK(free_slots >= 0);
        uint32_t count = (uint32_t)(check_random(&state) % ENTRIES) + 1;
        for (uint32_t i = 0; i < count && i < (uint32_t)free_slots && sent < MESSAGES; i++) {
            slots[ts_queue_fill(&p)] = sent++;
        }
        if (ts_queue_publish(&p)) {
            rung++;
            sem_post(&bell);
        }
        if (free_slots == 0) {
            sem_wait(&room);
        }
    }
    return argument;
}

static void consume(void)
{
    struct ts_queue_consumer c = ts_queue_consumer(&queue, ENTRIES);
    for (uint32_t expected = 0; expected < MESSAGES;) {
        int32_t count = ts_queue_available(&c);
        CHECK(count >= 0);
        for (int32_t i = 0; i < count; i++) {
            CHECK_EQUAL(slots[ts_queue_take(&c)], expected++);
        }
        ts_queue_release(&c);
        if (count > 0) {
            sem_post(&room);
        } else if (ts_queue_sleep(&c, 1)) {
            sem_wait(&bell); // a lost doorbell would end here, for ever
        }
    }
}

static void threads(void)
{
    pthread_t thread;
    queue = (struct ts_queue){0};
    sem_init(&bell, 0, 0);
    sem_init(&room, 0, 0);
    CHECK(pthread_create(&thread, NULL, produce, NULL) == 0);
    consume();
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(rung >= 1 && rung <= MESSAGES);
}

int main(void)
{
    bounds();
    doorbells();
    threads();
    return 0;
}
