// SPDX-License-Identifier: MIT
// Transfers: a client's request, cut into pieces. A transfer is answered once, when nothing of it
// is in flight and there is nothing more to start: at its end, or after its first failure.
#include "service.h"

#include <assert.h>
#include <stdlib.h>

#define ROUNDS_MAX 16u // before others have their turn

static void append(struct block_service *s, struct transfer *t)
{
    t->next = NULL;
    t->waiting = true;
    if (s->waiting != NULL) {
        s->waiting_last->next = t;
    } else {
        s->waiting = t;
    }
    s->waiting_last = t;
}

static struct transfer *take_first(struct block_service *s)
{
    struct transfer *t = s->waiting;
    s->waiting = t->next;
    t->waiting = false;
    return t;
}

static void count(struct block_service *s, const struct transfer *t)
{
    struct ts_block_statistics *statistics = &s->block.statistics;
    switch (t->operation) {
    case BLOCK_READ:
        statistics->reads++;
        statistics->bytes_read += t->length;
        break;
    case BLOCK_WRITE:
        statistics->writes++;
        statistics->bytes_written += t->length;
        break;
    default: statistics->flushes++; break;
    }
}

void block_session_release(struct block_session *session)
{
    if (session->closed && session->transfers == 0) {
        free(session);
    }
}

// Answers the transfer if it is over.
static void finish(struct transfer *t)
{
    struct block_service *s = t->service;
    if (t->in_flight > 0 || t->waiting) {
        return;
    }
    struct ts_request *request = t->request;
    uint64_t value = t->status == TS_OK && t->operation != BLOCK_FLUSH ? t->length : 0;
    if (t->status == TS_OK) {
        count(s, t);
    }
    struct block_session *session = TS_OBJECT_OF(request->object, struct block_session, object);
    t->request = NULL;
    t->next = s->free;
    s->free = t;
    ts_request_reply(request, t->status, value);
    session->transfers--;
    block_session_release(session);
}

void transfer_begin(struct block_service *s, struct ts_request *request,
                    enum block_operation operation, uint64_t offset, uint64_t length)
{
    struct transfer *t = s->free;
    assert(t != NULL); // as many as the port has requests
    s->free = t->next;
    *t = (struct transfer){.service = s,
                           .request = request,
                           .operation = operation,
                           .offset = offset,
                           .length = length};
    request->context = t;
    TS_OBJECT_OF(request->object, struct block_session, object)->transfers++;
    append(s, t);
    s->pending = true;
}

void transfer_cancel(struct transfer *t)
{
    if (t->status == TS_OK) {
        t->status = TS_ERR_CANCELLED; // transfers_work takes it out of the list
    }
    t->service->pending = true;
}

// Starts the next piece of a transfer.
static void start_piece(struct block_service *s, struct transfer *t, struct block_slot *slot)
{
    uint64_t left = t->length - t->started;
    uint32_t length = left < BLOCK_PIECE ? (uint32_t)left : BLOCK_PIECE;
    slot->done = t->started; // where in the client's range
    t->started += length;
    if (t->operation == BLOCK_WRITE) {
        t->status = ts_request_pull(t->request, slot->buffer.address, length, slot->done);
        if (t->status != TS_OK) {
            block_give(&s->block, slot);
            return;
        }
    }
    t->in_flight++;
    bool flush = t->operation == BLOCK_FLUSH;
    block_start(&s->block, slot, t->operation, flush ? 0 : t->offset + slot->done,
                flush ? 0 : length);
}

// A piece each in turn, so that a long transfer does not hold up short ones.
static void start_pieces(struct block_service *s)
{
    while (s->waiting != NULL) {
        struct transfer *t = s->waiting;
        if (t->status == TS_OK) {
            struct block_slot *slot = block_take(&s->block, t);
            if (slot == NULL) {
                return;
            }
            start_piece(s, t, slot);
        }
        take_first(s);
        if (t->status == TS_OK && t->started < t->length) {
            append(s, t);
        } else {
            finish(t);
        }
    }
}

static void end_piece(struct block_service *s, struct block_slot *slot, ts_status_t status)
{
    struct transfer *t = slot->owner;
    if (status == TS_OK && t->operation == BLOCK_READ && t->status == TS_OK) {
        status = ts_request_push(t->request, slot->buffer.address, slot->length, slot->done);
    }
    if (t->status == TS_OK) {
        t->status = status;
    }
    block_give(&s->block, slot);
    t->in_flight--;
    finish(t);
}

ts_status_t transfers_work(struct block_service *s)
{
    struct block_slot *slot;
    ts_status_t result, status;
    for (unsigned round = 0; round < ROUNDS_MAX; round++) {
        while ((status = block_next(&s->block, &slot, &result)) == TS_OK) {
            end_piece(s, slot, result);
        }
        if (status != TS_ERR_AGAIN) {
            return status;
        }
        start_pieces(s);
        block_kick(&s->block);
        if (block_sleep(&s->block)) {
            return TS_OK;
        }
    }
    return TS_ERR_AGAIN;
}

void transfers_fail(struct block_service *s)
{
    for (unsigned i = 0; i < s->block.slot_count; i++) {
        struct block_slot *slot = &s->block.slots[i];
        if (slot->owner != NULL) {
            end_piece(s, slot, TS_ERR_IO);
        }
    }
}
