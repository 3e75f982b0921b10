// SPDX-License-Identifier: MIT
// One submission of any kind: it is decoded, checked, and answered at once or issued with a record
// of the ring.
#include <syscall/submit.h>

#include <arch/clock.h>
#include <core/ring_publish.h>
#include <object/server_reply.h>
#include <object/reaper.h>
#include <sched/futex.h>
#include <stdatomic.h>
#include <syscall/operation.h>
#include <tessera/abi/operation.h>

#define PERIOD_MIN_NS 50000 // of a multishot timeout

_Static_assert(offsetof(struct operation, user_data) == offsetof(struct ts_submission, user_data) &&
                   offsetof(struct operation, aux) == offsetof(struct ts_submission, aux) &&
                   offsetof(struct operation, deadline) == offsetof(struct ts_submission, deadline),
               "an operation begins as a submission");

static void decode(struct operation *operation, const struct ts_submission *slot)
{
    const uint64_t *from = (const uint64_t *)slot;
    uint64_t *to = (uint64_t *)operation;
    for (unsigned i = 0; i < sizeof(*slot) / sizeof(*from); i++) {
        to[i] = atomic_load_explicit(TS_ATOMIC(&from[i]), memory_order_relaxed);
    }
    operation->value = operation->extra = 0;
    operation->result.object = NULL;
}

// ---- Operations of rings

// Completes when `deadline` has passed; multishot again each `offset` nanoseconds.
static enum outcome start_timeout(struct asked *asked, ts_status_t *out_status)
{
    struct operation *operation = &asked->operation;
    bool multishot = (operation->flags & TS_FLAG_MULTI) != 0;
    bool period_good = operation->offset >= PERIOD_MIN_NS && operation->offset <= INT64_MAX / 2;
    *out_status = TS_ERR_ARGUMENT;
    if (operation->deadline <= 0 || (multishot ? !period_good : operation->offset != 0)) {
        return OUTCOME_ANSWERED;
    }
    ts_time_t now = clock_now();
    if (operation->deadline < now) {
        operation->deadline = now; // what was missed before is not made up for
    }
    struct request *request = asked_record(asked);
    if (request == NULL) {
        return OUTCOME_NO_RECORD;
    }
    request->home = HOME_TIMER;
    atomic_store_explicit(TS_ATOMIC(&request->state), REQUEST_PARKED, memory_order_release);
    timer_start(&request->timer, operation->deadline);
    return OUTCOME_ISSUED;
}

static ts_status_t run_cancel(struct asked *asked)
{
    const struct operation *operation = &asked->operation;
    struct request *target = ring_find(asked->ring, operation->arg);
    if (target == NULL) {
        return TS_ERR_NOT_FOUND;
    }
    // Off: what the record refers to stays readable while it is completed elsewhere.
    irqflags_t flags = arch_irq_save();
    ts_status_t status =
        request_cancel(target, TS_ERR_CANCELLED, (operation->flags & TS_FLAG_FORCE) != 0);
    arch_irq_restore(flags);
    return status;
}

static enum outcome start_futex_wait(struct asked *asked, ts_status_t *out_status)
{
    const struct operation *operation = &asked->operation;
    *out_status = TS_ERR_ARGUMENT;
    if (operation->arg > UINT32_MAX) {
        return OUTCOME_ANSWERED;
    }
    struct request *request = asked_record(asked);
    if (request == NULL) {
        return OUTCOME_NO_RECORD;
    }
    *out_status = futex_wait(request, operation->address, (uint32_t)operation->arg);
    if (*out_status == TS_OK) {
        return OUTCOME_ISSUED;
    }
    asked_record_drop(asked, request);
    return OUTCOME_ANSWERED;
}

static enum outcome start(struct asked *asked, ts_status_t *out_status)
{
    struct operation *operation = &asked->operation;
    *out_status = TS_ERR_UNSUPPORTED;
    if (operation->op >= TS_OP_COUNT) {
        return OUTCOME_ANSWERED;
    }
    *out_status = operation_check_flags(operation->op, operation->flags, true);
    if (*out_status != TS_OK) {
        return OUTCOME_ANSWERED;
    }
    switch (operation->op) {
    case TS_OP_TIMEOUT: return start_timeout(asked, out_status);
    case TS_OP_CANCEL: *out_status = run_cancel(asked); return OUTCOME_ANSWERED;
    case TS_OP_FUTEX_WAIT: return start_futex_wait(asked, out_status);
    default: operation->flags |= OPERATION_SUBMITTED; return operation_start(asked, out_status);
    }
}

// ---- Completions of what was answered at once

static uint16_t answer_flags(const struct operation *operation, ts_status_t status)
{
    return operation->op == TS_OP_TAKE && status == TS_OK ? (uint16_t)operation->aux : 0;
}

// True: told, or it needs no telling. False: there is no room in the queue; a record keeps it.
static bool post_answer(struct asked *asked, ts_status_t status)
{
    const struct operation *operation = &asked->operation;
    if ((operation->flags & TS_FLAG_QUIET) != 0 && status >= 0) {
        return true;
    }
    irqflags_t flags = arch_irq_save();
    bool room = ring_post_now(asked->ring, operation->user_data, status, operation->op,
                              answer_flags(operation, status), operation->value, operation->extra);
    arch_irq_restore(flags);
    return room;
}

// The answer waits for room in a record.
static void keep_answer(struct asked *asked, struct request *record, ts_status_t status)
{
    const struct operation *operation = &asked->operation;
    const struct request_terms terms = {
        .op = operation->op,
        .flags = operation->flags & TS_FLAGS_ALL,
    };
    request_begin(record, &terms);
    record->user_data = operation->user_data;
    record->status = status;
    record->value = operation->value;
    record->extra = operation->extra;
    record->event_flags = answer_flags(operation, status);
    record->state = REQUEST_DONE;
    ring_post_completion(asked->ring, record);
}

bool submission_take(struct ring *ring, struct thread *thread, const struct ts_submission *slot)
{
    struct asked asked = {.thread = thread, .ring = ring};
    ts_status_t status = TS_OK;
    decode(&asked.operation, slot);
    thread->refused_by_job = false; // by this one, from here on
    const struct operation operation = asked.operation;
    enum outcome outcome = start(&asked, &status);
    if (outcome == OUTCOME_ANSWERED && reaper_wait(status)) {
        asked.operation = operation; // it had no effect: once more
        outcome = start(&asked, &status);
    }
    if (outcome == OUTCOME_ANSWERED && !post_answer(&asked, status)) {
        struct request *record = ring->spare;
        ring->spare = NULL;
        keep_answer(&asked, record, status);
    }
    return outcome != OUTCOME_NO_RECORD;
}
