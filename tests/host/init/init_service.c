// SPDX-License-Identifier: MIT
// The life of services: how often one that dies is started again and when it is given up, what its
// word that it has no device does, and what those that wait for it are told.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <tessera/abi/object.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/log.h>
#include <tessera/lib/memory.h>
#include "init.h"
#include "report.h"
#include "settle.h"
#include "tests/host/check.h"

enum { SERVER, USER, SERVICES };
#define PROCESS    7u
#define TRIES_MOST 100u

// ---- What the kernel and the other files of init are here

static ts_time_t now;
static struct ts_process_report ends_with; // of the next end
static struct ts_submission submission;
static unsigned lines_about_waiting, lines_about_giving_up;

ts_time_t ts_clock_now(void)
{
    return now;
}

ts_time_t ts_deadline_in(ts_time_t ns)
{
    return now + ns;
}

void ts_log(const char *format, ...)
{
    char line[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    puts(line);
    lines_about_waiting += strstr(line, "waits for") != NULL;
    lines_about_giving_up += strstr(line, "`services start server`") != NULL;
}

void ts_timer_arm(struct ts_loop *loop, struct ts_timer *timer, ts_time_t deadline)
{
    (void)loop;
    timer->armed = true;
    timer->deadline = deadline;
}

void ts_timer_disarm(struct ts_loop *loop, struct ts_timer *timer)
{
    (void)loop;
    timer->armed = false;
}

struct ts_submission *ts_loop_begin(struct ts_loop *loop, struct ts_async *async)
{
    (void)loop;
    async->busy = true;
    return &submission;
}

void ts_loop_close(struct ts_loop *loop, ts_handle_t handle)
{
    (void)loop;
    (void)handle;
}

void ts_close(ts_handle_t handle)
{
    (void)handle;
}

ts_status_t ts_duplicate(ts_handle_t handle, ts_rights_t rights, ts_handle_t *out_handle)
{
    (void)rights;
    *out_handle = handle;
    return TS_OK;
}

ts_status_t ts_job_kill(ts_handle_t job)
{
    (void)job;
    return TS_OK;
}

ts_status_t ts_process_kill(ts_handle_t process)
{
    (void)process;
    return TS_OK;
}

ts_status_t ts_process_report(ts_handle_t process, struct ts_process_report *out_report)
{
    CHECK_EQUAL(process, PROCESS);
    *out_report = ends_with;
    return TS_OK;
}

void report_end(const struct service *service, const struct ts_process_report *report)
{
    (void)service;
    (void)report;
}

void ask_session(struct asking *asking, struct service *target, const char *path,
                 ts_time_t deadline)
{
    (void)path;
    (void)deadline;
    asking->target = target;
}

const char *ts_status_name(ts_status_t status)
{
    (void)status;
    return "?";
}

// ---- A server, and a user that is given a session of it

static struct service *server, *user;

static void begin(void)
{
    static const struct service_events *const listeners[] = {&settle_events, NULL};
    static struct config_service *configs = init.config.services;
    memset(&init, 0, sizeof(init));
    init.config.service_count = init.service_count = SERVICES;
    configs[SERVER] = (struct config_service){.name = "server", .serves = true};
    configs[USER] = (struct config_service){
        .name = "user",
        .handle_count = 1,
        .handles = {{.name = "in", .what = "", .target = CONFIG_SESSION, .service = SERVER}}};
    service_listen(listeners);
    for (unsigned i = 0; i < SERVICES; i++) {
        service_init(&init.services[i], &configs[i]);
        CHECK_EQUAL(service_start(&init.services[i]), TS_OK);
    }
    server = &init.services[SERVER];
    user = &init.services[USER];
    lines_about_waiting = lines_about_giving_up = 0;
    ends_with = (struct ts_process_report){.reason = TS_EXIT_STATUS, .status = 1};
}

// From WAITING, as launch.c does it.
static void launch(struct service *service)
{
    CHECK_EQUAL(service->state, TS_INIT_WAITING);
    service->instance++;
    service->process = PROCESS;
    service_launched(service);
}

static void end(struct service *service)
{
    static const struct ts_event event;
    service->exit_watch.done(&service->exit_watch, &event);
}

// Starts and ends it until nothing starts it again; how often that was.
static unsigned die_until_rest(struct service *service)
{
    unsigned times = 0;
    while (!service_rests(service) && times < TRIES_MOST) {
        if (service->state == TS_INIT_BACK_OFF) {
            now = service->timer.deadline;
            service->timer.fired(&service->timer);
        }
        launch(service);
        end(service);
        times++;
    }
    return times;
}

// ---- Tests

static void test_given_up(void)
{
    begin();
    ts_time_t start = now;
    CHECK_EQUAL(die_until_rest(server), 10);
    CHECK_EQUAL(server->state, TS_INIT_GIVEN_UP);
    CHECK_EQUAL(lines_about_giving_up, 1);
    CHECK_EQUAL((now - start) / TS_SECOND, 1 + 2 + 4 + 8 + 16 + 32 + 60);
    CHECK(!server->timer.armed);
    CHECK_EQUAL(service_stop(server, AFTER_STOP), TS_ERR_NOT_FOUND);
    CHECK_EQUAL(service_start(server), TS_OK); // it has all its lives again
    CHECK_EQUAL(die_until_rest(server), 10);
    CHECK_EQUAL(service_stop(server, AFTER_RESTART), TS_OK);
    CHECK_EQUAL(server->state, TS_INIT_WAITING);
}

static void test_health_is_counted(void)
{
    begin();
    for (unsigned i = 0; i < TRIES_MOST; i++) {
        launch(server);
        now += 11 * TS_SECOND;
        end(server);
        CHECK_EQUAL(server->state, TS_INIT_WAITING);
    }
    CHECK_EQUAL(lines_about_giving_up, 0);
}

// It is how an operator starts the others again.
static void test_console_stays(void)
{
    begin();
    init.config.services[SERVER].console = true;
    CHECK_EQUAL(die_until_rest(server), TRIES_MOST);
    CHECK_EQUAL(server->state, TS_INIT_BACK_OFF);
}

static void test_no_device(void)
{
    begin();
    ends_with.status = TS_INIT_EXIT_NO_DEVICE;
    CHECK_EQUAL(die_until_rest(server), 1);
    CHECK_EQUAL(server->state, TS_INIT_NO_DEVICE);
    CHECK(!server->timer.armed);
    CHECK_EQUAL(service_start(server), TS_OK);
    ends_with.reason = TS_EXIT_KILLED; // of which the number means something else
    launch(server);
    end(server);
    CHECK_EQUAL(server->state, TS_INIT_WAITING);
}

// Its user waits, the log says so once, and both go on when it is started.
static void test_user(void)
{
    begin();
    CHECK(!settle_done(user));
    CHECK_EQUAL(lines_about_waiting, 0);
    ends_with.status = TS_INIT_EXIT_NO_DEVICE;
    CHECK_EQUAL(die_until_rest(server), 1);
    for (unsigned i = 0; i < 3; i++) {
        CHECK(!settle_done(user));
    }
    CHECK_EQUAL(lines_about_waiting, 1);
    CHECK_EQUAL(user->state, TS_INIT_WAITING);
    CHECK_EQUAL(service_start(server), TS_OK);
    launch(server);
    service_ready(server, 9, TS_HANDLE_NONE);
    CHECK(!settle_done(user)); // a session was asked for
    user->asking.done(&user->asking, TS_OK, 10);
    CHECK(settle_done(user));
    CHECK_EQUAL(lines_about_waiting, 1);
}

int main(void)
{
    test_given_up();
    test_health_is_counted();
    test_console_stays();
    test_no_device();
    test_user();
    return 0;
}
