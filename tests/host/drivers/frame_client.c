// SPDX-License-Identifier: MIT
// What a client gives a network card's driver: memory that is not there. Reaching for that would
// end the driver, so it is refused, and the next client is served.
#include <drivers/frame/client.h>
#include <sanitizer/lsan_interface.h>
#include <setjmp.h>
#include <string.h>
#include <sys/mman.h>
#include <tessera/lib/event.h>
#include <tessera/lib/log.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/resource.h>

#include "tests/host/check.h"

#define ENTRIES 64u
#define SIZE    (64u * TS_PAGE_SIZE)
#define MEMORY  1u // handles
#define EVENT   2u
#define DOMAIN  3u

static struct frame_card card;
static struct frame_service service = {.card = &card, .domain = DOMAIN};
static struct frame_session session = {.service = &service};
static unsigned starts, stops; // of the chip
static bool deaf;
static bool poor; // the memory's job has no page left
static void *mapped;
static size_t mapped_length;
static unsigned pins;
static jmp_buf driver; // its life

// The kernel.
ts_status_t ts_memory_map(ts_handle_t memory, void *address, size_t length, uint64_t offset,
                          unsigned flags, void **out_address)
{
    (void)address;
    CHECK(memory == MEMORY && offset == 0 && mapped == NULL);
    if (poor && (flags & TS_MAP_POPULATE)) {
        return TS_ERR_LIMIT;
    }
    mapped = mmap(NULL, length, poor ? PROT_NONE : PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(mapped != MAP_FAILED);
    mapped_length = length;
    *out_address = mapped;
    return TS_OK;
}

ts_status_t ts_memory_unmap(void *address, size_t length)
{
    CHECK(address == mapped && length == mapped_length);
    munmap(mapped, length);
    mapped = NULL;
    return TS_OK;
}

ts_status_t ts_domain_pin(ts_handle_t domain, ts_handle_t memory, uint64_t offset, uint64_t length,
                          uint64_t *addresses, size_t count)
{
    CHECK(domain == DOMAIN && memory == MEMORY && length == count * TS_PAGE_SIZE);
    CHECK(offset == ts_frame_data_start(ENTRIES, ENTRIES) && offset + length == SIZE);
    memset(addresses, 0, count * sizeof(*addresses));
    pins++;
    return TS_OK;
}

ts_status_t ts_domain_unpin(ts_handle_t domain, ts_handle_t memory, uint64_t offset,
                            uint64_t length)
{
    (void)domain, (void)memory, (void)offset, (void)length;
    CHECK(pins-- > 0);
    return TS_OK;
}

ts_status_t ts_kind(ts_handle_t handle, enum ts_kind *out_kind)
{
    *out_kind = handle == MEMORY ? TS_KIND_MEMORY : TS_KIND_EVENT;
    return TS_OK;
}

ts_status_t ts_get_u64(ts_handle_t handle, uint32_t property, uint64_t *out_value)
{
    CHECK(handle == MEMORY && property == TS_PROPERTY_SIZE);
    *out_value = SIZE;
    return TS_OK;
}

ts_status_t ts_duplicate(ts_handle_t handle, ts_rights_t rights, ts_handle_t *out_handle)
{
    (void)rights;
    *out_handle = handle;
    return TS_OK;
}

void ts_close(ts_handle_t handle)
{
    (void)handle;
}

ts_status_t ts_event_signal(ts_handle_t event, uint64_t count)
{
    (void)event, (void)count;
    return TS_OK;
}

void ts_object_signal(struct ts_object *object, ts_signals_t clear, ts_signals_t set)
{
    object->signals = (object->signals & ~clear) | set;
}

void service_fail(const char *what, ts_status_t status)
{
    (void)what;
    CHECK_EQUAL(status, TS_ERR_IO);
    longjmp(driver, 1);
}

// The client.
static struct ts_frame_attach offer = {
    .version = TS_FRAME_VERSION, .rx_entries = ENTRIES, .tx_entries = ENTRIES, .memory_size = SIZE};
static ts_status_t answer;

static ts_status_t pull(struct ts_request *request, void *buffer, size_t length, uint64_t offset,
                        size_t *out_bytes)
{
    (void)request;
    memcpy(buffer, (const char *)&offer + offset, length);
    *out_bytes = length;
    return TS_OK;
}

static ts_status_t take(struct ts_request *request, unsigned index, ts_handle_t *out_handle,
                        struct ts_object **out_object, ts_rights_t *out_rights)
{
    (void)request;
    *out_handle = index == 0 ? MEMORY : EVENT;
    *out_object = NULL;
    *out_rights = TS_RIGHTS_ALL;
    return TS_OK;
}

static ts_status_t reply(struct ts_request *request, struct ts_reply *fields,
                         struct ts_object *object, enum ts_reply_bytes bytes)
{
    (void)request, (void)object, (void)bytes;
    answer = fields->status;
    return TS_OK;
}

static const struct ts_request_backend backend = {.pull = pull, .take = take, .reply = reply};

static struct ts_request request_of(void)
{
    return (struct ts_request){.backend = &backend,
                               .object = &session.object,
                               .length = sizeof(offer),
                               .in_handles = 2,
                               .op = TS_OP_CALL,
                               .state = TS_REQUEST_OPEN};
}

static ts_status_t attach(void)
{
    struct ts_request request = request_of();
    answer = TS_ERR_TIMED_OUT;
    frame_client_on_attach(&session, &request);
    return answer;
}

static ts_status_t detach(void)
{
    struct ts_request request = request_of();
    request.in_handles = 0;
    answer = TS_ERR_TIMED_OUT;
    frame_client_on_detach(&session, &request);
    return answer;
}

// As the PCI server does after the driver's end.
static void reset(void)
{
    munmap(mapped, mapped_length);
    mapped = NULL;
    pins = 0;
}

// The chip.
static ts_status_t start_chip(void *context)
{
    (void)context;
    starts++;
    return deaf ? TS_ERR_IO : TS_OK;
}

static ts_status_t stop_chip(void *context)
{
    (void)context;
    stops++;
    return deaf ? TS_ERR_IO : TS_OK;
}

static bool link_is_up(void *context)
{
    (void)context;
    return true;
}

const struct frame_chip frame_chip = {
    .start = start_chip, .stop = stop_chip, .link = link_is_up, .copies = FRAME_COPIES};

// Nobody but the device looks into frames; a driver that copies looks into all, and pins nothing.
static void check_memory(void)
{
    uint32_t rings = ts_frame_data_start(ENTRIES, ENTRIES);
    CHECK(mapped_length == (FRAME_COPIES ? SIZE : rings) && pins == (FRAME_COPIES ? 0 : 1));
    for (uint32_t at = rings; FRAME_COPIES && at < SIZE; at += TS_PAGE_SIZE) {
        CHECK_EQUAL(card.memory.bus[(at - rings) / TS_PAGE_SIZE], (uintptr_t)mapped + at);
    }
}

int main(void)
{
    const struct ts_frame_information information = {.mtu = 1500};
    CHECK_EQUAL(frame_card_init(&card, NULL, 16, 16, &information), TS_OK);
    poor = true;
    CHECK_EQUAL(attach(), TS_ERR_LIMIT);
    CHECK(mapped == NULL && pins == 0 && service.attached == NULL && starts == 0);
    poor = false;
    CHECK_EQUAL(attach(), TS_OK);
    check_memory();
    CHECK_EQUAL(attach(), TS_ERR_BUSY);
    CHECK_EQUAL(detach(), TS_OK);
    CHECK(mapped == NULL && pins == 0 && starts == 1 && stops == 1);
    CHECK_EQUAL(detach(), TS_ERR_NOT_CONNECTED);
    // A chip that does not stop may use the memory: its driver ends with that pinned, and has not
    // answered.
    __lsan_disable(); // of a driver that ends nothing is freed
    CHECK_EQUAL(attach(), TS_OK);
    deaf = true;
    if (setjmp(driver) == 0) {
        (void)detach();
        CHECK(false);
    }
    CHECK(pins == (FRAME_COPIES ? 0 : 1) && answer == TS_ERR_TIMED_OUT && service.attached == NULL);
    // One that does not start either, likewise.
    deaf = false;
    reset();
    deaf = true;
    if (setjmp(driver) == 0) {
        (void)attach();
        CHECK(false);
    }
    CHECK(pins == (FRAME_COPIES ? 0 : 1) && answer == TS_ERR_TIMED_OUT && service.attached == NULL);
    __lsan_enable();
    reset();
    frame_card_fini(&card);
    return 0;
}
