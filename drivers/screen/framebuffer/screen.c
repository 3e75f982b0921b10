// SPDX-License-Identifier: MIT
#include "screen.h"

#include <stdlib.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/log.h>

#define SLICE_CELLS  512u // drawn before others have their turn
#define FRAME_NS     (20 * TS_MILLISECOND)
#define FRAME_SHARE  8 // a picture is followed by so many times what it took
#define FRAME_MAX_NS (500 * TS_MILLISECOND)
#define GATHER_NS    (2 * TS_MILLISECOND) // what is written at once is drawn at once
#define ANSWERS_MAX  1024u // bytes typed or answered and not read: no further answers
#define TAKE_NS      (2 * TS_MILLISECOND) // of what a console is written, in a round of the loop

// ---- Pictures

static void on_frame(struct ts_timer *timer)
{
    struct screen *s = TS_OBJECT_OF(timer, struct screen, frame);
    ts_time_t begin = ts_clock_now();
    if (s->view.row == 0) {
        s->changed = false;
        s->frame_cost = 0;
    }
    bool whole = view_draw(&s->view, SLICE_CELLS);
    ts_time_t end = ts_clock_now();
    s->frame_cost += end - begin;
    if (!whole) {
        ts_timer_arm(s->loop, timer, end + 1); // behind what has arrived
        return;
    }
    ts_time_t pause = FRAME_SHARE * s->frame_cost;
    pause = pause < FRAME_NS ? FRAME_NS : pause < FRAME_MAX_NS ? pause : FRAME_MAX_NS;
    s->frame_next = end + pause;
    if (s->changed) {
        ts_timer_arm(s->loop, timer, s->frame_next);
    }
}

// The terminal in front has changed.
static void screen_changed(struct screen *s)
{
    s->changed = true;
    if (s->taken && !s->frame.armed) {
        ts_time_t soon = ts_loop_now(s->loop) + GATHER_NS;
        ts_timer_arm(s->loop, &s->frame, soon > s->frame_next ? soon : s->frame_next);
    }
}

// ---- A console's device

static struct screen_console *console_of(const struct console *console)
{
    return TS_OBJECT_OF((struct console *)(uintptr_t)console, struct screen_console, console);
}

// Three bytes can ask for a screenful: bytes alone do not bound what a round takes.
static bool may_take(struct screen_console *c)
{
    ts_time_t round = ts_loop_now(c->screen->loop); // the same until the next one
    if (c->round != round) {
        c->round = round;
        c->take_end = ts_clock_now() + TAKE_NS;
        return true;
    }
    return ts_clock_now() < c->take_end;
}

static bool transmit(struct console *console)
{
    struct screen_console *c = console_of(console);
    uint8_t bytes[512];
    size_t length;
    if (!c->begun) {
        return console->tty.out_head == console->tty.out_tail;
    }
    while ((length = tty_output(&console->tty, bytes, sizeof(bytes))) > 0) {
        if (!may_take(c)) {
            return false; // `again` goes on
        }
        terminal_write(&c->terminal, bytes, length);
        tty_sent(&console->tty, length);
        if (screen_front(c->screen) == &c->terminal) {
            screen_changed(c->screen);
        }
    }
    return true;
}

// What the terminal has is shown as soon as it can be.
static bool drained(const struct console *console)
{
    (void)console;
    return true;
}

static void poll(struct console *console)
{
    struct screen_console *c = console_of(console);
    uint32_t typed = console->tty.ready_tail;
    bool busy = console_move(console);
    if (busy || typed != console->tty.ready_tail) { // an answer of the terminal is to be read
        ts_timer_arm(c->screen->loop, &c->again, ts_loop_now(c->screen->loop) + 1);
    }
}

static void on_again(struct ts_timer *timer)
{
    poll(&TS_OBJECT_OF(timer, struct screen_console, again)->console);
}

static const struct console_device device = {
    .poll = poll, .transmit = transmit, .drained = drained, .holds = 0};

// A program that asks and does not read is answered so far and no further.
static void say(struct terminal *terminal, const char *bytes, size_t length)
{
    struct screen_console *c = TS_OBJECT_OF(terminal, struct screen_console, terminal);
    struct tty *tty = &c->console.tty;
    if (!c->typing && tty->ready_tail - tty->ready_head + tty->edit_length + length > ANSWERS_MAX) {
        return;
    }
    for (size_t i = 0; i < length; i++) {
        tty_input(tty, (uint8_t)bytes[i]);
    }
    c->console.statistics.bytes_in += length;
}

static void say_nothing(struct terminal *terminal, const char *bytes, size_t length)
{
    (void)terminal, (void)bytes, (void)length;
}

// ---- Consoles

static ts_status_t terminal_make(struct screen *s, struct terminal *terminal)
{
    void *history = malloc(HISTORY_BYTES); // without it nothing is kept of what has left the screen
    ts_status_t status = terminal_init(terminal, s->canvas.rows, s->canvas.columns, history);
    if (status != TS_OK) {
        free(history);
    }
    return status;
}

static void answer_opens(struct screen_console *c)
{
    struct ts_request *request;
    while ((request = ts_request_list_take(&c->opens)) != NULL) {
        console_open(&c->console, request);
    }
}

static ts_status_t begin(struct screen_console *c)
{
    if (c->begun) {
        return TS_OK;
    }
    if (c->terminal.machine == NULL) {
        ts_status_t status = terminal_make(c->screen, &c->terminal);
        if (status != TS_OK) {
            return status;
        }
    }
    c->begun = true;
    answer_opens(c);
    return TS_OK;
}

