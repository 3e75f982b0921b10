// SPDX-License-Identifier: MIT
// Taking submissions out of a ring. What most of them are is done here: bytes to or from a served
// object, answers without handles, no-ops. As in fast_path.c everything is tested first, and any
// doubt leaves the submission, unchanged, to submission.c. A few in a row are taken in one section
// with interrupts off, in which what a handle table says can be used without references.
//
// Each field of a slot is read once by whoever acts on it, since the user may change it at any
// time.
#include <syscall/submit.h>

#include <arch/cpu.h>
#include <arch/user.h>
#include <core/hooks.h>
#include <core/handle_table.h>
#include <core/ring_publish.h>
#include <object/port.h>
#include <object/process.h>
#include <base/statistics.h>
#include <sched/sched.h>
#include <stdatomic.h>
#include <syscall/fast_path.h>

#define IN_A_ROW 8u // submissions for which interrupts may wait

#define FIELD(slot, field) atomic_load_explicit(TS_ATOMIC(&(slot)->field), memory_order_relaxed)

// Of the first word of a submission: op, flags, rights.
#define KIND(op, flags) ((uint32_t)TS_OP_WORD(op, flags, 0, 0))

struct batch {
    struct ring *ring;
    struct thread *thread;
    uint32_t issued, replied; // of those taken here
};

enum taken { TAKEN, NO_RECORD, NOT_PLAIN };

static inline uint64_t first_word(const struct ts_submission *slot)
{
    return atomic_load_explicit(TS_ATOMIC((const uint64_t *)slot), memory_order_relaxed);
}

static inline enum taken take_nop(struct ring *ring, const struct ts_submission *slot,
                                  uint64_t word)
{
    if ((ts_pair_low(word) & ~KIND(0, TS_FLAG_QUIET | TS_FLAG_NOWAIT)) != TS_OP_NOP ||
        FIELD(slot, length) > TS_LENGTH_MAX) {
        return NOT_PLAIN;
    }
    if ((ts_pair_low(word) & KIND(0, TS_FLAG_QUIET)) != 0) {
        return TAKEN;
    }
    bool told = ring_post_now(ring, FIELD(slot, user_data), TS_OK, TS_OP_NOP, 0, 0, 0);
    return told ? TAKEN : NOT_PLAIN;
}

// The object that a handle names, if it has these rights, as its entry says while it has that word.
static inline struct object *find(const struct batch *batch, ts_handle_t handle, ts_rights_t rights,
                                  struct handle_entry **out_entry, uint64_t *out_word)
{
    *out_entry = handle_find(batch->thread->requester.handles, handle, out_word);
    if (*out_entry == NULL || (rights & ~(ts_rights_t)*out_word) != 0) {
        return NULL;
    }
    return atomic_load_explicit(&(*out_entry)->object, memory_order_acquire);
}

// read, write or list of a served object.
static inline enum taken take_bytes(struct batch *batch, const struct ts_submission *slot,
                                    uint64_t word)
{
    const struct fast_operation *fast = &fast_operations[ts_op_word_op(word)];
    struct handle_entry *entry;
    uint64_t entry_word;
    if ((word & ~(fast->word | KIND(0, TS_FLAG_QUIET))) != 0) {
        return NOT_PLAIN;
    }
    struct object *object = find(batch, ts_op_word_handle(word), fast->rights, &entry, &entry_word);
    uint64_t address = FIELD(slot, address);
    uint32_t length = FIELD(slot, length);
    if (object == NULL || object->class != &served_class || length > TS_LENGTH_MAX ||
        (length != 0 && !arch_user_range_ok(address, length))) {
        return NOT_PLAIN;
    }
    struct request *request = ring_record_take(batch->ring);
    if (request == NULL) {
        return NO_RECORD;
    }
    request->op = ts_op_word_op(word);
    request->flags = ts_op_word_flags(word);
    request->handle = ts_op_word_handle(word);
    request->rights = (ts_rights_t)entry_word;
    request->priority = batch->thread->priority;
    request->offset = FIELD(slot, offset);
    request->arg = FIELD(slot, arg);
    request->user_data = FIELD(slot, user_data);
    request->deadline = (ts_time_t)FIELD(slot, deadline);
    if (ts_op_word_op(word) == TS_OP_WRITE) {
        request->in_address = address;
        request->in_length = length;
    } else {
        request->out_address = address;
        request->out_length = length;
    }
    batch->issued++;
    // That the entry has not changed is seen when the port is locked.
    port_issue(request, served_of(object), entry, entry_word);
    return TAKEN;
}

