// SPDX-License-Identifier: MIT
// The driver behind the link: opens its service, attaches packet memory, and does so again when
// the driver died or broke the rules. Connections do not notice but by a pause.
#pragma once

#include <tessera/abi/syscall.h>
#include <tessera/lib/loop.h>
#include <tessera/lib/opening.h>
#include <tessera/proto/frame.h>

#include "link.h"

struct nic {
    struct ts_loop *loop;
    struct link *link;
    char name[TS_NAME_MAX + 1]; // of the driver's service in the class
    ts_handle_t session, event, driver_event;
    struct ts_opening opening; // a session
    struct ts_async attaching, watching_event, watching_session;
    struct ts_timer retry;
    struct ts_call call;
    struct ts_frame_attach request;
    struct ts_frame_information information;
    bool told;  // that there is no driver
    bool rests; // its driver does not run: until the class has changed
    void (*attached)(struct nic *nic);
};

// Starts to look for the driver, which the class has by the nic's name; `attached` is called each
// time it is found. The name and the link are set, all else is zero.
TS_MUST_USE ts_status_t nic_start(struct nic *nic, struct ts_loop *loop, ts_handle_t class_handle,
                                  void (*attached)(struct nic *));

// The class has changed: a driver that rested may run.
void nic_try_again(struct nic *nic);

// Wakes the driver.
void nic_signal(struct nic *nic);

// The driver broke the rules of the rings: it is left, and its next session tried.
void nic_leave(struct nic *nic);
