// SPDX-License-Identifier: MIT
// The driver behind the link: opens its service, attaches packet memory, and does so again when
// the driver died or broke the rules. Connections do not notice but by a pause.
#pragma once

#include <tessera/lib/loop.h>
#include <tessera/lib/opening.h>
#include <tessera/proto/frame.h>

#include "link.h"

#define NIC_NAME "nic" // the named handle of the driver's service

struct nic {
    struct ts_loop *loop;
    struct link *link;
    ts_handle_t service, session, event, driver_event;
    struct ts_opening opening; // a session
    struct ts_async attaching, watching_event, watching_session;
    struct ts_timer retry;
    struct ts_call call;
    struct ts_frame_attach request;
    struct ts_frame_information information;
    bool told; // that there is no driver
    void (*attached)(struct nic *nic);
};

// Starts to look for the driver; `attached` is called each time it is found. Without the named
// handle there is no card and nothing happens, TS_OK.
TS_MUST_USE ts_status_t nic_start(struct nic *nic, struct ts_loop *loop, struct link *link,
                                  void (*attached)(struct nic *));

// Wakes the driver.
void nic_signal(struct nic *nic);

// The driver broke the rules of the rings: it is left, and its next session tried.
void nic_leave(struct nic *nic);
