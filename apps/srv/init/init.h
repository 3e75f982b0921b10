// SPDX-License-Identifier: MIT
// init: the first program. It serves the boot archive, starts services with exactly the handles
// that the configuration lists, gives clients sessions of them by name, and starts them again when
// they die.
//
//   config    what is to run                     service   one service: start, death, back-off
//   tree      the archive as a file tree         settle    what it waits for before its start
//   heartbeat asks whether it still answers      launch    a service's handles, its process
//   broker    names of services -> sessions      control   the object that `services` talks to
//   ready     where services hand in their root  power     the ordered end
//
// Everything runs on one loop. init calls nothing synchronously that a process serves: what it asks
// of services are async operations with deadlines. Operations on kernel objects (spawning,
// duplicating, views of the archive) complete at once and are made directly.
#pragma once

#include <tessera/format/archive.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/server.h>
#include <tessera/proto/init.h>
#include "config.h"
#include "pool.h"

#define INIT_REQUESTS 128u
#define INIT_OBJECTS  2048u
#define INIT_ASK_NS   (5 * TS_SECOND) // deadline of what init asks a service, heartbeats apart

struct service;

// A session or other object of a service that init asks for, on behalf of a request or of a start.
struct asking {
    struct ts_async async;
    struct service *target;
    uint32_t instance;
    void (*done)(struct asking *asking, ts_status_t status, ts_handle_t handle);
    struct ts_request *request; // broker; NULL: none, or it was cancelled
    uint32_t length;            // of the path asked for
    uint32_t handle;            // settle: which of the configuration's it is for
    bool redirected;            // the target sends its clients on to another server
};

// A session that is opened once and then led to again and again.
struct session_cache {
    ts_handle_t session;
    uint32_t instance; // of the service
};

// The name of a service in a client's hands.
struct name {
    struct ts_object object;
    struct service *target;
    const char *path;             // what is opened there
    struct session_cache session; // where paths below it are opened
    struct name *next;            // of the same target
};

enum service_after { AFTER_POLICY, AFTER_STOP, AFTER_RESTART };

struct service {
    const struct config_service *config;
    enum ts_init_state state;
    enum service_after after; // ENDING: what follows
    uint32_t instance;        // starts so far
    uint32_t order;           // of the last start among all
    ts_handle_t process, job, root, pulse;
    uint64_t bias; // of the program's addresses
    ts_time_t started, restart_at;
    uint32_t deaths, restarts, sessions;
    ts_status_t status; // of the last end
    uint32_t exit_reason;
    struct ts_async exit_watch, beat;
    uint32_t beat_instance;
    uint64_t beat_answer;
    ts_time_t beat_sent, beat_took;
    uint32_t beats_missed;      // in a row
    struct ts_timer timer;      // STARTING: not ready in time; READY: heartbeat; BACK_OFF: start
    struct ts_request *waiters; // opens that wait for an instance, or for their turn
    struct asking opening;      // the one whose turn it is
    struct name *names;
    // Sessions opened before the start, by index of the configuration's handles.
    ts_handle_t sessions_open[CONFIG_HANDLES];
    ts_handle_t kept[CONFIG_HANDLES]; // memories that its instances pass on
    struct asking asking;
    bool asking_busy;
};

struct init {
    struct ts_loop loop;
    struct ts_server server;
    struct config config;
    struct service services[CONFIG_SERVICES];
    struct ts_archive archive;
    const unsigned char *archive_bytes;
    ts_handle_t archive_memory;
    const struct ts_boot_information *boot;
    uint32_t starts;
    bool ending; // power off or restart is under way: nothing is started any more
    int32_t exit_status;
    bool execute; // the console's program is that of exec=: its end is the machine's
};

extern struct init init;

struct service *service_named(const char *name, size_t length);

// service.c
void service_init(struct service *service, const struct config_service *config);
TS_MUST_USE ts_status_t service_start(struct service *service);
TS_MUST_USE ts_status_t service_stop(struct service *service, enum service_after after);
void service_ready(struct service *service, ts_handle_t root, ts_handle_t pulse);
void service_back_off(struct service *service); // one more death: starts it now or later
void service_advance_all(struct ts_loop *loop, void *context);
void service_kill(struct service *service); // what follows comes with its end
bool service_runs(const struct service *service);

// settle.c
bool settle_done(struct service *service);   // true: it can start now
void settle_forget(struct service *service); // closes the sessions that were opened for it

// heartbeat.c
void heartbeat_begin(struct service *service);
void heartbeat_ask(struct service *service);

// launch.c: TS_OK, or why the program could not be started.
TS_MUST_USE ts_status_t service_launch(struct service *service);

// report.c
void report_end(const struct service *service, const struct ts_process_report *report);

// broker.c
// Asks the target for the object at `path`: `done` comes later with a handle, or a status. Deadline
// INIT_ASK_NS. The storage must stay until then.
void ask_session(struct asking *asking, struct service *target, const char *path);
// Answers an open, once there is an instance of `target`: with a redirect, from byte `consumed` of
// the path on, to its root, or to the session that is kept in `cache`; or with what it has at
// `path`, asked for each time.
struct broker_wish {
    struct service *target;
    const char *path;
    struct session_cache *cache; // may be NULL
    uint32_t consumed;
    bool root;
    bool redirect; // without both: also what was asked for leads on
    bool mount;    // all that have the tree are led there: not with MANAGE
};
void broker_init(void);
void broker_open(struct ts_request *request, const struct broker_wish *wish);
TS_MUST_USE ts_status_t name_create(struct service *target, const char *path, ts_rights_t rights,
                                    ts_handle_t *out_handle);
void broker_serve_waiters(struct service *service);
void broker_refuse_waiters(struct service *service, ts_status_t status);
void broker_signal(struct service *service);
void broker_cancel(struct ts_request *request);
void broker_forget(struct ts_object *object); // its last handle is gone: answers what it has kept

// tree.c
TS_MUST_USE ts_status_t tree_init(void);
// A root for one client, at `path` (without leading '/').
TS_MUST_USE ts_status_t tree_root_create(const char *path, ts_rights_t rights,
                                         ts_handle_t *out_handle);
// A file's content, which stays.
TS_MUST_USE ts_status_t tree_bytes(const char *path, const unsigned char **out_bytes,
                                   uint64_t *out_size);
// A program, as a view of the archive's memory; the caller's to close.
TS_MUST_USE ts_status_t tree_program(const char *path, ts_handle_t *out_image, uint64_t *out_size);

// ready.c, control.c
TS_MUST_USE ts_status_t ready_create(struct service *service, ts_handle_t *out_handle);
TS_MUST_USE ts_status_t control_create(ts_rights_t rights, ts_handle_t *out_handle);

// power.c
void power_begin(bool restart, int32_t status);
void power_service_ended(void);
