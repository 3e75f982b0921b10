// SPDX-License-Identifier: MIT
// Making a function quiet: what its next driver, its neighbours and the server's next instance
// find.
#include "grant.h"
#include "quiet.h"
#include "remains.h"

#include <drivers/pci/registers.h>
#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/log.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/op.h>
#include <tessera/lib/resource.h>

#include "tests/host/check.h"

#define EXPRESS 0x40u
#define ADDRESS 0x0018u
#define BARS    6u
#define LINE    11u
#define MEMORY  7u // handle

// The function: resets when it is told to, and then has neither addresses nor a line nor a command.
static uint8_t space[256];
static unsigned resets;
static bool gone; // answers nothing

static uint32_t space_read(void *context, uint16_t address, uint16_t offset, unsigned width)
{
    bool answers = address == ADDRESS && !gone;
    uint32_t value = answers ? 0 : UINT32_MAX;
    (void)context;
    if (answers) {
        memcpy(&value, space + offset, width);
    }
    return value;
}

static void space_write(void *context, uint16_t address, uint16_t offset, unsigned width,
                        uint32_t value)
{
    (void)context;
    CHECK(address == ADDRESS);
    if (gone) {
        return;
    }
    if (offset == EXPRESS + PCI_EXPRESS_CONTROL && (value & PCI_EXPRESS_CONTROL_FLR)) {
        memset(space + PCI_BAR0, 0, 4 * BARS);
        memset(space + PCI_COMMAND, 0, 2);
        space[PCI_INTERRUPT_LINE] = 0;
        resets++;
        return;
    }
    memcpy(space + offset, &value, width);
}

static void put32(unsigned offset, uint32_t value)
{
    memcpy(space + offset, &value, 4);
}

static struct bus bus;
static struct device device;
static const struct pci_function machine = {space_read, space_write, NULL, 0, 256};
static bool domain_ended;

// The library, and the server's other parts.
static uint8_t memory[3 * TS_PAGE_SIZE];
static struct ts_timer *armed;
static ts_time_t now = 1, slept;

ts_handle_t ts_named_handle(const char *name)
{
    return strcmp(name, REMAINS_NAME) == 0 ? MEMORY : TS_HANDLE_NONE;
}

ts_status_t ts_get_u64(ts_handle_t handle, uint32_t property, uint64_t *out_value)
{
    CHECK(handle == MEMORY && property == TS_PROPERTY_SIZE);
    *out_value = sizeof(memory);
    return TS_OK;
}

ts_status_t ts_read_all(ts_handle_t handle, void *buffer, size_t length, uint64_t offset)
{
    CHECK(handle == MEMORY);
    memcpy(buffer, memory + offset, length);
    return TS_OK;
}

ts_status_t ts_memory_map(ts_handle_t handle, void *address, size_t length, uint64_t offset,
                          unsigned flags, void **out_address)
{
    (void)address, (void)flags;
    CHECK(handle == MEMORY && length + offset <= sizeof(memory));
    *out_address = memory;
    return TS_OK;
}

ts_time_t ts_deadline_in(ts_time_t ns)
{
    return now + ns;
}

void ts_sleep_until(ts_time_t deadline)
{
    slept = deadline - now;
}

void ts_timer_arm(struct ts_loop *loop, struct ts_timer *timer, ts_time_t deadline)
{
    (void)loop;
    armed = timer;
    now = deadline;
}

void ts_log(const char *format, ...)
{
    (void)format;
}

const char *ts_status_name(ts_status_t status)
{
    (void)status;
    return "";
}

void ts_request_reply(struct ts_request *request, ts_status_t status, uint64_t value)
{
    (void)request, (void)status, (void)value;
}

ts_status_t ts_domain_state(ts_handle_t domain, struct ts_domain_state *out_state)
{
    (void)domain;
    *out_state = (struct ts_domain_state){0};
    return TS_OK;
}

ts_status_t ts_domain_quiet(ts_handle_t domain)
{
    (void)domain;
    return TS_OK;
}

ts_status_t ts_domain_end(ts_handle_t domain)
{
    (void)domain;
    domain_ended = true;
    return TS_OK;
}

bool device_shared(const struct device *d, enum ts_pci_bar_kind kind, uint64_t base, uint64_t size)
{
    (void)d, (void)kind, (void)base, (void)size;
    return true;
}

ts_status_t machine_map(const struct machine *m, uint64_t base, uint64_t length,
                        volatile void **out)
{
    (void)m, (void)base, (void)length, (void)out;
    return TS_ERR_RIGHTS;
}

void machine_unmap(volatile void *address, uint64_t length)
{
    (void)address, (void)length;
}

