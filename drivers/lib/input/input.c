// SPDX-License-Identifier: MIT
#include <drivers/input/input.h>
#include <drivers/input/reboot.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/lib/clock.h>

#define DELAY_MS    400u
#define INTERVAL_MS 33u
#define LEDS        (TS_INPUT_LED_NUM | TS_INPUT_LED_CAPS | TS_INPUT_LED_SCROLL)
#define CHUNK       64u // events copied at a time

// ---- Events on their way to the reader

static void answer_read(struct input *input)
{
    struct ts_input_event events[CHUNK];
    struct input_session *holder = input->holder;
    while (holder != NULL && holder->read != NULL && input->events.count > 0) {
        struct ts_request *request = holder->read;
        uint32_t room = request->room / sizeof(events[0]);
        uint32_t count = events_peek(&input->events, events, room < CHUNK ? room : CHUNK);
        holder->read = NULL;
        // What did not arrive stays for the next read.
        if (ts_request_reply_now(request, TS_OK, count * sizeof(events[0]), events,
                                 count * sizeof(events[0])) == TS_OK) {
            events_drop(&input->events, count);
        }
    }
}

static void set_signals(struct input *input)
{
    for (struct input_session *s = input->sessions; s != NULL; s = s->next) {
        bool readable = s == input->holder && input->events.count > 0;
        ts_object_signal(&s->object, readable ? 0 : TS_SIGNAL_READABLE,
                         readable ? TS_SIGNAL_READABLE : 0);
    }
}

void input_told(struct input *input)
{
    answer_read(input);
    set_signals(input);
}

// ---- Repeats

static void arm_repeat(struct input *input, uint32_t ms)
{
    ts_timer_arm(input->loop, &input->repeat, ts_loop_now(input->loop) + ms * TS_MILLISECOND);
}

static void on_repeat(struct ts_timer *timer)
{
    struct input *input = TS_OBJECT_OF(timer, struct input, repeat);
    if (input->holder != NULL && events_repeat(&input->events, ts_loop_now(input->loop))) {
        arm_repeat(input, input->holder->repeat.interval_ms);
        input_told(input);
    }
}

static void repeat_anew(struct input *input)
{
    ts_timer_disarm(input->loop, &input->repeat);
    if (input->events.repeat.code != 0 && input->holder != NULL &&
        input->holder->repeat.delay_ms != 0) {
        arm_repeat(input, input->holder->repeat.delay_ms);
    }
}

// ---- What devices do

void input_key(struct input *input, uint16_t device, uint32_t code, bool down)
{
    struct input_down before = input->events.repeat;
    if (!events_key(&input->events, ts_loop_now(input->loop), device, code, down)) {
        return;
    }
    if (input->events.repeat.code != before.code || down) {
        repeat_anew(input);
    }
    if (down && reboot_is_asked(&input->events, code)) {
        reboot_ask(input);
    }
}

void input_motion(struct input *input, uint16_t device, uint32_t code, int32_t by)
{
    events_motion(&input->events, ts_loop_now(input->loop), device, code, by);
}

void input_released(struct input *input, uint16_t device)
{
    events_release(&input->events, ts_loop_now(input->loop), device);
    if (input->events.repeat.code == 0) {
        ts_timer_disarm(input->loop, &input->repeat);
    }
}

void input_plugged(struct input *input, uint16_t device, const struct ts_input_device *what)
{
    bool was = device < input->device_count && input->devices[device].has != 0;
    input->devices[device] = *what;
    input->device_count = device < input->device_count ? input->device_count : device + 1u;
    if (was || what->has != 0) {
        events_device(&input->events, ts_loop_now(input->loop), device, what->has != 0);
        repeat_anew(input);
    }
    input_told(input);
}

// ---- Which session has the devices

static uint32_t lights_of_holder(const struct input *input)
{
    return input->holder != NULL ? input->holder->leds : 0;
}

static void choose_holder(struct input *input)
{
    struct input_session *before = input->holder, *s = input->sessions;
    while (s != NULL && !s->hears) {
        s = s->next;
    }
    if (s == before) {
        return;
    }
    input->holder = s;
    events_begin(&input->events, ts_loop_now(input->loop), s != NULL);
    repeat_anew(input);
    input->lights(input, lights_of_holder(input));
    input_told(input);
}

static struct input_session *session_of(const struct ts_request *request)
{
    return TS_OBJECT_OF(request->object, struct input_session, object);
}

static void end_read(struct input_session *session)
{
    struct ts_request *read = session->read;
    if (read != NULL) {
        session->read = NULL;
        ts_request_reply(read, TS_ERR_CANCELLED, 0);
    }
}

static void on_closed(struct ts_object *object)
{
    struct input_session *session = TS_OBJECT_OF(object, struct input_session, object);
    struct input *input = session->input;
    struct input_session **link = &input->sessions;
    end_read(session);
    while (*link != session) {
        link = &(*link)->next;
    }
    *link = session->next;
    if (input->holder == session) {
        choose_holder(input);
    }
    free(session);
}

// ---- What clients ask