ts_status_t screen_turn(struct screen *s, uint32_t front)
{
    if (!s->taken) {
        return TS_OK; // the first comes then
    }
    ts_status_t status = front < SCREEN_CONSOLES ? begin(&s->consoles[front]) : TS_OK;
    if (status == TS_OK) {
        s->front = front;
        view_turn(&s->view, screen_front(s));
        screen_changed(s);
    }
    return status;
}

// ---- Keys

static struct screen_console *typed_to(struct screen *s)
{
    if (!s->taken || s->front == SCREEN_CONSOLES) {
        return NULL; // the log has no use for it
    }
    if (s->view.back > 0) {
        view_follow(&s->view);
        screen_changed(s);
    }
    s->consoles[s->front].typing = true;
    return &s->consoles[s->front];
}

static void typed(struct screen_console *c)
{
    c->typing = false;
    poll(&c->console);
}

void screen_type(struct screen *s, uint32_t character, unsigned modifiers)
{
    struct screen_console *c = typed_to(s);
    if (c != NULL) {
        terminal_type(&c->terminal, character, modifiers);
        typed(c);
    }
}

void screen_press(struct screen *s, unsigned key, unsigned modifiers)
{
    struct screen_console *c = typed_to(s);
    if (c != NULL) {
        terminal_press(&c->terminal, key, modifiers);
        typed(c);
    }
}

void screen_leaf(struct screen *s, bool back)
{
    if (s->taken) {
        int32_t half = (int32_t)s->canvas.rows / 2;
        view_scroll(&s->view, back ? half : -half);
        screen_changed(s);
    }
}

ts_status_t screen_take(struct screen *s)
{
    ts_status_t status = view_init(&s->view, &s->canvas);
    if (status != TS_OK) {
        return status;
    }
    canvas_clear_margins(&s->canvas);
    s->taken = true;
    return screen_turn(s, 0);
}

// As the log has lines; a terminal's line begins where it is told to.
static void write_lines(struct terminal *terminal, const char *text, size_t length)
{
    size_t start = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n') {
            terminal_write(terminal, text + start, i - start);
            terminal_write(terminal, "\r\n", 2);
            start = i + 1;
        }
    }
    terminal_write(terminal, text + start, length - start);
}

void screen_log(struct screen *s, const char *text, size_t length)
{
    write_lines(&s->log, text, length);
    if (!s->consoles[0].begun) {
        write_lines(&s->consoles[0].terminal, text, length);
    }
    if (s->front == SCREEN_CONSOLES) {
        screen_changed(s);
    }
}

// ---- The root

// "" is the first console, "1" … the console of that number.
static struct screen_console *console_named(struct screen *s, struct ts_request *request)
{
    char path[4];
    size_t length;
    if (ts_request_path(request, path, sizeof(path), &length) != TS_OK || length > 1) {
        return NULL;
    }
    uint32_t index = length == 0 ? 0 : (uint32_t)(unsigned char)path[0] - '1';
    return index < SCREEN_CONSOLES ? &s->consoles[index] : NULL;
}

static void on_open(struct ts_request *request)
{
    struct screen *s = TS_OBJECT_OF(request->object, struct screen, root);
    struct screen_console *c = console_named(s, request);
    if (c == NULL) {
        ts_request_reply(request, TS_ERR_NOT_FOUND, 0);
    } else if (c->begun) {
        console_open(&c->console, request);
    } else if (request->flags & TS_FLAG_NOWAIT) {
        ts_request_reply(request, TS_ERR_AGAIN, 0);
    } else {
        ts_request_list_add(&c->opens, request);
    }
}

static void on_cancel(struct ts_request *request)
{
    struct screen *s = TS_OBJECT_OF(request->object, struct screen, root);
    for (uint32_t i = 0; i < SCREEN_CONSOLES; i++) {
        if (ts_request_list_remove(&s->consoles[i].opens, request)) {
            ts_request_reply(request, TS_ERR_CANCELLED, 0);
            return;
        }
    }
}

static const struct ts_operations root_operations = {.open = on_open, .cancel = on_cancel};

static void consoles_init(struct screen *s)
{
    for (uint32_t i = 0; i < SCREEN_CONSOLES; i++) {
        struct screen_console *c = &s->consoles[i];
        console_init(&c->console, s->loop, &device);
        c->console.window = (struct ts_console_window){
            .rows = (uint16_t)s->canvas.rows,
            .columns = (uint16_t)s->canvas.columns,
            .width = (uint16_t)(s->canvas.mode.text ? 0 : s->canvas.mode.width),
            .height = (uint16_t)(s->canvas.mode.text ? 0 : s->canvas.mode.height)};
        c->screen = s;
        c->terminal.say = say;
        c->again.fired = on_again;
    }
}

ts_status_t screen_start(struct screen *s, struct ts_loop *loop, const struct canvas *canvas,
                         ts_handle_t *out_root)
{
    static const struct ts_server_limits limits = {
        .requests = 256, .objects = 128, .inbox_bytes = 256};
    *s = (struct screen){.loop = loop, .canvas = *canvas, .root.operations = &root_operations};
    s->frame.fired = on_frame;
    s->log.say = say_nothing;
    consoles_init(s);
    ts_status_t status = terminal_make(s, &s->log);
    if (status == TS_OK) {
        status = terminal_make(s, &s->consoles[0].terminal);
    }
    if (status == TS_OK) {
        status = ts_server_init(&s->server, loop, &limits);
    }
    return status != TS_OK ? status : ts_object_mint(&s->server, &s->root, TS_RIGHTS_ALL, out_root);
}
