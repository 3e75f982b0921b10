// SPDX-License-Identifier: MIT
// What init and the programs that it starts say to each other.
//
// A service that others use gets a handle "init" (TS_NAME_INIT). Once it serves, it moves a handle
// to its root object to init, and one to its pulse, which is for init alone:
//
//   call "init" READY, in_handle[0] = root    (rights: all that any client may get)
//                      in_handle[1] = pulse
//
// From then on clients that open the service's name are redirected to that root, and open "" there:
// the service answers with a session object of its own for that client (ts_request_reply_mint in
// `open`), which counts for it. A root does nothing else: all that can open the name have it. A
// name with a path leads to what init opens there itself. A service without READY serves nobody;
// one that others wait for is ready when it has called READY, any other when it runs.
//
// A service whose device is not in this machine ends with the status TS_INIT_EXIT_NO_DEVICE, and
// says nothing: init logs it, does not start the service again, and answers an open of its name
// with TS_ERR_NOT_FOUND at once. So it is with a service that died too often in a row (GIVEN_UP).
// Both start again by START alone.
//
// With `heartbeat` in the configuration init asks get(ALIVE) of the pulse; the server library
// answers by itself, as long as the loop goes round. The pulse has a request slot of its own
// (ts_server_pulse): however full the service is, init's question finds room.
//
// Clients: the named handle of a service (net = service netd) is an object of init. open("") on it
// leads to a session, after waiting for a service that starts; open(path) to one that all share. On
// the handle SIGNALS: TS_SIGNAL_READABLE while an instance is ready.
//
// A class (nics = class net) is a directory of the services of that class:
//   list    struct ts_file_entry records: their names
//   open    a name: as its named handle
//   SIGNALS TS_SIGNAL_READABLE when it has changed since it was last listed from the start
//
// The control object (a named handle "control = control" in the configuration):
//   list    struct ts_init_service records, as many as fit; offset = cookie: index of the first
//   call    TS_INIT_*, with the service's name as bytes in; with MANAGE. RUNNING: without.
//           POWER_OFF and REBOOT: with EXECUTE will do; CLOCK_SET: with WRITE
//   open    a service's name: as its named handle; MANAGE, also among the rights asked for
#pragma once

#include <assert.h>
#include <tessera/abi/object.h>
#include <tessera/abi/types.h>

#define TS_NAME_INIT    "init"    // to say READY
#define TS_NAME_CONTROL "control" // the control object, by convention

// Methods of "init".
#define TS_INIT_READY \
    1u // in_handle[0]: the root, with DUPLICATE, TRANSFER and OPEN; [1]: the pulse

#define TS_INIT_EXIT_NO_DEVICE 69 // a service's exit status: its device is not there

// Methods of the control object; value = 0.
#define TS_INIT_START   16u // bytes in: name. TS_ERR_EXISTS: it runs
#define TS_INIT_STOP    17u // kills it and leaves it stopped
#define TS_INIT_KILL    18u // kills it; what the configuration says about deaths follows
#define TS_INIT_RESTART 19u // stop and start, without back-off
#define TS_INIT_POWER_OFF \
    20u // struct ts_init_power in, or nothing: ends services in the reverse
        // order of their start, then the machine
#define TS_INIT_REBOOT  21u
#define TS_INIT_RUNNING 22u // value = services that run
#define TS_INIT_CLOCK_SET \
    23u // struct ts_init_clock in: sets the realtime, and the battery-backed clock unless slowly.
        // TS_ERR_RANGE: not a time from 1970 to 2099; TS_ERR_BUSY: trusted, and the machine stood
        // still just now: to be measured again

#define TS_INIT_CLOCK_SLOWLY 1u // less than a second is made good little by little

struct ts_init_clock {
    int64_t offset_ns;  // what the realtime is to be ahead of the monotonic time
    uint32_t trusted_s; // for so long the battery-backed clock tells of jumps alone
    uint32_t flags;
};

struct ts_init_power {
    int32_t status; // of the emulator, where it can tell
    uint32_t reserved;
};

enum ts_init_state {
    TS_INIT_STOPPED = 0,   // not started, or by STOP, or it ended and is not to be restarted
    TS_INIT_WAITING = 1,   // for a service that it uses
    TS_INIT_STARTING = 2,  // runs, is not ready
    TS_INIT_READY_ = 3,    // runs
    TS_INIT_BACK_OFF = 4,  // died too often: will start again at restart_ns
    TS_INIT_FAILED = 5,    // cannot be started: `status` says why
    TS_INIT_ENDING = 6,    // killed, not gone yet
    TS_INIT_GIVEN_UP = 7,  // died too often in a row: starts again by START alone
    TS_INIT_NO_DEVICE = 8, // its device is not there: the same
};

struct ts_init_service {
    char name[32], program[64]; // zero-terminated
    uint32_t state;             // enum ts_init_state
    int32_t status;             // of the last end or failure: exit status or TS_ERR_*
    uint32_t exit_reason;       // enum ts_exit_reason of the last end, 0 = none
    uint32_t restarts;          // since boot
    uint32_t deaths;            // lately: what back-off counts
    uint32_t sessions;          // given to clients by the current instance
    uint64_t process_id;        // as in ts_process_statistics; 0 = none
    uint64_t pages, handles, threads, cpu_ns;
    uint64_t started_ns, restart_ns; // clock of deadlines
    uint64_t requests_served;
    uint64_t heartbeat_ns; // how long the last answer took; 0 = no heartbeat
};
static_assert(sizeof(struct ts_init_service) == 192, "service record");