void grant_silence(struct device *d)
{
    CHECK(pci_command(&d->function, 0, PCI_COMMAND_LINE_OFF) == TS_OK);
}

void grant_end(struct device *d)
{
    d->domain = TS_HANDLE_NONE;
}

// Tests.
static void start(bool resettable)
{
    memset(space, 0, sizeof(space));
    put32(PCI_VENDOR, 0x56781234);
    put32(PCI_COMMAND,
          (uint32_t)PCI_STATUS_CAPABILITIES << 16 | PCI_COMMAND_MEMORY | PCI_COMMAND_BUS_MASTER);
    space[PCI_CAPABILITIES] = EXPRESS;
    space[EXPRESS] = PCI_CAPABILITY_EXPRESS;
    put32(EXPRESS + PCI_EXPRESS_CAPABILITIES, resettable ? PCI_EXPRESS_FLR : 0);
    for (unsigned i = 0; i < BARS; i++) {
        put32(PCI_BAR0 + 4 * i, 0xf0000000 + 0x1000 * i);
    }
    space[PCI_INTERRUPT_LINE] = LINE;
    device = (struct device){.bus = &bus, .function = machine, .state = DEVICE_HELD};
    device.function.address = ADDRESS;
    device.command = pci_read16(&device.function, PCI_COMMAND);
    domain_ended = false;
    resets = 0;
    slept = 0;
}

static void run(void)
{
    while (armed != NULL) {
        struct ts_timer *timer = armed;
        armed = NULL;
        timer->fired(timer);
    }
}

static bool has_addresses(void)
{
    for (unsigned i = 0; i < BARS; i++) {
        if (pci_read32(&device.function, PCI_BAR0 + 4 * i) != 0xf0000000 + 0x1000 * i) {
            return false;
        }
    }
    return space[PCI_INTERRUPT_LINE] == LINE;
}

// A device that nobody drives keeps its line to itself, whatever the firmware had set: a line has
// others.
static void test_line_stays_off(bool resettable)
{
    start(resettable);
    device.closed = true;
    quiet_start(&device);
    run();
    CHECK(device.state == DEVICE_FREE && domain_ended && resets == resettable && has_addresses());
    uint16_t command = pci_read16(&device.function, PCI_COMMAND);
    CHECK(command & PCI_COMMAND_LINE_OFF);
    CHECK((command & (PCI_COMMAND_BUS_MASTER | PCI_COMMAND_MEMORY)) == PCI_COMMAND_MEMORY);
}

// A driver that has had its device reset has no interrupt of it until it asks for one anew: until
// then the line is off.
static void test_line_after_a_reset(void)
{
    start(true);
    quiet_start(&device);
    run();
    CHECK(device.state == DEVICE_HELD && !domain_ended && resets == 1 && has_addresses());
    CHECK(pci_read16(&device.function, PCI_COMMAND) & PCI_COMMAND_LINE_OFF);
}

// A function that takes longer than its reset may is out of use; the next server finds it as it
// was.
static void test_late(void)
{
    start(true);
    device.closed = true;
    quiet_start(&device);
    gone = true;
    run();
    CHECK(device.state == DEVICE_STUCK && !domain_ended);
    gone = false;
    CHECK(!has_addresses());
    remains_open();
    remains_restore(&machine);
    CHECK(has_addresses());
}

// The server dies while a function is being reset: the next one gives it its addresses.
static void test_death_in_a_reset(void)
{
    start(true);
    device.closed = true;
    quiet_start(&device);
    CHECK(resets == 1 && armed && !has_addresses());
    armed = NULL; // it is dead
    remains_open();
    remains_restore(&machine);
    CHECK(slept == REMAINS_RESET_NS && has_addresses());
    memset(space + PCI_BAR0, 0, 4 * BARS); // once, and no more
    remains_open();
    remains_restore(&machine);
    CHECK(!has_addresses());
}

// What is noted of a function counts for no other one that has its address since.
static void test_another_function(void)
{
    start(true);
    device.closed = true;
    quiet_start(&device);
    armed = NULL;
    put32(PCI_VENDOR, 0x99991234);
    remains_open();
    remains_restore(&machine);
    CHECK(!has_addresses());
}

// Whatever the memory has.
static void test_garbage(void)
{
    start(true);
    memset(memory, 0xff, sizeof(memory));
    remains_open();
    remains_restore(&machine);
    CHECK(has_addresses());
    test_death_in_a_reset();
}

int main(void)
{
    remains_open();
    remains_restore(&machine);
    CHECK(slept == 0); // nothing was left
    test_line_stays_off(false);
    test_line_stays_off(true);
    test_line_after_a_reset();
    test_late();
    test_death_in_a_reset();
    test_another_function();
    test_garbage();
    return 0;
}
