// SPDX-License-Identifier: MIT
// A card as a service: the objects of tessera/proto/frame.h around a struct frame_card.
#pragma once

#include <drivers/bus/function.h>
#include <drivers/frame/card.h>
#include <drivers/service/interrupt.h>
#include <drivers/service/ready.h>
#include <tessera/lib/server.h>

struct frame_session {
    struct ts_object object;
    struct frame_service *service;
    bool broke; // the client broke the protocol: nothing but DETACH until then
};

// One of the chip's interrupts.
struct frame_interrupt {
    struct service_interrupt interrupt;
    struct frame_service *service;
    uint64_t moved; // the card's, when it came last
};

struct frame_service {
    struct ts_loop *loop;
    struct ts_server server;
    struct frame_session root;
    struct frame_card *card;
    ts_handle_t domain;
    struct frame_interrupt interrupts[BUS_VECTORS];
    struct ts_async bell;
    struct ts_timer timer;
    ts_handle_t doorbell;        // the client signals it
    bool pending;                // frame_card_work has something to do
    struct allowance resets;     // of the device
    struct allowance link_lines; // of the log
    uint32_t told_link;          // what the log says
    struct ts_timer link_timer;
    struct frame_session *attached; // NULL = nobody
    ts_handle_t client_memory, client_event;
};

// Serves a card, which is at rest, on the loop, and gives the root. The function has its interrupts
// and is driven. The loop's idle function is the service's from then on.
TS_MUST_USE ts_status_t frame_service_start(struct frame_service *service, struct ts_loop *loop,
                                            struct frame_card *card,
                                            const struct bus_function *function,
                                            ts_handle_t *out_root);
