// SPDX-License-Identifier: MIT
// A driver that holds one function of the machine and reaches for everything else: its neighbour's
// configuration, BARs, vectors, ports, and memory. Each attempt has to be a named error; what only
// the processor can refuse has to end the program that tried, and no more.
//
// Run from the shell: the named handle `control` leads to the PCI server.
#include "lib/function.h"

#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/op.h>
#include <tessera/lib/process.h>
#include <tessera/lib/resource.h>
#include <tessera/lib/spawn.h>
#include <tessera/proto/file.h>
#include <tessera/proto/pci.h>

#define TESTS 12u

static struct function function; // that it holds
static bool good;                // so far, in this test

static void expect_at(int line, const char *what, ts_status_t found, ts_status_t expected)
{
    if (found != expected) {
        printf("# line %d: %s is %s, not %s\n", line, what, ts_status_name(found),
               ts_status_name(expected));
        good = false;
    }
}
#define EXPECT(call, expected) expect_at(__LINE__, #call, (call), (expected))

// Opens a match that must be refused.
static ts_status_t try_open(const char *match)
{
    ts_handle_t handle;
    ts_status_t status = ts_open(function.pci, match, 0, TS_RIGHTS_SAME, &handle);
    if (status == TS_OK) {
        ts_close(handle);
    }
    return status;
}

static ts_status_t read_config(unsigned offset, unsigned length)
{
    uint8_t buffer[16];
    size_t bytes;
    return ts_read(function.device, buffer, length, offset, TS_DEADLINE_NONE, &bytes);
}

static ts_status_t write_config(unsigned offset, unsigned length, uint32_t value)
{
    size_t bytes;
    return ts_write(function.device, &value, length, offset, TS_DEADLINE_NONE, &bytes);
}

static ts_status_t get_range(uint32_t bar, uint64_t offset, uint64_t length)
{
    struct ts_pci_range range = {.bar = bar, .offset = offset, .length = length};
    ts_handle_t handle;
    ts_status_t status =
        ts_call_handle(function.device, TS_PCI_BAR, &range, sizeof(range), NULL, 0, &handle);
    if (status == TS_OK) {
        ts_close(handle);
    }
    return status;
}

static ts_status_t get_vector(uint32_t index)
{
    ts_handle_t handle;
    ts_status_t status =
        ts_call_handle(function.device, TS_PCI_VECTOR, &index, sizeof(index), NULL, 0, &handle);
    if (status == TS_OK) {
        ts_close(handle);
    }
    return status;
}

static ts_status_t enable(uint32_t flags)
{
    return ts_call_bytes(function.device, TS_PCI_ENABLE, &flags, sizeof(flags), NULL, 0, NULL);
}

static void test_neighbours(void)
{
    EXPECT(try_open(function.address), TS_ERR_BUSY); // not even its own a second time
    static union {
        struct ts_file_entry entry;
        char bytes[8192];
    } listing;
    struct ts_pci_information of;
    size_t bytes;
    EXPECT(ts_list(function.pci, listing.bytes, sizeof(listing), 0, &bytes), TS_OK);
    for (size_t at = 0; good && at < bytes;) {
        const struct ts_file_entry *entry = (const void *)(listing.bytes + at);
        char name[16];
        snprintf(name, sizeof(name), "%.*s", (int)entry->name_length, entry->name);
        at += entry->record_length;
        EXPECT(function_information(&function, name, &of), TS_OK);
        if (of.header != 0) {
            EXPECT(try_open(name), TS_ERR_RIGHTS); // a bridge
        } else if (of.held) {
            EXPECT(try_open(name), TS_ERR_BUSY);
        }
    }
    EXPECT(try_open("ff:1f.7"), TS_ERR_NOT_FOUND);
    EXPECT(try_open("../00:00.0"), TS_ERR_ARGUMENT);
}

