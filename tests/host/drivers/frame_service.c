// SPDX-License-Identifier: MIT
// A network card's driver against a chip that shouts: what its interrupts are worth, a link that
// flaps, and resets without end.
#include "fake_machine.h"

#include <drivers/frame/client.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <tessera/lib/event.h>
#include <tessera/lib/log.h>

#include "tests/host/check.h"

#define MANY 1000u

static struct ts_loop loop;
static struct frame_card card;
static struct frame_service service;
static struct frame_session client;
static bool (*came)(struct service_interrupt *interrupt);
static unsigned causes, lines, rings, restarts;
static bool link_is;
static char last[64];  // line of the log
static jmp_buf driver; // its life

// The library.
struct ts_submission *ts_loop_begin(struct ts_loop *of, struct ts_async *async)
{
    static struct ts_submission submission;
    (void)of;
    async->busy = true;
    return &submission;
}

void ts_timer_arm(struct ts_loop *of, struct ts_timer *timer, ts_time_t deadline)
{
    (void)of;
    timer->armed = true;
    timer->deadline = deadline;
}

void ts_log(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(last, sizeof(last), format, arguments);
    va_end(arguments);
    lines++;
}

void service_fail(const char *what, ts_status_t status)
{
    (void)what, (void)status;
    longjmp(driver, 1);
}

void service_interrupt_start(struct service_interrupt *interrupt, struct ts_loop *of,
                             ts_handle_t handle, bool line,
                             bool (*function)(struct service_interrupt *interrupt))
{
    CHECK(of == &loop && handle == 5 && line);
    *interrupt = (struct service_interrupt){.handle = handle};
    came = function;
}

ts_status_t ts_event_create(uint64_t count, ts_handle_t *out_event)
{
    (void)count;
    *out_event = 1;
    return TS_OK;
}

ts_status_t ts_server_init(struct ts_server *server, struct ts_loop *of,
                           const struct ts_server_limits *limits)
{
    (void)server, (void)of, (void)limits;
    return TS_OK;
}

ts_status_t ts_object_mint(struct ts_server *server, struct ts_object *object, ts_rights_t rights,
                           ts_handle_t *out_handle)
{
    (void)server, (void)object, (void)rights, (void)out_handle;
    return TS_OK;
}

void ts_object_signal(struct ts_object *object, ts_signals_t clear, ts_signals_t set)
{
    (void)object, (void)clear, (void)set;
}

void ts_close(ts_handle_t handle)
{
    (void)handle;
}

// The client, the card and the chip.
void frame_client_on_attach(struct frame_session *session, struct ts_request *request)
{
    (void)session, (void)request;
}

void frame_client_on_detach(struct frame_session *session, struct ts_request *request)
{
    (void)session, (void)request;
}

void frame_client_detach(struct frame_service *of)
{
    (void)of;
}

void frame_client_ring(struct frame_service *of)
{
    CHECK(of == &service);
    rings++;
}

enum frame_outcome frame_card_work(struct frame_card *of, ts_time_t now, bool *out_ring)
{
    (void)of, (void)now;
    *out_ring = false;
    return FRAME_IDLE;
}

ts_status_t frame_card_restart(struct frame_card *of)
{
    CHECK(of == &card);
    restarts++;
    return TS_OK;
}

bool frame_card_link_changed(struct frame_card *of)
{
    bool changed = of->information.link != link_is;
    of->information.link = link_is;
    return changed;
}

static unsigned interrupted(void *context, unsigned vector)
{
    (void)context, (void)vector;
    return causes;
}

const struct frame_chip frame_chip = {.interrupted = interrupted};

static void start(void)
{
    const struct bus_function function = {.interrupts = {5}, .vectors = 1, .line = true};
    ts_handle_t root;
    card = (struct frame_card){.information.link = 1};
    link_is = true;
    lines = rings = restarts = 0;
    CHECK_EQUAL(frame_service_start(&service, &loop, &card, &function, &root), TS_OK);
    loop.now = 100 * TS_SECOND;
}

static bool interrupt_with(unsigned with)
{
    causes = with;
    return came(&service.interrupts[0].interrupt);
}

static void pull_and_plug(void)
{
    link_is = !link_is;
    CHECK(!interrupt_with(FRAME_CAUSE_LINK));
}

// What moves frames is worth it; what says nothing, or that nobody is there, is not.
static void worth(void)
{
    start();
    CHECK(!interrupt_with(FRAME_CAUSE_WORK));
    CHECK(service.pending);
    card.moved++;
    CHECK(interrupt_with(FRAME_CAUSE_WORK));
    CHECK(!interrupt_with(FRAME_CAUSE_WORK));
    CHECK(!interrupt_with(FRAME_CAUSE_LOST)); // nobody is attached
    CHECK(restarts == 0 && lines == 0);
}

static void flapping(void)
{
    start();
    pull_and_plug();
    CHECK(lines == 1 && strcmp(last, "link down") == 0);
    pull_and_plug();
    CHECK(lines == 2 && strcmp(last, "link up") == 0);
    for (unsigned i = 0; i < MANY; i++) {
        pull_and_plug();
    }
    CHECK_EQUAL(lines, 9);
    CHECK(strcmp(last, "the link changes all the time") == 0);
    CHECK_EQUAL(rings, MANY + 2); // the client hears of each
    // The last word is true.
    pull_and_plug();
    loop.now = service.link_timer.deadline;
    service.link_timer.armed = false;
    service.link_timer.fired(&service.link_timer);
    CHECK(lines == 10 && strcmp(last, "link down") == 0);
    pull_and_plug();
    CHECK(lines == 11 && strcmp(last, "link up") == 0);
}

static void resets(void)
{
    start();
    service.attached = &client;
    for (unsigned i = 0; i < MANY; i++) { // once in a while is no reason to end
        CHECK(!interrupt_with(FRAME_CAUSE_LOST));
        loop.now += 2 * TS_SECOND;
    }
    CHECK_EQUAL(restarts, MANY);
    loop.now += 60 * TS_SECOND;
    if (setjmp(driver) == 0) {
        for (;;) {
            (void)interrupt_with(FRAME_CAUSE_LOST);
        }
    }
    CHECK_EQUAL(restarts, MANY + 8);
}

int main(void)
{
    worth();
    flapping();
    resets();
    return 0;
}
