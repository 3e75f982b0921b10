// SPDX-License-Identifier: MIT
// The device as a served object (tessera/proto/block.h): reads, writes and flushes of any size and
// number become pieces, which all clients' transfers take turns to start.
#pragma once

#include "block.h"

#include <drivers/service/interrupt.h>
#include <drivers/service/ready.h>
#include <drivers/virtio/function.h>
#include <tessera/lib/server.h>

#define TRANSFERS_MAX 256u // requests of all clients at the same time

// A kept request.
struct transfer {
    struct block_service *service;
    struct ts_request *request; // NULL = free
    struct transfer *next;      // in the waiting or the free list
    enum block_operation operation;
    uint64_t offset;
    uint64_t length, started; // bytes; a flush has 1 "byte", so that it is a piece
    unsigned in_flight;       // pieces
    bool waiting;             // in the list: has more to start
    ts_status_t status;       // first failure
};

struct block_session {
    struct ts_object object;
    struct block_service *service;
    uint32_t transfers; // of its requests; it stays until they are answered
    bool closed;
};

struct block_service {
    struct ts_loop *loop;
    struct ts_server server;
    struct block_session root;
    struct virtio_function *function;
    struct block block;
    struct service_interrupt interrupt, change;
    ts_time_t progress; // the device's, when it interrupted last
    struct allowance resets;
    struct ts_timer timer;
    struct transfer transfers[TRANSFERS_MAX];
    struct transfer *free, *waiting, *waiting_last;
    bool pending;
};

// Takes an open function, serves it on the loop, gives the root.
TS_MUST_USE ts_status_t block_service_start(struct block_service *service, struct ts_loop *loop,
                                            struct virtio_function *function,
                                            ts_handle_t *out_root);

// Frees a session that is closed and of which nothing is asked any more: until then a cancel names
// its object.
void block_session_release(struct block_session *session);

// Makes a transfer of a request, which is kept.
void transfer_begin(struct block_service *service, struct ts_request *request,
                    enum block_operation operation, uint64_t offset, uint64_t length);

// The client wants it to end.
void transfer_cancel(struct transfer *transfer);

// Takes what the device has done and starts what it can. TS_ERR_AGAIN: there is more to do;
// TS_ERR_PROTOCOL: the device broke the protocol.
TS_MUST_USE ts_status_t transfers_work(struct block_service *service);

// The device was stopped: every piece in flight failed.
void transfers_fail(struct block_service *service);
