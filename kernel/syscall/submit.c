// SPDX-License-Identifier: MIT
// Taking submissions out of a ring. What most of them are is done here: bytes to or from a served
// object, answers without handles, no-ops. As in fast_path.c everything is tested first, and any
// doubt leaves the submission, unchanged, to submission.c. A few in a row are taken in one section
// with interrupts off, in which what a handle table says can be used without references; and those
// of one kind that go to one place are a run (core/port_run.h), with what that needs locked once.
//
// Each field of a slot is read once by the code that acts on it, since the user may change it at
// any time.
#include <syscall/submit.h>

#include <arch/cpu.h>
#include <arch/user.h>
#include <core/hooks.h>
#include <core/handle_table.h>
#include <core/port_run.h>
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

static inline const struct ts_submission *submission_at(const struct ring *ring, uint32_t index)
{
    return &ring->submissions[index & (ring->submission_count - 1)];
}

static inline uint64_t first_word(const struct ts_submission *slot)
{
    return atomic_load_explicit(TS_ATOMIC((const uint64_t *)slot), memory_order_relaxed);
}

// What a handle names, as its entry says while it has that word: that it has is for the caller to
// see, which keeps interrupts off. NULL: nothing, or nothing with these rights.
struct named {
    ts_handle_t handle; // 0: none was looked up
    struct handle_entry *entry;
    uint64_t word;
    struct object *object;
};

static __attribute__((noinline)) void look_up(struct named *named, struct handle_table *table,
                                              ts_handle_t handle)
{
    named->handle = handle;
    named->entry = handle_find(table, handle, &named->word);
    named->object = named->entry == NULL
                        ? NULL
                        : atomic_load_explicit(&named->entry->object, memory_order_acquire);
}

static inline struct object *find(struct named *named, const struct batch *batch,
                                  ts_handle_t handle, ts_rights_t rights)
{
    if (named->handle != handle) {
        look_up(named, batch->thread->requester.handles, handle);
    }
    return named->object != NULL && (rights & ~(ts_rights_t)named->word) == 0 ? named->object
                                                                              : NULL;
}

// Each of the following takes submissions of one kind from index `head` on, at most `most`, with
// interrupts off and what they need locked once, as long as they are plain. Returns how many.

// ---- No-ops

__attribute__((noinline)) static uint32_t take_nops(struct batch *batch, uint32_t head,
                                                    uint32_t most)
{
    struct ring *ring = batch->ring;
    uint32_t taken = 0;
    spin_lock_off(&ring->lock);
    for (; taken < most; taken++) {
        const struct ts_submission *slot = submission_at(ring, head + taken);
        uint32_t kind = ts_pair_low(first_word(slot));
        if ((kind & ~KIND(0, TS_FLAG_QUIET | TS_FLAG_NOWAIT)) != TS_OP_NOP ||
            FIELD(slot, length) > TS_LENGTH_MAX) {
            break;
        }
        if ((kind & KIND(0, TS_FLAG_QUIET)) == 0 &&
            !ring_post_locked(ring, FIELD(slot, user_data), TS_OK, TS_OP_NOP, 0, 0, 0)) {
            break;
        }
    }
    spin_unlock_off(&ring->lock);
    return taken;
}

// ---- Requests: read, write or list of a served object

static inline void fill(struct request *request, const struct batch *batch,
                        const struct ts_submission *slot, uint64_t word, ts_rights_t rights)
{
    const struct request_terms terms = {
        .op = ts_op_word_op(word),
        .flags = ts_op_word_flags(word),
        .handle = ts_op_word_handle(word),
        .rights = rights,
        .priority = batch->thread->priority,
        .offset = FIELD(slot, offset),
        .arg = FIELD(slot, arg),
        .user_data = FIELD(slot, user_data),
        .deadline = (ts_time_t)FIELD(slot, deadline),
    };
    request_fill(request, &terms);
}

// To look for records that others gave back the ring is locked, as it may be by the run.
static __attribute__((noinline)) void refill(struct ring *ring, struct request_run *run)
{
    request_run_end(run);
    (void)ring_record_refill(ring);
}