static void test_configuration_reads(void)
{
    EXPECT(read_config(0, 4), TS_OK);
    EXPECT(read_config(1, 4), TS_ERR_ARGUMENT);
    EXPECT(read_config(0, 3), TS_ERR_ARGUMENT);
    EXPECT(read_config(0, 16), TS_ERR_ARGUMENT);
    EXPECT(read_config(4096, 4), TS_ERR_RANGE);     // the next function's
    EXPECT(read_config(1u << 20, 4), TS_ERR_RANGE); // the next bus's
}

static void test_configuration_writes(void)
{
    static const unsigned denied[][2] = {{4, 2},    {4, 4},    {0x10, 4}, {0x14, 4}, {0x24, 4},
                                         {0x30, 4}, {0x34, 1}, {0x40, 4}, {0x0c, 4}, {0xfc, 4}};
    for (unsigned i = 0; i < sizeof(denied) / sizeof(denied[0]); i++) {
        EXPECT(write_config(denied[i][0], denied[i][1], 0xffffffff), TS_ERR_RIGHTS);
    }
    EXPECT(write_config(0x3c, 1, 4), TS_ERR_RIGHTS); // whose interrupt line it gets
    // What it may not write it is not told about: rights come before range and alignment.
    EXPECT(write_config(4096, 4, 0), TS_ERR_RIGHTS);
    EXPECT(write_config(5, 2, 0), TS_ERR_RIGHTS);
}

static void test_bars(void)
{
    uint32_t bar = function_registers(&function.information);
    uint64_t size = function.information.bars[bar].size;
    EXPECT(get_range(TS_PCI_BARS, 0, 0), TS_ERR_NOT_FOUND);
    EXPECT(get_range(UINT32_MAX, 0, 0), TS_ERR_NOT_FOUND);
    EXPECT(get_range(bar, size, TS_PAGE_SIZE), TS_ERR_RANGE);
    EXPECT(get_range(bar, 0, size + TS_PAGE_SIZE), TS_ERR_RANGE);
    EXPECT(get_range(bar, UINT64_MAX - TS_PAGE_SIZE + 1, TS_PAGE_SIZE), TS_ERR_RANGE);
    EXPECT(get_range(bar, UINT64_MAX - TS_PAGE_SIZE + 1, 2 * TS_PAGE_SIZE), TS_ERR_RANGE);
    EXPECT(get_range(bar, 8, TS_PAGE_SIZE),
           size > TS_PAGE_SIZE + 8 ? TS_ERR_ARGUMENT : TS_ERR_RANGE);
    for (uint32_t i = 0; i < TS_PCI_BARS; i++) {
        if (function.information.bars[i].kind == TS_PCI_BAR_NONE) {
            EXPECT(get_range(i, 0, 0), TS_ERR_NOT_FOUND);
        }
    }
}

// The MSI-X table decides where the device's interrupts are written to.
static void test_message_table(void)
{
    uint64_t page = function.information.msix_offset & ~(uint64_t)(TS_PAGE_SIZE - 1);
    EXPECT(get_range(function.information.msix_bar, page, TS_PAGE_SIZE), TS_ERR_RIGHTS);
    if (page > 0) {
        EXPECT(get_range(function.information.msix_bar, page - TS_PAGE_SIZE, 2 * TS_PAGE_SIZE),
               TS_ERR_RIGHTS);
    }
}