// The payload of an answer. False: something is wrong with it, which is found once more and told.
static bool push(struct port *port, uint64_t id, uint64_t address, uint32_t length)
{
    uint32_t bytes;
    return length <= TS_PAGE_SIZE && arch_user_range_ok(address, length) &&
           port_copy(port, id, COPY_PUSH, address, length, 0, &bytes) == TS_OK;
}

// A reply that needs no event of its own and brings no handles.
static inline enum taken take_reply(struct batch *batch, const struct ts_submission *slot,
                                    uint64_t word)
{
    struct handle_entry *entry;
    uint64_t entry_word, answer = FIELD(slot, arg2), id = FIELD(slot, arg);
    ts_status_t status = ts_reply_word_status(answer);
    if (ts_pair_low(word) != KIND(TS_OP_REPLY, TS_FLAG_QUIET) ||
        ts_reply_word_result(answer) != TS_REPLY_NONE || status > 0) {
        return NOT_PLAIN;
    }
    struct object *object =
        find(batch, ts_op_word_handle(word), TS_RIGHT_MANAGE, &entry, &entry_word);
    if (object == NULL || object->class != &port_class ||
        atomic_load_explicit(&entry->word, memory_order_relaxed) != entry_word) {
        return NOT_PLAIN;
    }
    struct port *port = port_of(object);
    struct request *request;
    uint32_t length = FIELD(slot, length);
    if (length != 0 && !push(port, id, FIELD(slot, address), length)) {
        return NOT_PLAIN;
    }
    if (port_reply_plain(port, id, status, FIELD(slot, offset), &request) != TS_OK) {
        return NOT_PLAIN;
    }
    batch->replied++;
    request_complete(request);
    return TAKEN;
}

static inline enum taken take_plain(struct batch *batch, const struct ts_submission *slot)
{
    uint64_t word = first_word(slot);
    switch (ts_op_word_op(word)) {
    case TS_OP_READ:
    case TS_OP_WRITE:
    case TS_OP_LIST: return take_bytes(batch, slot, word);
    case TS_OP_REPLY: return take_reply(batch, slot, word);
    case TS_OP_NOP: return take_nop(batch->ring, slot, word);
    default: return NOT_PLAIN;
    }
}

// Interrupts are off; they are on meanwhile.
static enum taken take_any(struct batch *batch, const struct ts_submission *slot)
{
    arch_irq_enable();
    bool taken = submission_take(batch->ring, batch->thread, slot);
    arch_irq_disable();
    return taken ? TAKEN : NO_RECORD;
}

// Takes `most`, which are there. One record is always held back before anything is begun, for an
// answer that finds no room: so nothing that was done goes untold, and a cancel can be submitted
// when all other records are in flight.
static uint32_t take_some(struct batch *batch, uint32_t most)
{
    struct ring *ring = batch->ring;
    uint32_t begin = ring->submit_head, head = begin, mask = ring->submission_count - 1;
    while (head - begin < most) {
        if (ring->spare == NULL && (ring->spare = ring_record_take(ring)) == NULL) {
            break;
        }
        const struct ts_submission *slot = &ring->submissions[head & mask];
        enum taken taken = take_plain(batch, slot);
        if (taken == NOT_PLAIN) {
            taken = take_any(batch, slot);
        }
        if (taken == NO_RECORD) {
            break;
        }
        ring->submit_head = ++head;
        if ((head - begin) % IN_A_ROW == 0) {
            arch_irq_enable();
            arch_irq_disable();
            if (thread_is_stopping()) {
                break;
            }
        }
    }
    return head - begin;
}

uint32_t ring_submit(struct ring *ring, struct thread *thread, uint32_t most)
{
    // Pairs with the user's release of submit_tail: the slots before it are filled.
    uint32_t tail =
        atomic_load_explicit(TS_ATOMIC(&ring->shared->submit_tail), memory_order_acquire);
    uint32_t there = tail - ring->submit_head;
    if (there > ring->submission_count) {
        return 0; // an impossible tail: nothing is taken
    }
    most = most < there ? most : there;
    if (most == 0) {
        return 0;
    }
    struct batch batch = {.ring = ring, .thread = thread};
    arch_irq_disable();
    uint32_t taken = take_some(&batch, most);
    statistics_add(STATISTIC_REQUESTS, batch.issued);
    arch_irq_enable();
    process_count(&thread->process->requests_issued, taken);
    process_count(&thread->process->requests_served, batch.replied);
    KASSERT(kernel_range_holds(&ring->mapping.range, ring->shared, sizeof(*ring->shared)));
    // Pairs with the user's acquire: the slots are free again.
    atomic_store_explicit(TS_ATOMIC(&ring->shared->submit_head), ring->submit_head,
                          memory_order_release);
    return taken;
}
