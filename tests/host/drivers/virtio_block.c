// SPDX-License-Identifier: MIT
// The block driver between clients and a device, good and bad. Requests are the test's own: the
// functions of the server library that the driver calls are here.
#include "tests/host/check.h"
#include "fake_device.h"
#include "service.h"

#include <string.h>

#define DISK    (4u << 20)
#define CLIENTS 64u
#define LONGEST (200u * 1024)

static struct fake_device device;
static struct virtio_device transport = {.registers = &fake_registers, .context = &device};
static struct block_service service;
static uint8_t *disk, *shadow; // the device's content; what the clients think it is

// ---- Clients

struct client {
    struct ts_request request;
    uint8_t *bytes;
    bool busy;
    ts_status_t status, fault; // fault: what its memory answers
    uint64_t value;
};

static struct client clients[CLIENTS];
static unsigned answered;

ts_status_t ts_request_pull(struct ts_request *request, void *buffer, size_t length,
                            uint64_t offset)
{
    struct client *c = TS_OBJECT_OF(request, struct client, request);
    CHECK(c->busy && offset + length <= request->length);
    if (c->fault == TS_OK) {
        memcpy(buffer, c->bytes + offset, length);
    }
    return c->fault;
}

ts_status_t ts_request_push(struct ts_request *request, const void *buffer, size_t length,
                            uint64_t offset)
{
    struct client *c = TS_OBJECT_OF(request, struct client, request);
    CHECK(c->busy && offset + length <= request->room);
    if (c->fault == TS_OK) {
        memcpy(c->bytes + offset, buffer, length);
    }
    return c->fault;
}

void ts_request_reply(struct ts_request *request, ts_status_t status, uint64_t value)
{
    struct client *c = TS_OBJECT_OF(request, struct client, request);
    CHECK(c->busy); // once
    c->busy = false;
    c->status = status;
    c->value = value;
    answered++;
}

static struct block_session *session; // through which all of it is asked

static void ask(struct client *c, enum block_operation operation, uint64_t offset, uint32_t length)
{
    c->request = (struct ts_request){.object = &session->object};
    c->request.offset = offset;
    c->request.length = operation == BLOCK_WRITE ? length : 0;
    c->request.room = operation == BLOCK_READ ? length : 0;
    c->busy = true;
    c->fault = TS_OK;
    transfer_begin(&service, &c->request, operation, offset, operation == BLOCK_FLUSH ? 1 : length);
}

// ---- The device

static struct fake_chain held[BLOCK_QUEUE_SIZE];
static unsigned held_count;
static unsigned flushes;

static void collect(void)
{
    while (fake_pop(&device, 0, &held[held_count])) {
        held_count++;
    }
}

// Does what a chain says; bytes written, the status byte included.
static uint32_t perform(const struct fake_chain *chain, uint8_t status)
{
    uint32_t type;
    uint64_t sector;
    CHECK(chain->count >= 2 && chain->parts[0].length == 16);
    memcpy(&type, chain->parts[0].bytes, 4);
    memcpy(&sector, chain->parts[0].bytes + 8, 8);
    *chain->parts[chain->count - 1].bytes = status;
    CHECK_EQUAL(chain->parts[chain->count - 1].length, 1);
    if (type == BLOCK_FLUSH) {
        flushes++;
        CHECK_EQUAL(chain->count, 2);
        return 1;
    }
    CHECK_EQUAL(chain->count, 3);
    uint32_t length = chain->parts[1].length;
    if (type == BLOCK_IDENTITY) {
        memcpy(chain->parts[1].bytes, "a fake disk", 12);
        return length + 1;
    }
    CHECK(sector * 512 + length <= DISK);
    if (type == BLOCK_WRITE) {
        CHECK(!chain->parts[1].writable);
        memcpy(disk + sector * 512, chain->parts[1].bytes, length);
        return 1;
    }
    CHECK(chain->parts[1].writable && type == BLOCK_READ);
    memcpy(chain->parts[1].bytes, disk + sector * 512, length);
    return length + 1;
}

static void answer(unsigned index, uint8_t status)
{
    uint32_t written = perform(&held[index], status);
    fake_push(&device, 0, held[index].head, written);
    held[index] = held[--held_count];
}

// A device that answers the identity request as soon as it is notified.
static void notify_at_once(void *context, uint16_t queue)
{
    (void)context;
    (void)queue;
    collect();
    while (held_count > 0) {
        answer(0, 0);
    }
}

static void device_fresh(void)
{
    uint64_t sectors = DISK / 512;
    uint32_t size = 512;
    device = (struct fake_device){
        .offered = VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | 1u << 6 | 1u << 9, .sizes = {128, 0}};
    memcpy(device.configuration, &sectors, sizeof(sectors));
    memcpy(device.configuration + 20, &size, sizeof(size));
    held_count = 0;
}

