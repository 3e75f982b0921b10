// SPDX-License-Identifier: MIT
// Interrupts that a driver is given: a function's line is on as long as somebody has it, and no
// message is sent whose number is free.
#include "grant.h"

#include <drivers/pci/registers.h>
#include <string.h>
#include <tessera/lib/log.h>
#include <tessera/lib/resource.h>

#include "tests/host/check.h"

#define MSI       0x40u
#define LINE      11u
#define DOMAIN    3u // handles
#define PART      4u
#define INTERRUPT 5u
#define GIVEN     6u
#define STUCK     0x0010u // one of PCI_MSI_CONTROL_MULTIPLE

// The function. `lies`: as long as messages are on, a bit reads as nobody has written it.
static uint8_t space[256];
static bool lies;

static uint32_t space_read(void *context, uint16_t address, uint16_t offset, unsigned width)
{
    uint32_t value = 0;
    (void)context, (void)address;
    memcpy(&value, space + offset, width);
    bool on = offset == MSI + PCI_MSI_CONTROL && (value & PCI_MSI_CONTROL_ENABLE);
    return value | (on && lies ? STUCK : 0);
}

static void space_write(void *context, uint16_t address, uint16_t offset, unsigned width,
                        uint32_t value)
{
    (void)context, (void)address;
    memcpy(space + offset, &value, width);
}

static struct bus bus;
static struct device device;
static ts_status_t domain_status, line_status, answer;
static unsigned interrupts_closed;

static bool is_line_off(void)
{
    return pci_read16(&device.function, PCI_COMMAND) & PCI_COMMAND_LINE_OFF;
}

static bool sends_messages(void)
{
    return pci_read16(&device.function, MSI + PCI_MSI_CONTROL) & PCI_MSI_CONTROL_ENABLE;
}

// The library, and the server's other parts.
ts_status_t ts_resource_domain(ts_handle_t resource, uint64_t address, ts_handle_t *out_domain)
{
    (void)resource, (void)address;
    *out_domain = domain_status == TS_OK ? DOMAIN : TS_HANDLE_NONE;
    return domain_status;
}

ts_status_t ts_resource_bind(ts_handle_t resource, uint64_t base, uint64_t length,
                             ts_handle_t domain, ts_handle_t *out_resource)
{
    (void)resource, (void)base, (void)length;
    CHECK(domain == DOMAIN);
    *out_resource = PART;
    return TS_OK;
}

ts_status_t ts_resource_line(ts_handle_t resource, uint32_t number, unsigned flags,
                             ts_handle_t *out_interrupt)
{
    (void)flags;
    CHECK(resource == PART && number == LINE);
    *out_interrupt = INTERRUPT;
    return line_status;
}

ts_status_t ts_resource_message(ts_handle_t resource, uint32_t address,
                                struct ts_interrupt_message *out_message,
                                ts_handle_t *out_interrupt)
{
    (void)address;
    CHECK(resource == PART);
    *out_message = (struct ts_interrupt_message){.address = 0xfee00000, .data = 0x41};
    *out_interrupt = INTERRUPT;
    return TS_OK;
}

// From here on the number may be another's.
void ts_close(ts_handle_t handle)
{
    if (handle == INTERRUPT) {
        CHECK(!sends_messages());
        interrupts_closed++;
    }
}

ts_status_t ts_duplicate(ts_handle_t handle, ts_rights_t rights, ts_handle_t *out_handle)
{
    (void)handle, (void)rights;
    *out_handle = GIVEN;
    return TS_OK;
}

ts_status_t ts_request_pull_exact(struct ts_request *request, void *buffer, size_t size)
{
    (void)request;
    memset(buffer, 0, size);
    return TS_OK;
}

void ts_request_reply(struct ts_request *request, ts_status_t status, uint64_t value)
{
    (void)request, (void)value;
    answer = status;
}