// The next record, filled, or NULL: it is not plain, or there is no record.
static inline struct request *fill_next(struct batch *batch, struct request_run *run,
                                        struct named *named, uint32_t index)
{
    const struct ts_submission *slot = submission_at(batch->ring, index);
    uint64_t word = first_word(slot);
    uint8_t op = ts_op_word_op(word);
    const struct fast_operation *fast = &fast_operations[op % TS_OP_COUNT];
    if (op >= TS_OP_COUNT || fast->rights == 0) {
        return NULL;
    }
    struct object *object = find(named, batch, ts_op_word_handle(word), fast->rights);
    uint64_t address = FIELD(slot, address);
    uint32_t length = FIELD(slot, length);
    if ((word & ~(fast->word | KIND(0, TS_FLAG_QUIET))) != 0 || object == NULL ||
        object->class != &served_class || length > TS_LENGTH_MAX ||
        (length != 0 && !arch_user_range_ok(address, length))) {
        return NULL;
    }
    if (__builtin_expect(batch->ring->free == NULL, false)) {
        refill(batch->ring, run);
    }
    struct request *request = batch->ring->free;
    if (request != NULL) {
        batch->ring->free = request->next_free;
        fill(request, batch, slot, word, (ts_rights_t)named->word);
        request_set_range(request, op == TS_OP_WRITE, address, length);
    }
    return request;
}

static inline bool may_run(const struct request *request, const struct served *served)
{
    return request->deadline == TS_DEADLINE_NONE &&
           (request->in_length == 0 || served->port->inbox_size == 0);
}

// A request that does not go on with the run is the beginning of one, or is issued by itself.
static __attribute__((noinline)) void issue_first(struct request_run *run, struct request *request,
                                                  const struct named *named)
{
    struct served *served = served_of(named->object);
    request_run_end(run);
    if (may_run(request, served) &&
        request_run_begin(run, served, named->entry, named->word, request->requester->client)) {
        request_run_add(run, request, true);
    } else {
        // That the entry has not changed is seen when the port is locked.
        port_issue(request, served, named->entry, named->word);
    }
}

__attribute__((noinline)) static uint32_t take_requests(struct batch *batch, uint32_t head,
                                                        uint32_t most)
{
    struct request_run run = {.port = NULL};
    struct named named = {.handle = TS_HANDLE_NONE};
    uint32_t taken = 0;
    for (; taken < most; taken++) {
        struct request *request = fill_next(batch, &run, &named, head + taken);
        if (request == NULL) {
            break;
        }
        struct served *served = served_of(named.object);
        if (may_run(request, served) && request_run_goes_on(&run, served)) {
            request_run_add(&run, request, false);
        } else {
            issue_first(&run, request, &named);
        }
    }
    request_run_end(&run);
    batch->issued += taken;
    return taken;
}

// ---- Replies that need no event of their own and bring no handles

// The payload of a reply. False: something is wrong with it, which is found once more and told.
static bool push(struct port *port, uint64_t id, uint64_t address, uint32_t length)
{
    uint32_t bytes;
    return length <= TS_PAGE_SIZE && arch_user_range_ok(address, length) &&
           port_copy(port, id, COPY_PUSH, address, length, 0, &bytes) == TS_OK;
}

// A reply by itself: with bytes, or to a thread. False: it is not plain.
static __attribute__((noinline)) bool reply_alone(struct reply_run *run, struct port *port,
                                                  const struct ts_submission *slot, uint64_t id,
                                                  ts_status_t status)
{
    struct request *request;
    uint32_t length = FIELD(slot, length);
    reply_run_end(run);
    if ((length != 0 && !push(port, id, FIELD(slot, address), length)) ||
        port_reply_plain(port, id, status, FIELD(slot, offset), &request) != TS_OK) {
        return false;
    }
    request_complete(request);
    return true;
}

