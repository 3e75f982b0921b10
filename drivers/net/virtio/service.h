// SPDX-License-Identifier: MIT
// The card as a service: the objects of tessera/proto/frame.h around a struct net.
#pragma once

#include "net.h"

#include <drivers/virtio/function.h>
#include <tessera/lib/server.h>

struct net_session {
    struct ts_object object;
    struct net_service *service;
    bool broke; // the client broke the protocol: nothing but DETACH until then
};

struct net_service {
    struct ts_loop *loop;
    struct ts_server server;
    struct net_session root;
    struct virtio_function *function;
    struct net net;
    struct ts_async interrupt, change, bell;
    struct ts_timer timer;
    ts_handle_t doorbell;         // the client signals it
    bool pending;                 // net_work has something to do
    struct net_session *attached; // NULL = nobody
    ts_handle_t client_memory, client_event;
};

// Takes an open function, serves it on the loop and gives the root. The loop's idle function is the
// service's from then on.
TS_MUST_USE ts_status_t net_service_start(struct net_service *service, struct ts_loop *loop,
                                          struct virtio_function *function, ts_handle_t *out_root);