static void test_memory_handle(void)
{
    struct ts_pci_range range = {.bar = function_registers(&function.information),
                                 .length = TS_PAGE_SIZE};
    ts_handle_t memory, other, child;
    void *mapped;
    uint64_t there;
    EXPECT(ts_call_handle(function.device, TS_PCI_BAR, &range, sizeof(range), NULL, 0, &memory),
           TS_OK);
    EXPECT(ts_process_create(ts_named_handle(TS_NAME_JOB), "heir", &child), TS_OK);
    if (!good) {
        return;
    }
    // What lies behind its page in physical memory, and what would keep it when the driver is gone.
    EXPECT(ts_memory_map(memory, NULL, TS_PAGE_SIZE, TS_PAGE_SIZE, TS_MAP_READ, &mapped),
           TS_ERR_RANGE);
    EXPECT(ts_memory_view(memory, TS_PAGE_SIZE, TS_PAGE_SIZE, &other), TS_ERR_RIGHTS);
    EXPECT(ts_duplicate(memory, TS_RIGHTS_ALL, &other), TS_ERR_RIGHTS);
    EXPECT(ts_process_give(child, memory, &other), TS_ERR_RIGHTS);
    EXPECT(ts_process_map(child, memory, 0, TS_PAGE_SIZE, 0, TS_MAP_READ, &there), TS_ERR_RIGHTS);
    EXPECT(ts_process_kill(child), TS_OK);
    ts_close(child);
    EXPECT(ts_memory_map(memory, NULL, TS_PAGE_SIZE, 0, TS_MAP_READ | TS_MAP_EXECUTE, &mapped),
           TS_ERR_RIGHTS);
    ts_close(memory);
}

// A server's bytes are never copied to a device's registers, nor from there.
static void test_device_memory_as_buffer(void)
{
    struct ts_pci_range range = {.bar = function_registers(&function.information),
                                 .length = TS_PAGE_SIZE};
    ts_handle_t memory;
    void *mapped;
    size_t bytes;
    EXPECT(ts_call_handle(function.device, TS_PCI_BAR, &range, sizeof(range), NULL, 0, &memory),
           TS_OK);
    EXPECT(ts_memory_map(memory, NULL, TS_PAGE_SIZE, 0, TS_MAP_READ | TS_MAP_WRITE, &mapped),
           TS_OK);
    if (!good) {
        return;
    }
    EXPECT(ts_list(function.pci, mapped, TS_PAGE_SIZE, 0, &bytes), TS_ERR_FAULT);
    EXPECT(ts_op(function.pci,
                 &(struct ts_op){
                     .op = TS_OP_OPEN, .rights = TS_RIGHTS_ALL, .address = mapped, .length = 8},
                 NULL),
           TS_ERR_FAULT);
    EXPECT(ts_memory_unmap(mapped, TS_PAGE_SIZE), TS_OK);
    ts_close(memory);
}

static void test_vectors(void)
{
    EXPECT(get_vector(function.information.vectors), TS_ERR_RANGE);
    EXPECT(get_vector(4095), TS_ERR_RANGE);
    EXPECT(get_vector(UINT32_MAX), TS_ERR_RANGE);
}

static void test_bus_master(void)
{
    EXPECT(enable(TS_PCI_ENABLE_BUS_MASTER), TS_ERR_ARGUMENT); // no domain yet
    EXPECT(enable(0x8000), TS_ERR_ARGUMENT);
    EXPECT(enable(UINT32_MAX), TS_ERR_ARGUMENT);
    EXPECT(ts_call_bytes(function.device, TS_PCI_ENABLE, NULL, 0, NULL, 0, NULL), TS_ERR_ARGUMENT);
    EXPECT(ts_call_bytes(function.device, 4711, NULL, 0, NULL, 0, NULL), TS_ERR_UNSUPPORTED);
}

static void test_domain(void)
{
    ts_handle_t domain, memory;
    uint64_t bus;
    void *mapped;
    EXPECT(ts_call_handle(function.device, TS_PCI_DOMAIN, NULL, 0, NULL, 0, &domain), TS_OK);
    EXPECT(ts_memory_allocate(TS_PAGE_SIZE, 0, &memory, &mapped), TS_OK);
    if (!good) {
        return;
    }
    EXPECT(ts_domain_quiet(domain), TS_ERR_RIGHTS); // the PCI server's to say
    EXPECT(ts_domain_end(domain), TS_ERR_RIGHTS);
    EXPECT(enable(TS_PCI_ENABLE_BUS_MASTER), TS_ERR_ARGUMENT); // nobody answers for it yet
    EXPECT(ts_domain_drive(domain), TS_OK);
    EXPECT(enable(0), TS_OK);
    EXPECT(ts_domain_pin(domain, 0x00300000, 0, TS_PAGE_SIZE, &bus, 1), TS_ERR_HANDLE);
    EXPECT(ts_domain_pin(domain, domain, 0, TS_PAGE_SIZE, &bus, 1), TS_ERR_RIGHTS);
    EXPECT(ts_domain_pin(domain, memory, TS_PAGE_SIZE, TS_PAGE_SIZE, &bus, 1), TS_ERR_RANGE);
    EXPECT(ts_domain_pin(domain, memory, 0, TS_PAGE_SIZE, &bus, 1), TS_OK);
    EXPECT(ts_domain_unpin(domain, memory, 0, TS_PAGE_SIZE), TS_OK);
    EXPECT(ts_domain_unpin(domain, memory, 0, TS_PAGE_SIZE), TS_ERR_NOT_FOUND);
    ts_close(domain);
    ts_close(memory);
}

