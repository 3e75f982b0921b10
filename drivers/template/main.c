// SPDX-License-Identifier: MIT
// A driver to copy, and a real one: for QEMU's "edu" device (`-device edu`, docs/specs/edu of
// QEMU), which computes factorials and interrupts when it is done. It has what every driver has:
//
//   its device      the handle `device`: BAR 0 mapped, one interrupt, decoding switched on
//   its service     write a u32 n (4 bytes, at most N_MAX), and the call ends when the device has
//                   computed n!; read gives the last result (modulo 2^32)
//   its clients     any number; their requests wait in a list, the device does one at a time
//   its checks      the device must say that it lives, and must answer within a second: else the
//                   process ends, and init starts it again. So a client
//                   must not be able to ask for more than the device does in that time
//
// A driver with DMA also asks for its domain and pins memory in it: drivers/lib/bus/dma.h.
#include <drivers/service/ready.h>
#include <stdlib.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/event.h>
#include <tessera/lib/log.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/process.h>
#include <tessera/lib/resource.h>
#include <tessera/lib/server.h>
#include <tessera/proto/init.h>
#include <tessera/proto/pci.h>

enum { IDENTITY = 0x00, LIVE = 0x04, FACTORIAL = 0x08, STATUS = 0x20, CAUSE = 0x24, ACK = 0x64 };
#define IDENTITY_MASK   0xffffu
#define IDENTITY_EDU    0x00edu
#define STATUS_COMPUTES 0x01u
#define STATUS_NOTIFY   0x80u // interrupt when a factorial is done
#define ANSWER_NS       TS_SECOND
#define N_MAX           1000000u // the device multiplies as often: for milliseconds
#define REGISTERS       TS_PAGE_SIZE

struct edu {
    struct ts_object root;
    struct ts_loop loop;
    struct ts_server server;
    struct ts_async interrupt_wait;
    struct ts_timer timer;
    ts_handle_t device, interrupt;
    volatile uint8_t *registers;
    struct ts_request *first, *last; // writes; the device works on the first
    uint32_t result;
};

static uint32_t register_read(const struct edu *edu, unsigned offset)
{
    return *(volatile uint32_t *)(volatile void *)(edu->registers + offset);
}

static void register_write(struct edu *edu, unsigned offset, uint32_t value)
{
    *(volatile uint32_t *)(volatile void *)(edu->registers + offset) = value;
}

// Starts the first request that can be started; answers those that cannot.
static void start_next(struct edu *edu)
{
    while (edu->first != NULL) {
        struct ts_request *request = edu->first;
        uint32_t n;
        ts_status_t status = ts_request_pull_exact(request, &n, sizeof(n));
        if (status == TS_OK && n > N_MAX) {
            status = TS_ERR_RANGE;
        }
        if (status == TS_OK) {
            register_write(edu, STATUS, STATUS_NOTIFY);
            register_write(edu, FACTORIAL, n);
            ts_timer_arm(&edu->loop, &edu->timer, ts_deadline_in(ANSWER_NS));
            return;
        }
        edu->first = request->next;
        ts_request_reply(request, status, 0);
    }
}

static void on_write(struct ts_request *request)
{
    struct edu *edu = TS_OBJECT_OF(request->object, struct edu, root);
    request->next = NULL;
    if (edu->first != NULL) {
        edu->last->next = request;
        edu->last = request;
    } else {
        edu->first = edu->last = request;
        start_next(edu);
    }
}

static void on_read(struct ts_request *request)
{
    const struct edu *edu = TS_OBJECT_OF(request->object, struct edu, root);
    ts_request_reply_bytes(request, &edu->result, sizeof(edu->result));
}

// open "": every client may use the same object; a driver that limits clients mints one for each.
static void on_open(struct ts_request *request)
{
    if (request->length != 0) {
        ts_request_reply(request, TS_ERR_NOT_FOUND, 0);
        return;
    }
    (void)ts_request_reply_own(request, request->object, request->rights);
}

// No `cancel`: a request is answered soon in any case.
static const struct ts_operations operations = {
    .open = on_open, .read = on_read, .write = on_write};

