// SPDX-License-Identifier: MIT
// A kernel of one process, for tests of the user library: memory, rings, ports and events are
// there, served objects are what the test says. Single-threaded: where the real kernel would wait,
// fake_idle is called, and when that brings nothing the wait is over.
#pragma once

#include <stdbool.h>
#include <tessera/abi/kind.h>
#include <tessera/abi/object.h>
#include <tessera/abi/operation.h>
#include <tessera/abi/ring.h>
#include <tessera/abi/status.h>
#include <tessera/abi/syscall.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/syscall.h>

// A client's request to the port, and how it was answered.
struct fake_request {
    uint64_t id;
    unsigned op, flags, rights;
    const void *in;
    void *out;
    uint32_t in_length, out_length;
    uint64_t offset, arg;
    ts_handle_t sent[TS_CALL_HANDLES];
    unsigned sent_count;
    bool answered, gone; // gone: the client gave up, answers fail
    ts_status_t refuse;  // the next answer fails with this, and is still due
    ts_status_t status;
    uint64_t value;
    enum ts_reply_result result;
    uint32_t object; // oid or handle
    ts_rights_t granted;
};

struct fake_object {
    bool used, revoked, reserve;
    uint64_t tag;
    ts_signals_t signals;
};

#define FAKE_OBJECTS 64

extern struct fake_object fake_objects[FAKE_OBJECTS]; // of the one port
extern void (*fake_idle)(void);
extern bool fake_full; // no record is free: what is submitted stays staged
// Operations on handles above FAKE_SERVED go here; result as the system call's.
extern struct ts_result (*fake_served)(unsigned op, unsigned rights, ts_handle_t handle,
                                       uint64_t address, uint64_t length, uint64_t offset,
                                       uint64_t arg);
#define FAKE_SERVED 0x1000u

// How often, since the last fake_reset.
extern unsigned fake_enters, fake_reply_waits, fake_replies, fake_closed;
// Submissions that wait for the test to complete them: the last one.
extern struct ts_submission fake_pending;
extern unsigned fake_pending_count;
// The system call so many calls from now fails with TS_ERR_MEMORY, of those that may fail; 0: none.
extern unsigned fake_fails_at;
extern unsigned fake_takes;    // most submissions that the next enter takes; 0: all
extern uint64_t fake_deadline; // of the last operation or wait

void fake_reset(void);
unsigned fake_open_handles(void);
// Delivers a request to the object `oid`; `request` must stay until it is answered.
void fake_deliver(struct fake_request *request, uint32_t oid);
void fake_cancel(const struct fake_request *request);
void fake_close(uint32_t oid); // the last handle is gone
void fake_complete(uint64_t user_data, ts_status_t status, uint64_t value, unsigned flags);
void fake_time(ts_time_t now);
