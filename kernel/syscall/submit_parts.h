// SPDX-License-Identifier: MIT
// What ring_submit() and the short way of rings (fast_ring.c) share: how submissions are read, by
// the thread inside, and what most of them are. Each field of a slot is read once by the code that
// acts on it, since the user may change it at any time. Inside kernel/syscall.
#pragma once

#include <arch/user.h>
#include <core/handle_table.h>
#include <core/ring_publish.h>
#include <object/thread.h>
#include <stdatomic.h>
#include <syscall/fast_path.h>

// Submissions for which interrupts may wait. One that may have bytes counts as four.
#define IN_A_ROW   32u
#define BYTES_MORE 3u

#define FIELD(slot, field) atomic_load_explicit(TS_ATOMIC(&(slot)->field), memory_order_relaxed)

// Of the first word of a submission: op, flags, rights.
#define KIND(op, flags) ((uint32_t)TS_OP_WORD(op, flags, 0, 0))

static inline const struct ts_submission *submission_at(const struct ring *ring, uint32_t index)
{
    return &ring->submissions[index & (ring->submission_count - 1)];
}

static inline uint64_t submission_word(const struct ts_submission *slot)
{
    return atomic_load_explicit(TS_ATOMIC((const uint64_t *)slot), memory_order_relaxed);
}

// How many of `most` are there to be taken.
static inline uint32_t submissions_there(const struct ring *ring, uint32_t most)
{
    // Pairs with the user's release of submit_tail: the slots before it are filled.
    uint32_t tail =
        atomic_load_explicit(TS_ATOMIC(&ring->shared->submit_tail), memory_order_acquire);
    uint32_t there = tail - ring->submit_head;
    if (there > ring->submission_count) {
        return 0; // an impossible tail: nothing is taken
    }
    return most < there ? most : there;
}

// Shows what was taken.
static inline void submissions_taken(struct ring *ring)
{
    KASSERT(kernel_range_holds(&ring->mapping.range, ring->shared, sizeof(*ring->shared)));
    // Pairs with the user's acquire: the slots are free again.
    atomic_store_explicit(TS_ATOMIC(&ring->shared->submit_head), ring->submit_head,
                          memory_order_release);
}

// What a handle names, as its entry says while it has that word: that it has is for the caller to
// see, which keeps interrupts off. NULL: nothing, or nothing with these rights.
struct named {
    ts_handle_t handle; // 0: none was looked up
    struct handle_entry *entry;
    uint64_t word;
    struct object *object;
};

void submission_look_up(struct named *named, struct handle_table *table, ts_handle_t handle);

static inline struct object *submission_names(struct named *named, const struct thread *thread,
                                              ts_handle_t handle, ts_rights_t rights)
{
    if (named->handle != handle) {
        submission_look_up(named, thread->requester.handles, handle);
    }
    return named->object != NULL && (rights & ~(ts_rights_t)named->word) == 0 ? named->object
                                                                              : NULL;
}

// ---- No-ops

// From index `head` on, at most `most`, as long as they are plain and their completions have room.
// Returns how many. Ring locked.
static inline uint32_t submission_take_nops(struct ring *ring, uint32_t head, uint32_t most)
{
    uint32_t taken = 0;
    for (; taken < most; taken++) {
        const struct ts_submission *slot = submission_at(ring, head + taken);
        uint32_t kind = ts_pair_low(submission_word(slot));
        if ((kind & ~KIND(0, TS_FLAG_QUIET | TS_FLAG_NOWAIT)) != TS_OP_NOP ||
            FIELD(slot, length) > TS_LENGTH_MAX) {
            break;
        }
        if ((kind & KIND(0, TS_FLAG_QUIET)) == 0 &&
            !ring_post_locked(ring, FIELD(slot, user_data), TS_OK, TS_OP_NOP, 0, 0, 0)) {
            break;
        }
    }
    return taken;
}

// ---- Requests: read, write or list of a served object

static inline bool submission_is_request(uint64_t word)
{
    uint8_t op = ts_op_word_op(word);
    return op < TS_OP_COUNT && fast_operations[op % TS_OP_COUNT].rights != 0;
}

static inline void submission_fill_record(struct request *request, const struct thread *thread,
                                          const struct ts_submission *slot, uint64_t word,
                                          ts_rights_t rights)
{
    const struct request_terms terms = {
        .op = ts_op_word_op(word),
        .flags = ts_op_word_flags(word),
        .handle = ts_op_word_handle(word),
        .rights = rights,
        .priority = thread->priority,
        .deadline = (ts_time_t)FIELD(slot, deadline),
    };
    request_fill(request, &terms);
    // One after the other, which needs fewer registers.
    request->offset = FIELD(slot, offset);
    request->arg = FIELD(slot, arg);
    request->user_data = FIELD(slot, user_data);
}

// Whether the first word of a submission, which is one of these, asks nothing else, and of a served
// object: what is named then.
static inline bool submission_is_plain(struct named *named, const struct thread *thread,
                                       uint64_t word)
{
    const struct fast_operation *fast = &fast_operations[ts_op_word_op(word) % TS_OP_COUNT];
    struct object *object = submission_names(named, thread, ts_op_word_handle(word), fast->rights);
    return (word & ~(fast->word | KIND(0, TS_FLAG_QUIET))) == 0 && object != NULL &&
           object->class == &served_class;
}

// A record of the ring, of which one is free, filled with the request that a slot with this first
// word is, which is plain and names that. NULL: its bytes are nobody's.
static inline struct request *submission_fill(struct ring *ring, const struct thread *thread,
                                              const struct named *named,
                                              const struct ts_submission *slot, uint64_t word)
{
    uint64_t address = FIELD(slot, address);
    uint32_t length = FIELD(slot, length);
    struct request *request = ring->free;
    if (length > TS_LENGTH_MAX || (length != 0 && !arch_user_range_ok(address, length))) {
        return NULL;
    }
    ring->free = request->next_free;
    submission_fill_record(request, thread, slot, word, (ts_rights_t)named->word);
    request_set_range(request, ts_op_word_op(word) == TS_OP_WRITE, address, length);
    return request;
}