static __attribute__((noinline)) void other_port(struct reply_run *run, struct port *port)
{
    reply_run_end(run);
    reply_run_begin(run, port);
}

static inline bool take_reply(struct batch *batch, struct reply_run *run, struct named *named,
                              uint32_t index)
{
    const struct ts_submission *slot = submission_at(batch->ring, index);
    uint64_t word = first_word(slot), arg2 = FIELD(slot, arg2), id = FIELD(slot, arg);
    ts_status_t status = ts_reply_word_status(arg2);
    if (ts_pair_low(word) != KIND(TS_OP_REPLY, TS_FLAG_QUIET) ||
        ts_reply_word_result(arg2) != TS_REPLY_NONE || status > 0) {
        return false;
    }
    struct object *object = find(named, batch, ts_op_word_handle(word), TS_RIGHT_MANAGE);
    if (object == NULL || object->class != &port_class ||
        atomic_load_explicit(&named->entry->word, memory_order_relaxed) != named->word) {
        return false;
    }
    struct port *port = port_of(object);
    if (run->port != port) {
        other_port(run, port);
    }
    if (FIELD(slot, length) == 0 && reply_run_add(run, id, status, FIELD(slot, offset))) {
        return true;
    }
    return reply_alone(run, port, slot, id, status);
}

__attribute__((noinline)) static uint32_t take_replies(struct batch *batch, uint32_t head,
                                                       uint32_t most)
{
    struct reply_run run = {.port = NULL};
    struct named named = {.handle = TS_HANDLE_NONE};
    uint32_t taken = 0;
    while (taken < most && take_reply(batch, &run, &named, head + taken)) {
        taken++;
    }
    reply_run_end(&run);
    batch->replied += taken;
    return taken;
}

// ---- All kinds

static inline uint32_t take_plain(struct batch *batch, uint32_t head, uint32_t most)
{
    switch (ts_op_word_op(first_word(submission_at(batch->ring, head)))) {
    case TS_OP_READ:
    case TS_OP_WRITE:
    case TS_OP_LIST: return take_requests(batch, head, most);
    case TS_OP_REPLY: return take_replies(batch, head, most);
    case TS_OP_NOP: return take_nops(batch, head, most);
    default: return 0;
    }
}

// One of any kind. Interrupts are off; they are on meanwhile.
static uint32_t take_any(struct batch *batch, uint32_t head)
{
    arch_irq_enable();
    bool taken = submission_take(batch->ring, batch->thread, submission_at(batch->ring, head));
    arch_irq_disable();
    return taken;
}

// Takes `most`, which are there. One record is always held back before anything is begun, for an
// answer that finds no room: so nothing that was done goes untold, and a cancel can be submitted
// when all other records are in flight.
static uint32_t take_some(struct batch *batch, uint32_t most)
{
    struct ring *ring = batch->ring;
    uint32_t taken = 0, head = ring->submit_head;
    for (;;) {
        if (ring->spare == NULL && (ring->spare = ring_record_take(ring)) == NULL) {
            break;
        }
        uint32_t left = most - taken;
        uint32_t now = take_plain(batch, head + taken, left < IN_A_ROW ? left : IN_A_ROW);
        if (now == 0) {
            now = take_any(batch, head + taken);
        }
        taken += now;
        ring->submit_head = head + taken;
        if (now == 0 || taken == most) {
            break;
        }
        arch_irq_enable();
        arch_irq_disable();
        if (thread_is_stopping()) {
            break;
        }
    }
    return taken;
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
    uint32_t taken = take_some(&batch, most);
    statistics_add(STATISTIC_REQUESTS, batch.issued);
    process_count(&thread->process->requests_issued, taken);
    process_count(&thread->process->requests_served, batch.replied);
    KASSERT(kernel_range_holds(&ring->mapping.range, ring->shared, sizeof(*ring->shared)));
    // Pairs with the user's acquire: the slots are free again.
    atomic_store_explicit(TS_ATOMIC(&ring->shared->submit_head), ring->submit_head,
                          memory_order_release);
    return taken;
}