// A program that does one thing which the processor must refuse.
static bool ends(const char *what)
{
    char *arguments[] = {"driver_hostile", (char *)what, NULL};
    char *environment[] = {NULL};
    pid_t child;
    int status = 0;
    if (posix_spawn(&child, "/test/driver_hostile", NULL, NULL, arguments, environment) != 0 ||
        waitpid(child, &status, 0) != child) {
        printf("# cannot start the program again\n");
        return false;
    }
    return WIFSIGNALED(status);
}

static void test_ports(void)
{
    if (!ends("port")) {
        printf("# an instruction for ports went through\n");
        good = false;
    }
    for (uint32_t i = 0; i < TS_PCI_BARS; i++) {
        if (function.information.bars[i].kind == TS_PCI_BAR_IO) {
            EXPECT(get_range(i, function.information.bars[i].size, 1), TS_ERR_RANGE);
            EXPECT(get_range(i, 0, function.information.bars[i].size + 1), TS_ERR_RANGE);
        }
    }
}

static void test_physical_memory(void)
{
    if (!ends("memory")) {
        printf("# the machine's configuration space can be read\n");
        good = false;
    }
    ts_handle_t memory;
    // The device object is no resource, whatever numbers methods have.
    EXPECT(ts_resource_memory(function.device, 0xb0000000, TS_PAGE_SIZE, 0, &memory),
           TS_ERR_ARGUMENT);
}

static const struct {
    const char *name;
    void (*run)(void);
} tests[TESTS] = {
    {"neighbours", test_neighbours},
    {"configuration_reads", test_configuration_reads},
    {"configuration_writes", test_configuration_writes},
    {"bars", test_bars},
    {"message_table", test_message_table},
    {"memory_handle", test_memory_handle},
    {"rule_q14_device_memory_is_no_buffer", test_device_memory_as_buffer},
    {"vectors", test_vectors},
    {"bus_master", test_bus_master},
    {"domain", test_domain},
    {"ports", test_ports},
    {"physical_memory", test_physical_memory},
};

static int misbehave(const char *how)
{
    if (strcmp(how, "port") == 0) {
        __asm__ volatile("outl %0, %1" : : "a"(0x80000000), "Nd"((uint16_t)0xcf8));
    } else {
        (void)*(volatile uint32_t *)(uintptr_t)0xb0000000; // where ECAM lies
    }
    return 0; // nobody refused
}

// (The tests' machine has such a function: tools/tessera_cmd/testing/suites.py.)
static bool has_registers_and_messages(const struct ts_pci_information *information)
{
    return information->msix_bar < TS_PCI_BARS && function_has_registers(information);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return misbehave(argv[1]);
    }
    printf("1..%u\n", TESTS);
    if (!function_find(&function, has_registers_and_messages)) {
        printf("Bail out! no PCI server, or no free function\n");
        return 1;
    }
    printf("# holds %s\n", function.address);
    bool all = true;
    for (unsigned i = 0; i < TESTS; i++) {
        good = true;
        tests[i].run();
        printf("%sok %u - %s\n", good ? "" : "not ", i + 1, tests[i].name);
        all &= good;
    }
    return !all;
}
