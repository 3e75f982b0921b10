// SPDX-License-Identifier: MIT
// Messages to another process by a queue in shared memory, in batches, with events as doorbells.
//
// The child puts a batch of messages into one queue and rings if it is asked to; the parent takes
// and adds them up, and answers the batch by one message with the sum in a second queue, which the
// child waits for. So a batch of one is a round trip, and the doorbells are shared by a larger one.
#include <stdatomic.h>
#include "measure.h"
#include "pair.h"

#include <tessera/lib/bootstrap.h>
#include <tessera/lib/event.h>
#include <tessera/lib/memory.h>
#include <tessera/ring/queue.h>

// Handles that the child is given.
#define SHARED     "shared"
#define BELL_THERE "bell-there"
#define BELL_BACK  "bell-back"

#define ENTRIES 256u

struct message {
    uint64_t number, check;
};

struct shared {
    struct ts_queue there, back;
    struct message message[ENTRIES], answer[ENTRIES];
};

// Both ends that one process has, and its doorbell and the other's.
struct side {
    struct shared *shared;
    struct ts_queue_producer out;
    struct ts_queue_consumer in;
    ts_handle_t own_bell, other_bell;
};

static struct shared *map(ts_handle_t memory)
{
    void *address;
    measure_need(ts_memory_map(memory, NULL, TS_PAGE_ROUND(sizeof(struct shared)), 0,
                               TS_MAP_READ | TS_MAP_WRITE, &address),
                 "map");
    return address;
}

static ts_status_t show(struct side *side)
{
    return ts_queue_publish(&side->out) ? ts_event_signal(side->other_bell, 1) : TS_OK;
}

// Until there is something to take: how many, or what went wrong.
static int32_t wait_for_messages(struct side *side)
{
    int32_t count;
    while ((count = ts_queue_available(&side->in)) == 0) {
        uint64_t rung;
        ts_status_t status = TS_OK;
        if (ts_queue_sleep(&side->in, 1)) {
            status = ts_event_wait(side->own_bell, TS_DEADLINE_NONE, &rung);
        }
        if (status != TS_OK) {
            return status;
        }
    }
    return count;
}

static void put(struct side *side, struct message *slots, uint64_t number)
{
    struct message *slot = &slots[ts_queue_fill(&side->out)];
    slot->number = number;
    slot->check = ~number;
}

// False: it is not a message as put() makes them.
static bool take(struct side *side, const struct message *slots, uint64_t *out_number)
{
    const struct message *slot = &slots[ts_queue_take(&side->in)];
    *out_number = atomic_load_explicit(TS_ATOMIC(&slot->number), memory_order_relaxed);
    return atomic_load_explicit(TS_ATOMIC(&slot->check), memory_order_relaxed) == ~*out_number;
}

// ---- The measuring side

static uint32_t batch;

static ts_status_t send_batch(void *context)
{
    static uint64_t number;
    struct side *side = context;
    uint64_t sum = 0, answer;
    if (ts_queue_room(&side->out) < (int32_t)batch) {
        return TS_ERR_CORRUPT; // the answer came when all was taken
    }
    for (uint32_t i = 0; i < batch; i++) {
        put(side, side->shared->message, ++number);
        sum += number;
    }
    ts_status_t status = show(side);
    if (status != TS_OK) {
        return status;
    }
    int32_t count = wait_for_messages(side);
    bool right = count == 1 && take(side, side->shared->answer, &answer) && answer == sum;
    ts_queue_release(&side->in);
    return right ? TS_OK : TS_ERR_CORRUPT;
}

static int send(ts_handle_t memory)
{
    struct shared *shared = map(memory);
    struct side side = {
        .shared = shared,
        .out = ts_queue_producer(&shared->there, ENTRIES),
        .in = ts_queue_consumer(&shared->back, ENTRIES),
        .own_bell = ts_named_handle(BELL_BACK),
        .other_bell = ts_named_handle(BELL_THERE),
    };
    batch = 1;
    measure("queue_1", batch, NULL, send_batch, &side);
    batch = 32;
    measure("queue_32", batch, NULL, send_batch, &side);
    batch = 128;
    measure("queue_128", batch, NULL, send_batch, &side);
    put(&side, shared->message, 0); // the end
    measure_need(show(&side), "end");
    return 0;
}

// ---- The receiving side

// Takes and adds up all that is there. False: that was the end.
static bool receive_batch(struct side *side)
{
    int32_t count = wait_for_messages(side);
    uint64_t number = 1, sum = 0;
    if (count < 0) {
        measure_need(count, "receive");
    }
    for (int32_t i = 0; i < count; i++) {
        if (!take(side, side->shared->message, &number)) {
            measure_need(TS_ERR_CORRUPT, "receive");
        }
        sum += number;
    }
    ts_queue_release(&side->in);
    if (number == 0) {
        return false;
    }
    put(side, side->shared->answer, sum);
    measure_need(show(side), "answer");
    return true;
}

static int receive(char **argv)
{
    ts_handle_t memory, bell_there, bell_back;
    measure_need(ts_memory_create(sizeof(struct shared), 0, &memory), "memory");
    measure_need(ts_event_create(0, &bell_there), "event");
    measure_need(ts_event_create(0, &bell_back), "event");
    struct shared *shared = map(memory);
    struct side side = {
        .shared = shared,
        .out = ts_queue_producer(&shared->back, ENTRIES),
        .in = ts_queue_consumer(&shared->there, ENTRIES),
        .own_bell = bell_there,
        .other_bell = bell_back,
    };
    const struct ts_spawn_handle handles[] = {
        {SHARED, memory, TS_RIGHTS_ALL, true},
        {BELL_THERE, bell_there, TS_RIGHTS_ALL, false},
        {BELL_BACK, bell_back, TS_RIGHTS_ALL, false},
    };
    ts_handle_t child = pair_start("queue", argv, handles, 3);
    while (receive_batch(&side)) {
    }
    return pair_end(child);
}

int main(int argc, char **argv)
{
    measure_begin(argc, argv);
    ts_handle_t memory = ts_named_handle(SHARED);
    return memory != TS_HANDLE_NONE ? send(memory) : receive(argv);
}