ts_status_t ts_request_reply_move(struct ts_request *request, ts_handle_t handle,
                                  ts_rights_t rights, uint64_t value)
{
    (void)request, (void)rights, (void)value;
    CHECK(handle == GIVEN);
    answer = TS_OK;
    return TS_OK;
}

uint32_t device_vectors(const struct device *d)
{
    (void)d;
    return 1;
}

// No test asks for registers or for the domain.
ts_status_t ts_resource_memory(ts_handle_t resource, uint64_t base, uint64_t length, unsigned cache,
                               ts_handle_t *out_memory)
{
    (void)resource, (void)base, (void)length, (void)cache, (void)out_memory;
    return TS_ERR_RIGHTS;
}

ts_status_t ts_resource_io_range(ts_handle_t resource, uint64_t base, uint64_t length,
                                 ts_handle_t *out_range)
{
    (void)resource, (void)base, (void)length, (void)out_range;
    return TS_ERR_RIGHTS;
}

ts_status_t ts_domain_state(ts_handle_t domain, struct ts_domain_state *out_state)
{
    (void)domain, (void)out_state;
    return TS_ERR_RIGHTS;
}

bool device_shared(const struct device *d, enum ts_pci_bar_kind kind, uint64_t base, uint64_t size)
{
    (void)d, (void)kind, (void)base, (void)size;
    return true;
}

ts_status_t machine_map(const struct machine *machine, uint64_t base, uint64_t length,
                        volatile void **out)
{
    (void)machine, (void)base, (void)length, (void)out;
    return TS_ERR_RIGHTS;
}

void ts_log(const char *format, ...)
{
    (void)format;
}

// Tests.

// The firmware has left the line on.
static void start(uint8_t msi)
{
    memset(space, 0, sizeof(space));
    space[PCI_COMMAND] = PCI_COMMAND_MEMORY;
    device = (struct device){.bus = &bus, .line = LINE, .msi = msi};
    device.function = (struct pci_function){space_read, space_write, NULL, 0, sizeof(space)};
    lies = false;
    domain_status = line_status = TS_OK;
    interrupts_closed = 0;
}

static void ask_vector(void)
{
    struct ts_request request = {0};
    answer = TS_ERR_AGAIN;
    grant_vector(&device, &request);
}

static void test_line(void)
{
    start(0);
    CHECK(grant_begin(&device) == TS_OK && is_line_off());
    ask_vector();
    CHECK(answer == TS_OK && !is_line_off());
    grant_silence(&device);
    CHECK(is_line_off() && interrupts_closed == 1);
}

// Asked for anew, the line is nobody's until there is another interrupt for it.
static void test_line_that_is_lost(void)
{
    start(0);
    CHECK(grant_begin(&device) == TS_OK);
    ask_vector();
    line_status = TS_ERR_LIMIT;
    ask_vector();
    CHECK(answer == TS_ERR_LIMIT && interrupts_closed == 1 && is_line_off());
    line_status = TS_OK;
    ask_vector();
    CHECK(answer == TS_OK && !is_line_off());
}

// The driver of a server that has died goes on, with its line.
static void test_line_of_another(void)
{
    start(0);
    domain_status = TS_ERR_BUSY;
    CHECK(grant_begin(&device) == TS_ERR_BUSY && !is_line_off());
}

static void test_message(void)
{
    start(MSI);
    CHECK(grant_begin(&device) == TS_OK);
    ask_vector();
    CHECK(answer == TS_OK && sends_messages() && is_line_off());
    grant_silence(&device);
    CHECK(!sends_messages() && interrupts_closed == 1);
}

static void test_message_that_cannot_be_set(void)
{
    start(MSI);
    lies = true;
    CHECK(grant_begin(&device) == TS_OK);
    ask_vector();
    CHECK(answer == TS_ERR_IO && interrupts_closed == 1 && !sends_messages());
}

int main(void)
{
    test_line();
    test_line_that_is_lost();
    test_line_of_another();
    test_message();
    test_message_that_cannot_be_set();
    return 0;
}
