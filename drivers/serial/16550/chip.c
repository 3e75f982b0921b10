// SPDX-License-Identifier: MIT
// The chip's ports and its interrupt below the console, and the beginning of the service.
#include "chip.h"

#include <string.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/event.h>
#include <tessera/lib/log.h>
#include <tessera/lib/resource.h>

// ---- Ports

static uint8_t port_read(void *context, uint8_t port)
{
    const struct serial *s = context;
    uint32_t value;
    return ts_io_read(s->ports, port, 1, &value) == TS_OK ? (uint8_t)value : UART_ABSENT;
}

static void port_write(void *context, uint8_t port, uint8_t value)
{
    const struct serial *s = context;
    // The range was given for these ports; what failed shows in the status register.
    (void)ts_io_write(s->ports, port, 1, value);
}

static void port_write_many(void *context, uint8_t port, const uint8_t *bytes, uint32_t count)
{
    const struct serial *s = context;
    struct {
        struct ts_io_string string;
        uint8_t bytes[UART_FIFO];
    } out = {.string = {.port = port, .width = 1, .write = 1, .count = count}};
    memcpy(out.bytes, bytes, count);
    (void)ts_call_bytes(s->ports, TS_IO_STRING, &out, sizeof(out.string) + count, NULL, 0, NULL);
}

// ---- Moving bytes

#define TICK_IDLE (100 * TS_MILLISECOND)
#define TICK_BUSY (10 * TS_MILLISECOND) // while there is output

// Bytes that the chip is given in a pause's time, were it as fast as memory: this driver runs
// before its clients, which could not ask for their turns otherwise while one of them has much to
// write.
#define PACE       4096u
#define PACE_PAUSE TS_MILLISECOND

static struct serial *serial_of(const struct console *console)
{
    return TS_OBJECT_OF((struct console *)(uintptr_t)console, struct serial, console);
}

static bool receive(struct serial *s)
{
    uint8_t bytes[64];
    uint32_t n = uart_receive(&s->uart, bytes, sizeof(bytes));
    for (uint32_t i = 0; i < n; i++) {
        tty_input(&s->console.tty, bytes[i]);
    }
    s->console.statistics.bytes_in += n;
    return n == sizeof(bytes);
}

// Whether the chip has had all that it gets for now.
static bool is_paced(const struct serial *s)
{
    return s->paced >= PACE && ts_loop_now(s->console.loop) < s->pace_end;
}

// Gives the chip what it takes and may have.
static bool transmit(struct console *console)
{
    struct serial *s = serial_of(console);
    uint8_t bytes[UART_FIFO];
    size_t n = tty_output(&console->tty, bytes, sizeof(bytes));
    ts_time_t now = ts_loop_now(console->loop);
    if (now >= s->pace_end) {
        s->paced = 0;
        s->pace_end = now + PACE_PAUSE;
    }
    while (n > 0 && s->paced < PACE) {
        uint32_t sent = uart_send(&s->uart, bytes, (uint32_t)n);
        if (sent == 0) {
            break;
        }
        tty_sent(&console->tty, sent);
        s->paced += sent;
        n = tty_output(&console->tty, bytes, sizeof(bytes));
    }
    uart_want_room(&s->uart, n > 0 && !is_paced(s));
    return n == 0;
}

static bool drained(const struct console *console)
{
    return uart_drained(&serial_of(console)->uart);
}

void serial_poll(struct serial *s)
{
    bool more = receive(s);
    bool busy = console_move(&s->console) || more;
    s->console.statistics.overruns = s->uart.overruns + s->console.tty.overruns;
    // Not now but after whatever else has arrived: a flood of input holds nobody up.
    ts_time_t pause = more ? 1 : is_paced(s) ? PACE_PAUSE : busy ? TICK_BUSY : TICK_IDLE;
    struct ts_loop *loop = s->console.loop;
    ts_timer_arm(loop, &s->tick, ts_loop_now(loop) + pause);
}

static void poll(struct console *console)
{
    serial_poll(serial_of(console));
}

static const struct console_device device = {
    .poll = poll, .transmit = transmit, .drained = drained, .holds = UART_FIFO};

// ---- When to look

static void on_tick(struct ts_timer *timer)
{
    struct serial *s = TS_OBJECT_OF(timer, struct serial, tick);
    s->console.statistics.polls++;
    serial_poll(s);
}

static void wait_interrupt(struct serial *s)
{
    struct ts_submission *submission = ts_loop_begin(s->console.loop, &s->interrupt_wait);
    if (submission != NULL) { // else the ticks do
        ts_prepare_watch(submission, s->interrupt, TS_SIGNAL_READABLE,
                         ts_async_data(&s->interrupt_wait));
    }
}

#define CAUSES_MAX 32u // served for one interrupt

static void on_interrupt(struct ts_async *async, const struct ts_event *event)
{
    struct serial *s = TS_OBJECT_OF(async, struct serial, interrupt_wait);
    if (event->status != TS_OK) {
        ts_log("no more interrupts: %s", ts_status_name(event->status));
        return;
    }
    s->console.statistics.interrupts++;
    // The line is edge-triggered: no further edge comes before all causes are gone.
    for (unsigned i = 0; i < CAUSES_MAX && uart_interrupting(&s->uart); i++) {
        serial_poll(s);
    }
    if (ts_interrupt_acknowledge(s->interrupt) == TS_OK && !(event->flags & TS_EVENT_MORE)) {
        wait_interrupt(s);
    }
}

// ---- The service

static void on_open(struct ts_request *request)
{
    struct serial *s = TS_OBJECT_OF(request->object, struct serial, root);
    if (request->length != 0) {
        ts_request_reply(request, TS_ERR_NOT_FOUND, 0);
        return;
    }
    console_open(&s->console, request);
}

// Sessions are what clients use; the root, which they are led to, makes them.
static const struct ts_operations root_operations = {.open = on_open};

ts_status_t serial_start(struct serial *s, struct ts_loop *loop, ts_handle_t ports,
                         ts_handle_t interrupt, ts_handle_t *out_root)
{
    static const struct ts_server_limits limits = {
        .requests = 256, .objects = 128, .inbox_bytes = 256};
    *s = (struct serial){.ports = ports, .interrupt = interrupt};
    s->uart = (struct uart){port_read, port_write, port_write_many, s, 0, 0};
    s->root.operations = &root_operations;
    s->interrupt_wait.done = on_interrupt;
    s->tick.fired = on_tick;
    console_init(&s->console, loop, &device);
    ts_status_t status = uart_init(&s->uart);
    if (status == TS_OK) {
        status = ts_server_init(&s->server, loop, &limits);
    }
    if (status == TS_OK) {
        status = ts_object_mint(&s->server, &s->root, TS_RIGHTS_ALL, out_root);
    }
    if (status != TS_OK) {
        return status;
    }
    if (interrupt) {
        wait_interrupt(s);
    }
    ts_timer_arm(loop, &s->tick, ts_clock_now());
    return TS_OK;
}