static void start(void)
{
    static struct virtio_registers eager;
    device_fresh();
    eager = fake_registers;
    eager.notify = notify_at_once;
    transport.registers = &eager;
    service = (struct block_service){0};
    CHECK_EQUAL(block_init(&service.block, &transport, TS_HANDLE_NONE, 0, 1), TS_OK);
    CHECK_EQUAL(block_identify(&service.block), TS_OK);
    CHECK(strcmp(service.block.identity, "a fake disk") == 0);
    transport.registers = &fake_registers;
    for (unsigned i = 0; i < TRANSFERS_MAX; i++) {
        service.transfers[i].next = service.free;
        service.free = &service.transfers[i];
    }
    answered = 0;
}

static void stop(void)
{
    device.deaf = false;
    CHECK_EQUAL(block_stop(&service.block), TS_OK);
    transfers_fail(&service);
    while (service.waiting != NULL) {
        transfer_cancel(service.waiting);
        CHECK_EQUAL(transfers_work(&service), TS_OK);
    }
    CHECK_EQUAL(service.block.used, 0);
    block_fini(&service.block);
}

static void test_geometry(void)
{
    start();
    CHECK_EQUAL(service.block.size, DISK);
    CHECK_EQUAL(service.block.block_size, 512);
    CHECK(!service.block.read_only && service.block.flushes);
    stop();
    static const uint32_t sizes[] = {0, 1, 256, 513, 8192, UINT32_MAX};
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        device_fresh();
        memcpy(device.configuration + 20, &sizes[i], 4);
        CHECK_EQUAL(block_init(&service.block, &transport, TS_HANDLE_NONE, 0, 1), TS_ERR_CORRUPT);
    }
    device_fresh();
    memset(device.configuration, 0xff, 8);
    CHECK_EQUAL(block_init(&service.block, &transport, TS_HANDLE_NONE, 0, 1), TS_ERR_CORRUPT);
    device_fresh();
    device.sizes[0] = 2;
    CHECK_EQUAL(block_init(&service.block, &transport, TS_HANDLE_NONE, 0, 1), TS_ERR_UNSUPPORTED);
    device_fresh(); // never answers the identity request
    service.block = (struct block){0};
    CHECK_EQUAL(block_init(&service.block, &transport, TS_HANDLE_NONE, 0, 1), TS_OK);
    CHECK_EQUAL(block_identify(&service.block), TS_ERR_IO);
    CHECK_EQUAL(virtio_reset(&transport), TS_OK);
    block_fini(&service.block);
}

// Each client has a part of the disk of its own, and checks what it reads against the shadow.
static void client_step(unsigned index)
{
    struct client *c = &clients[index];
    uint64_t base = (uint64_t)index * (DISK / CLIENTS);
    if (c->busy) {
        return;
    }
    uint32_t length = 512 * (1 + random_below(DISK / CLIENTS / 512));
    uint64_t offset = base + 512 * random_below((DISK / CLIENTS - length) / 512 + 1);
    switch (random_below(3)) {
    case 0:
        for (uint32_t i = 0; i < length; i++) {
            c->bytes[i] = (uint8_t)random_below(256);
        }
        memcpy(shadow + offset, c->bytes, length);
        ask(c, BLOCK_WRITE, offset, length);
        break;
    case 1:
        memset(c->bytes, 0xee, length);
        ask(c, BLOCK_READ, offset, length);
        break;
    default: ask(c, BLOCK_FLUSH, 0, 0); break;
    }
}

static void check_answers(void)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct client *c = &clients[i];
        if (!c->busy && c->request.context != NULL) {
            CHECK_EQUAL(c->status, TS_OK);
            uint32_t asked = c->request.length + c->request.room;
            CHECK_EQUAL(c->value, asked);
            CHECK(c->request.room == 0 ||
                  memcmp(c->bytes, shadow + c->request.offset, c->request.room) == 0);
            c->request.context = NULL;
        }
    }
}

static void test_traffic(void)
{
    start();
    memcpy(shadow, disk, DISK);
    for (unsigned round = 0; round < 15000; round++) {
        switch (random_below(3)) {
        case 0: client_step(random_below(CLIENTS)); break;
        case 1: CHECK_EQUAL(transfers_work(&service), TS_OK); break;
        default:
            collect();
            if (held_count > 0) {
                answer(random_below(held_count), 0); // in any order
            }
            break;
        }
        check_answers();
    }
    do {
        CHECK_EQUAL(transfers_work(&service), TS_OK);
        check_answers();
        collect();
        for (; held_count > 0; check_answers()) {
            answer(0, 0);
        }
    } while (service.block.used > 0);
    CHECK(answered > 500 && flushes > 100);
    CHECK_EQUAL(service.block.used, 0);
    CHECK_EQUAL(service.block.statistics.depth_peak, BLOCK_SLOTS);
    CHECK(memcmp(disk, shadow, DISK) == 0);
    stop();
}

