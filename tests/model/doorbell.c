// SPDX-License-Identifier: MIT
// The doorbell of the shared-memory queues (ipc/ring/queue.h), explored completely on a
// machine with store buffers, which is what x86 has: a store becomes visible some time after it was
// made, in order; a fence waits until all of one's own are.
//
//   producer, for each item          consumer, until it has all items
//     tail := n                        if tail > head: take them
//     FENCE                            else: wake := head
//     if wake lies in what is new:           FENCE
//       ring the bell                        if tail = head: sleep until the bell rings
//
// A state in which nobody can move and not all was consumed is a lost wake-up. With both fences
// there is none; the test also removes each fence in turn, and then there must be one, or the model
// would prove nothing.
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define ITEMS  3
#define BUFFER 4

enum { TAIL, WAKE, WORDS };
enum { PRODUCER, CONSUMER, SIDES };

struct store {
    unsigned char word, value;
};

struct state {
    unsigned char memory[WORDS];
    struct store buffer[SIDES][BUFFER];
    unsigned char buffered[SIDES];
    unsigned char at[SIDES];  // next step of each
    unsigned char tail, head; // private
    unsigned char bell;
};

static bool fence[SIDES];

// Visited states, open addressing; the whole state is the key.
#define TABLE (1u << 20)
static struct state visited[TABLE];
static bool taken[TABLE];
static unsigned states;
static bool lost;

static bool visit(const struct state *state)
{
    const unsigned char *bytes = (const unsigned char *)state;
    unsigned hash = 2166136261u;
    for (size_t i = 0; i < sizeof(*state); i++) {
        hash = (hash ^ bytes[i]) * 16777619u;
    }
    for (unsigned i = hash % TABLE;; i = (i + 1) % TABLE) {
        if (!taken[i]) {
            taken[i] = true;
            visited[i] = *state;
            states++;
            return true;
        }
        if (memcmp(&visited[i], state, sizeof(*state)) == 0) {
            return false;
        }
    }
}

// A side reads its own latest store, else memory.
static unsigned char load(const struct state *s, int side, unsigned char word)
{
    for (int i = s->buffered[side] - 1; i >= 0; i--) {
        if (s->buffer[side][i].word == word) {
            return s->buffer[side][i].value;
        }
    }
    return s->memory[word];
}

static bool store(struct state *s, int side, unsigned char word, unsigned char value)
{
    if (s->buffered[side] == BUFFER) {
        return false;
    }
    s->buffer[side][s->buffered[side]++] = (struct store){word, value};
    return true;
}

static bool flush_one(struct state *s, int side)
{
    if (s->buffered[side] == 0) {
        return false;
    }
    s->memory[s->buffer[side][0].word] = s->buffer[side][0].value;
    s->buffered[side]--;
    memmove(&s->buffer[side][0], &s->buffer[side][1], s->buffered[side] * sizeof(struct store));
    memset(&s->buffer[side][s->buffered[side]], 0, sizeof(struct store));
    return true;
}

static bool fence_passes(const struct state *s, int side)
{
    return !fence[side] || s->buffered[side] == 0;
}

// One step of a side. False: it cannot move now.
static bool produce(struct state *s)
{
    switch (s->at[PRODUCER]) {
    case 0:
        if (s->tail == ITEMS || !store(s, PRODUCER, TAIL, (unsigned char)(s->tail + 1))) {
            return false;
        }
        s->tail++;
        s->at[PRODUCER] = 1;
        return true;
    case 1:
        if (!fence_passes(s, PRODUCER)) {
            return false;
        }
        s->at[PRODUCER] = 2;
        return true;
    default:
        // What is new is item tail - 1: the consumer that sleeps for it wrote wake = tail - 1.
        if (load(s, PRODUCER, WAKE) == s->tail - 1) {
            s->bell = 1;
        }
        s->at[PRODUCER] = 0;
        return true;
    }
}

static bool consume(struct state *s)
{
    if (s->head == ITEMS) {
        return false;
    }
    switch (s->at[CONSUMER]) {
    case 0: // look
        if (load(s, CONSUMER, TAIL) > s->head) {
            s->head = load(s, CONSUMER, TAIL);
        } else {
            s->at[CONSUMER] = 1;
        }
        return true;
    case 1:
        if (!store(s, CONSUMER, WAKE, s->head)) {
            return false;
        }
        s->at[CONSUMER] = 2;
        return true;
    case 2:
        if (!fence_passes(s, CONSUMER)) {
            return false;
        }
        s->at[CONSUMER] = 3;
        return true;
    case 3: // look again
        s->at[CONSUMER] = load(s, CONSUMER, TAIL) > s->head ? 0 : 4;
        return true;
    default: // asleep
        if (!s->bell) {
            return false;
        }
        s->bell = 0;
        s->at[CONSUMER] = 0;
        return true;
    }
}

static void explore(const struct state *from)
{
    if (lost || !visit(from)) {
        return;
    }
    bool moved = false;
    bool (*const steps[])(struct state *) = {produce, consume};
    for (int side = 0; side < SIDES; side++) {
        struct state next = *from;
        if (flush_one(&next, side)) {
            moved = true;
            explore(&next);
        }
        next = *from;
        if (steps[side](&next)) {
            moved = true;
            explore(&next);
        }
    }
    if (!moved && from->head != ITEMS) {
        lost = true;
    }
}

static bool loses(bool producer_fence, bool consumer_fence)
{
    // wake starts where no item is: nobody sleeps.
    struct state start = {.memory = {[TAIL] = 0, [WAKE] = 255}};
    memset(taken, 0, sizeof(taken));
    fence[PRODUCER] = producer_fence;
    fence[CONSUMER] = consumer_fence;
    states = 0;
    lost = false;
    explore(&start);
    printf("doorbell: producer fence %d, consumer fence %d: %u states, %s\n", producer_fence,
           consumer_fence, states, lost ? "a wake-up can be lost" : "no wake-up is lost");
    return lost;
}

int main(void)
{
    bool good = !loses(true, true) && loses(false, true) && loses(true, false);
    return good ? 0 : 1;
}