static void on_read(struct ts_request *request)
{
    struct input_session *session = session_of(request);
    struct input *input = session->input;
    bool now = session == input->holder && input->events.count > 0;
    if (request->room < sizeof(struct ts_input_event)) {
        ts_request_reply(request, TS_ERR_OVERFLOW, 0);
    } else if (session->read != NULL) {
        ts_request_reply(request, TS_ERR_BUSY, 0);
    } else if (!now && (request->flags & TS_FLAG_NOWAIT)) {
        ts_request_reply(request, TS_ERR_AGAIN, 0);
    } else {
        session->read = request;
        input_told(input);
    }
}

static void on_cancel(struct ts_request *request)
{
    struct input_session *session = session_of(request);
    if (session->read == request) {
        end_read(session);
    }
}

static void on_get(struct ts_request *request)
{
    struct input_session *session = session_of(request);
    struct input *input = session->input;
    switch (request->arg) {
    case TS_PROPERTY_INPUT_LEDS: ts_request_reply_u64(request, session->leds); break;
    case TS_PROPERTY_INPUT_REPEAT:
        ts_request_reply_bytes(request, &session->repeat, sizeof(session->repeat));
        break;
    case TS_PROPERTY_INPUT_DEVICES:
        ts_request_reply_bytes(request, input->devices,
                               input->device_count * sizeof(input->devices[0]));
        break;
    case TS_PROPERTY_INPUT_STATISTICS:
        ts_request_reply_bytes(request, &input->events.statistics,
                               sizeof(input->events.statistics));
        break;
    default: ts_request_reply(request, TS_ERR_UNSUPPORTED, 0); break;
    }
}

static ts_status_t set_leds(struct ts_request *request)
{
    struct input_session *session = session_of(request);
    uint64_t leds;
    ts_status_t status = ts_request_pull_exact(request, &leds, sizeof(leds));
    if (status == TS_OK && (leds & ~(uint64_t)LEDS)) {
        status = TS_ERR_ARGUMENT;
    }
    if (status == TS_OK && session->leds != leds) {
        session->leds = (uint32_t)leds;
        if (session == session->input->holder) {
            session->input->lights(session->input, session->leds);
        }
    }
    return status;
}

static bool repeat_is_good(const struct ts_input_repeat *r)
{
    return (r->delay_ms == 0 ||
            (r->delay_ms >= TS_INPUT_DELAY_MIN && r->delay_ms <= TS_INPUT_DELAY_MAX)) &&
           r->interval_ms >= TS_INPUT_INTERVAL_MIN && r->interval_ms <= TS_INPUT_INTERVAL_MAX;
}

static ts_status_t set_repeat(struct ts_request *request)
{
    struct input_session *session = session_of(request);
    struct ts_input_repeat repeat;
    ts_status_t status = ts_request_pull_exact(request, &repeat, sizeof(repeat));
    if (status == TS_OK && !repeat_is_good(&repeat)) {
        status = TS_ERR_RANGE;
    }
    if (status == TS_OK) {
        session->repeat = repeat;
        if (session == session->input->holder) {
            repeat_anew(session->input);
        }
    }
    return status;
}

static void on_set(struct ts_request *request)
{
    ts_status_t status = TS_ERR_UNSUPPORTED;
    if (!ts_request_has(request, TS_RIGHT_WRITE)) {
        status = TS_ERR_RIGHTS;
    } else if (request->arg == TS_PROPERTY_INPUT_LEDS) {
        status = set_leds(request);
    } else if (request->arg == TS_PROPERTY_INPUT_REPEAT) {
        status = set_repeat(request);
    }
    ts_request_reply(request, status, 0);
}

static const struct ts_operations session_operations = {
    .read = on_read,
    .get = on_get,
    .set = on_set,
    .cancel = on_cancel,
    .closed = on_closed,
};

static void on_open(struct ts_request *request)
{
    struct input *input = session_of(request)->input;
    struct input_session *session = calloc(1, sizeof(*session));
    if (session == NULL || request->length != 0) {
        free(session);
        ts_request_reply(request, session != NULL ? TS_ERR_NOT_FOUND : TS_ERR_MEMORY, 0);
        return;
    }
    session->object.operations = &session_operations;
    session->input = input;
    session->repeat = (struct ts_input_repeat){DELAY_MS, INTERVAL_MS};
    session->hears = ts_request_has(request, TS_RIGHT_READ);
    if (ts_request_reply_mint(request, &session->object, request->rights, 0) != TS_OK) {
        free(session);
        return;
    }
    session->next = input->sessions;
    input->sessions = session;
    input->events.statistics.sessions_ever++;
    choose_holder(input);
}

static const struct ts_operations root_operations = {.open = on_open};

ts_status_t input_start(struct input *input, struct ts_loop *loop,
                        void (*lights)(struct input *, uint32_t), ts_handle_t *out_root)
{
    static const struct ts_server_limits limits = {
        .requests = 64, .objects = 64, .inbox_bytes = 64};
    *input = (struct input){.loop = loop, .lights = lights};
    input->root =
        (struct input_session){.object = {.operations = &root_operations}, .input = input};
    input->repeat.fired = on_repeat;
    ts_status_t status = ts_server_init(&input->server, loop, &limits);
    if (status == TS_OK) {
        status = ts_object_mint(&input->server, &input->root.object, TS_RIGHTS_ALL, out_root);
    }
    return status;
}
