// SPDX-License-Identifier: MIT
// One service: what it is, and its life (service.c).
#pragma once

#include <tessera/lib/process.h>
#include <tessera/proto/init.h>
#include "asking.h"
#include "config.h"

struct name;

enum service_after { AFTER_POLICY, AFTER_STOP, AFTER_RESTART };

#define SERVICE_THING_MAX 31u

// A service of the configuration that runs for each of some things (`each`) is a *kind*: it is in
// WAITING while these are looked for, has no process, and is STOPPED afterwards. Its instances are
// services.
struct service {
    const struct config_service *config;
    const char *name;
    struct service *kind;                // of which it is an instance; NULL: of none
    char instance_name[TS_NAME_MAX + 1]; // an instance's
    char thing[SERVICE_THING_MAX + 1];   // where its kind's other service has what it is for
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
    ts_time_t beat_due;         // when init is to hear of the question, or ask the next one
    uint32_t beats_missed;      // in a row
    uint32_t beats_excused;     // in a row: missed, but init came late itself
    struct ts_timer beat_timer; // READY: the next question
    struct ts_timer timer;      // STARTING: not ready in time; BACK_OFF: start
    struct ts_request *waiters; // opens that wait for an instance, or for their turn
    struct asking opening;      // the one whose turn it is
    struct name *names;
    // Sessions opened before the start, by index of the configuration's handles.
    ts_handle_t sessions_open[CONFIG_HANDLES];
    ts_handle_t kept[CONFIG_HANDLES]; // memories that its instances pass on
    struct asking asking;
    bool asking_busy;
    const struct service *in_vain; // WAITING: the one that rests, which the log has named
};

// What happens to services is told to the files that depend on it, by a table of each; any function
// may be NULL. service.c knows none of these files.
struct service_events {
    void (*changed)(struct service *service); // its state has
    // Its process has gone; what follows is decided after this. exit_reason and status say how.
    void (*ended)(struct service *service);
};

// The tables, in the order in which they are told; NULL ends.
void service_listen(const struct service_events *const *listeners);

void service_init(struct service *service, const struct config_service *config);
TS_MUST_USE ts_status_t service_start(struct service *service);
TS_MUST_USE ts_status_t service_stop(struct service *service, enum service_after after);
void service_ready(struct service *service, ts_handle_t root, ts_handle_t pulse);
void service_back_off(struct service *service); // one more death: starts it now or later
void service_kill(struct service *service);     // what follows comes with its end
bool service_runs(const struct service *service);
// Whether it does not run, and nothing but START or an opening (`start demand`) brings it back.
bool service_rests(const struct service *service);

// From WAITING: its process is there; or why it is not.
void service_launched(struct service *service);
void service_failed(struct service *service, ts_status_t status);
void service_looked(struct service *kind); // from WAITING: its instances are there

static inline bool service_is_kind(const struct service *service)
{
    return service->config->each_name != NULL && service->kind == NULL;
}