static void test_failures(void)
{
    struct client *c = &clients[0];
    start();
    for (uint8_t status = 1; status < 4; status++) {
        ask(c, BLOCK_READ, 0, 4096);
        CHECK_EQUAL(transfers_work(&service), TS_OK);
        collect();
        CHECK_EQUAL(held_count, 1);
        answer(0, status);
        CHECK_EQUAL(transfers_work(&service), TS_OK);
        CHECK_EQUAL(c->status, status == 2 ? TS_ERR_UNSUPPORTED : TS_ERR_IO);
    }
    // "Done", and nothing written: no old bytes for the client.
    memset(c->bytes, 0, 4096);
    ask(c, BLOCK_READ, 0, 4096);
    CHECK_EQUAL(transfers_work(&service), TS_OK);
    collect();
    perform(&held[0], 0);
    fake_push(&device, 0, held[0].head, 1);
    held_count = 0;
    CHECK_EQUAL(transfers_work(&service), TS_OK);
    CHECK_EQUAL(c->status, TS_ERR_IO);
    CHECK_EQUAL(c->bytes[0], 0);
    // The client's memory faults.
    ask(c, BLOCK_WRITE, 0, 4096);
    c->fault = TS_ERR_CLIENT_FAULT;
    CHECK_EQUAL(transfers_work(&service), TS_OK);
    CHECK(!c->busy && c->status == TS_ERR_CLIENT_FAULT);
    // Half done when it is cancelled: answered when the device is through.
    ask(c, BLOCK_READ, 0, LONGEST - LONGEST % 512);
    CHECK_EQUAL(transfers_work(&service), TS_OK);
    transfer_cancel(c->request.context);
    CHECK_EQUAL(transfers_work(&service), TS_OK);
    CHECK(c->busy);
    collect();
    while (held_count > 0) {
        answer(0, 0);
    }
    CHECK_EQUAL(transfers_work(&service), TS_OK);
    CHECK(!c->busy && c->status == TS_ERR_CANCELLED);
    CHECK_EQUAL(service.block.used, 0);
    stop();
}

// A device that breaks the protocol: all that was in flight fails, what waits goes on after.
static void test_device_lies(void)
{
    static const struct {
        uint32_t id, length;
    } lies[] = {{127, 1}, {128, 1}, {UINT32_MAX, 1}, {0, 4096 + 2}, {1, 1}};
    for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        start();
        // The identity request's descriptors come back to the free list's front: heads start at 0.
        ask(&clients[0], BLOCK_READ, 0, 4096);
        ask(&clients[1], BLOCK_READ, 8192, 4096);
        CHECK_EQUAL(transfers_work(&service), TS_OK);
        fake_push(&device, 0, lies[i].id, lies[i].length);
        CHECK_EQUAL(transfers_work(&service), TS_ERR_PROTOCOL);
        CHECK_EQUAL(block_stop(&service.block), TS_OK);
        transfers_fail(&service);
        CHECK(!clients[0].busy && clients[0].status == TS_ERR_IO);
        CHECK(!clients[1].busy && clients[1].status == TS_ERR_IO);
        CHECK_EQUAL(block_resume(&service.block), TS_OK);
        ask(&clients[2], BLOCK_READ, 0, 512);
        CHECK_EQUAL(transfers_work(&service), TS_OK);
        held_count = 0;
        collect();
        CHECK_EQUAL(held_count, 1);
        answer(0, 0);
        CHECK_EQUAL(transfers_work(&service), TS_OK);
        CHECK(!clients[2].busy && clients[2].status == TS_OK);
        CHECK_EQUAL(service.block.statistics.resets, 1);
        stop();
    }
}

static void test_silence(void)
{
    start();
    ask(&clients[0], BLOCK_FLUSH, 0, 0);
    CHECK_EQUAL(transfers_work(&service), TS_OK);
    CHECK(!block_stuck(&service.block, fake_now + BLOCK_STALL_NS / 2));
    CHECK(block_stuck(&service.block, fake_now + BLOCK_STALL_NS + 1));
    device.fails = true;
    CHECK(block_stuck(&service.block, fake_now));
    device.fails = false;
    stop();
    CHECK(!clients[0].busy && clients[0].status == TS_ERR_IO);
}

// A session stays until what was asked through it is answered: its clients may still cancel that.
static void test_closed_session(void)
{
    start();
    ask(&clients[0], BLOCK_READ, 0, 4096);
    ask(&clients[1], BLOCK_FLUSH, 0, 0);
    CHECK_EQUAL(transfers_work(&service), TS_OK);
    session->closed = true;
    block_session_release(session);
    CHECK_EQUAL(session->transfers, 2);
    stop(); // and so does the session: were it freed before, or not at all, ASan would say so
    CHECK(!clients[0].busy && !clients[1].busy);
}

int main(void)
{
    session = calloc(1, sizeof(*session));
    disk = malloc(DISK);
    shadow = malloc(DISK);
    CHECK(session != NULL && disk != NULL && shadow != NULL);
    memset(disk, 0x11, DISK);
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i].bytes = malloc(LONGEST);
        CHECK(clients[i].bytes);
    }
    test_geometry();
    test_traffic();
    test_failures();
    test_device_lies();
    test_silence();
    test_closed_session();
    for (unsigned i = 0; i < CLIENTS; i++) {
        free(clients[i].bytes);
    }
    free(disk);
    free(shadow);
    return 0;
}
