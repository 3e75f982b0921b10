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
#include <syscall/submit_parts.h>

struct batch {
    struct ring *ring;
    struct thread *thread;
    uint32_t issued, replied; // of those taken here
};

__attribute__((noinline)) void submission_look_up(struct named *named, struct handle_table *table,
                                                  ts_handle_t handle)
{
    named->handle = handle;
    named->entry = handle_find(table, handle, &named->word);
    named->object = named->entry == NULL
                        ? NULL
                        : atomic_load_explicit(&named->entry->object, memory_order_acquire);
}

// How long a row becomes by one that may have brought bytes.
static inline uint32_t row_with_bytes(uint32_t most, uint32_t taken)
{
    uint32_t left = most - (taken + 1);
    return left > BYTES_MORE ? most - BYTES_MORE : taken + 1;
}

// Each of the following takes submissions of one kind from index `head` on, at most `most`, with
// interrupts off and what they need locked once, as long as they are plain. Returns how many.

// ---- No-ops

__attribute__((noinline)) static uint32_t take_nops(struct batch *batch, uint32_t head,
                                                    uint32_t most)
{
    struct ring *ring = batch->ring;
    spin_lock_off(&ring->lock);
    uint32_t taken = submission_take_nops(ring, head, most);
    spin_unlock_off(&ring->lock);
    return taken;
}

// ---- Requests: read, write or list of a served object

// To look for records that others gave back the ring is locked, as it may be by the run. False:
// there is none.
static __attribute__((noinline)) bool refill(struct ring *ring, struct request_run *run)
{
    request_run_end(run);
    return ring_record_refill(ring) != NULL;
}

static inline bool may_run(const struct request *request, const struct served *served)
{
    return request->deadline == TS_DEADLINE_NONE &&
           (request->in_length == 0 || served->port->inbox_size == 0);
}

// A request that does not go on with the run is the beginning of one, or is issued by itself.
// Whether it is the beginning.
static __attribute__((noinline)) bool issue_first(struct request_run *run, struct request *request,
                                                  const struct named *named)
{
    struct served *served = served_of(named->object);
    request_run_end(run);
    if (may_run(request, served) &&
        request_run_begin(run, served, named->entry, named->word, request->requester->client)) {
        request_run_add_first(run, request);
        return true;
    }
    // That the entry has not changed is seen when the port is locked.
    port_issue(request, served, named->entry, named->word);
    return false;
}

// Another first word than the last one's. Another handle is not the run's, whatever it names.
static __attribute__((noinline)) bool other_request(const struct batch *batch,
                                                    struct request_run *run, struct named *named,
                                                    uint64_t word)
{
    if (named->handle != ts_op_word_handle(word)) {
        request_run_end(run);
    }
    return submission_is_request(word) && submission_is_plain(named, batch->thread, word);
}

__attribute__((noinline)) static uint32_t take_requests(struct batch *batch, uint32_t head,
                                                        uint32_t most)
{
    struct ring *ring = batch->ring;
    struct request_run run = {.port = NULL};
    struct named named = {.handle = TS_HANDLE_NONE};
    uint64_t plain = 0; // the last first word: what it says was looked at, if anything is named
    uint32_t taken = 0;
    for (; taken < most; taken++) {
        const struct ts_submission *slot = submission_at(ring, head + taken);
        uint64_t word = submission_word(slot);
        if ((word != plain || named.object == NULL) && !other_request(batch, &run, &named, word)) {
            break;
        }
        plain = word;
        if (__builtin_expect(ring->free == NULL, false) && !refill(ring, &run)) {
            break;
        }
        struct request *request = submission_fill(ring, batch->thread, &named, slot, word);
        if (request == NULL) {
            break;
        }
        struct served *served = served_of(named.object);
        if (may_run(request, served) && request_run_goes_on(&run, served)) {
            request_run_add_next(&run, request);
        } else if (!issue_first(&run, request, &named)) {
            most = row_with_bytes(most, taken);
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
    return length <= TS_PAGE_SIZE && arch_user_range_ok(address, length) &&
           port_copy_short(port, id, COPY_PUSH, address, length, 0);
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

// Another first word than the last one's: its port becomes the run's. What each of its answers
// counts in the row: 0, it is not plain; 1; or more, if each may bring bytes at the run's end.
static __attribute__((noinline)) uint32_t other_reply(const struct batch *batch,
                                                      struct reply_run *run, struct named *named,
                                                      uint64_t word)
{
    if (ts_pair_low(word) != KIND(TS_OP_REPLY, TS_FLAG_QUIET)) {
        return 0;
    }
    struct object *object =
        submission_names(named, batch->thread, ts_op_word_handle(word), TS_RIGHT_MANAGE);
    if (object == NULL || object->class != &port_class ||
        atomic_load_explicit(&named->entry->word, memory_order_relaxed) != named->word) {
        return 0;
    }
    reply_run_end(run);
    reply_run_begin(run, port_of(object));
    return reply_run_brings_bytes(run) ? 1 + BYTES_MORE : 1;
}

__attribute__((noinline)) static uint32_t take_replies(struct batch *batch, uint32_t head,
                                                       uint32_t most)
{
    struct reply_run run = {.port = NULL};
    struct named named = {.handle = TS_HANDLE_NONE};
    uint64_t plain = 0; // the last first word: its port is the run's, if there is one
    uint32_t taken = 0;
    for (; taken < most; taken++) {
        const struct ts_submission *slot = submission_at(batch->ring, head + taken);
        uint64_t word = submission_word(slot), arg2 = FIELD(slot, arg2), id = FIELD(slot, arg);
        ts_status_t status = ts_reply_word_status(arg2);
        if (ts_reply_word_result(arg2) != TS_REPLY_NONE || status > 0) {
            break;
        }
        if (word != plain || run.port == NULL) {
            uint32_t each = other_reply(batch, &run, &named, word);
            if (each == 0) {
                break;
            }
            if (each > 1) {
                most = taken + (most - taken + BYTES_MORE) / (1 + BYTES_MORE);
            }
        }
        plain = word;
        if (FIELD(slot, length) == 0 && reply_run_add(&run, id, status, FIELD(slot, offset))) {
            continue;
        }
        if (!reply_alone(&run, port_of(named.object), slot, id, status)) {
            break;
        }
        most = row_with_bytes(most, taken);
    }
    reply_run_end(&run);
    batch->replied += taken;
    return taken;
}

// ---- All kinds

static inline uint32_t take_plain(struct batch *batch, uint32_t head, uint32_t most)
{
    switch (ts_op_word_op(submission_word(submission_at(batch->ring, head)))) {
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
    if (most == 0) {
        return 0;
    }
    struct batch batch = {.ring = ring, .thread = thread};
    uint32_t taken = take_some(&batch, most);
    statistics_add(STATISTIC_REQUESTS, batch.issued);
    process_count(&thread->process->requests_issued, taken);
    process_count(&thread->process->requests_served, batch.replied);
    submissions_taken(ring);
    return taken;
}