// Ends the request that the device has worked on.
static void on_interrupt(struct ts_async *async, const struct ts_event *event)
{
    struct edu *edu = TS_OBJECT_OF(async, struct edu, interrupt_wait);
    register_write(edu, ACK, register_read(edu, CAUSE));
    ts_status_t status = event->status;
    if (status == TS_OK) {
        status = ts_interrupt_acknowledge(edu->interrupt);
    }
    if (status != TS_OK) {
        ts_process_exit(status);
    }
    if (edu->first != NULL && !(register_read(edu, STATUS) & STATUS_COMPUTES)) {
        struct ts_request *request = edu->first;
        edu->first = request->next;
        edu->result = register_read(edu, FACTORIAL);
        ts_timer_disarm(&edu->loop, &edu->timer);
        ts_request_reply(request, TS_OK, sizeof(edu->result));
        start_next(edu);
    }
}

static void on_silence(struct ts_timer *timer)
{
    (void)timer;
    ts_log("the device does not answer");
    ts_process_exit(TS_ERR_IO); // waiting clients get TS_ERR_PEER_CLOSED
}

// Maps the registers and asks the device whether it is the one that this driver knows.
static ts_status_t open_device(struct edu *edu)
{
    struct ts_pci_range range = {.bar = 0, .length = REGISTERS};
    uint32_t flags = TS_PCI_ENABLE_MEMORY, vector = 0;
    ts_handle_t memory;
    void *mapped;
    ts_status_t status =
        ts_call_handle(edu->device, TS_PCI_BAR, &range, sizeof(range), NULL, 0, &memory);
    if (status == TS_OK) {
        status = ts_memory_map(memory, NULL, REGISTERS, 0, TS_MAP_READ | TS_MAP_WRITE, &mapped);
        ts_close(memory); // the mapping keeps it
    }
    if (status == TS_OK) {
        edu->registers = mapped;
        // Messages are writes of a bus master, so that a device without DMA needs a domain too.
        status = ts_call_handle(edu->device, TS_PCI_DOMAIN, NULL, 0, NULL, 0, &memory);
        flags |= TS_PCI_ENABLE_BUS_MASTER;
    }
    if (status == TS_OK) {
        status = ts_domain_drive(memory); // from here on we answer for what the device does
    }
    if (status == TS_OK) {
        status = ts_call_bytes(edu->device, TS_PCI_ENABLE, &flags, sizeof(flags), NULL, 0, NULL);
    }
    if (status == TS_OK) {
        status = ts_call_handle(edu->device, TS_PCI_VECTOR, &vector, sizeof(vector), NULL, 0,
                                &edu->interrupt);
    }
    if (status != TS_OK) {
        return status;
    }
    register_write(edu, LIVE, 0x12345678);
    bool known = (register_read(edu, IDENTITY) & IDENTITY_MASK) == IDENTITY_EDU &&
                 register_read(edu, LIVE) == ~UINT32_C(0x12345678);
    return known ? TS_OK : TS_ERR_UNSUPPORTED;
}

static ts_status_t serve(struct edu *edu, ts_handle_t *out_root)
{
    static const struct ts_server_limits limits = {.requests = 32, .objects = 2, .inbox_bytes = 16};
    edu->root.operations = &operations;
    edu->interrupt_wait.done = on_interrupt;
    edu->timer.fired = on_silence;
    ts_status_t status = ts_loop_init(&edu->loop, 16, 64, 16);
    if (status == TS_OK) {
        status = ts_server_init(&edu->server, &edu->loop, &limits);
    }
    if (status == TS_OK) {
        status = ts_object_mint(&edu->server, &edu->root, TS_RIGHTS_ALL, out_root);
    }
    if (status != TS_OK) {
        return status;
    }
    struct ts_submission *submission = ts_loop_begin(&edu->loop, &edu->interrupt_wait);
    ts_prepare_watch(submission, edu->interrupt, TS_SIGNAL_READABLE, // a new ring has room
                     ts_async_data(&edu->interrupt_wait));
    return TS_OK;
}

int main(void)
{
    static struct edu edu;
    ts_handle_t root = TS_HANDLE_NONE;
    ts_status_t status = service_device(&edu.device);
    if (status == TS_ERR_NOT_FOUND) {
        return TS_INIT_EXIT_NO_DEVICE; // init says so, and does not start it again
    }
    if (status == TS_OK) {
        status = open_device(&edu);
    }
    if (status == TS_OK) {
        status = serve(&edu, &root);
    }
    return service_run(status, &edu.server, root);
}
