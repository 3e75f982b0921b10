// SPDX-License-Identifier: MIT
// Drivers that give their device up, by closing it or by their end: what becomes of their pins, and
// when the next one gets the device.
//
// Run from the shell: the named handle `control` leads to the PCI server.
#include "lib/function.h"
#include "lib/tap.h"

#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/event.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/op.h>
#include <tessera/lib/process.h>
#include <tessera/lib/resource.h>
#include <tessera/lib/spawn.h>

#define PATIENCE (20 * TS_SECOND)

static struct function function; // that is held between tests

static bool has_all(const struct ts_pci_information *information)
{
    bool ports = false;
    for (uint32_t i = 0; i < TS_PCI_BARS; i++) {
        ports |= information->bars[i].kind == TS_PCI_BAR_IO;
    }
    return ports && information->vectors > 0 && function_has_registers(information);
}

static ts_status_t get_registers(ts_handle_t *out_memory)
{
    struct ts_pci_range range = {.bar = function_registers(&function.information),
                                 .length = TS_PAGE_SIZE};
    return ts_call_handle(function.device, TS_PCI_BAR, &range, sizeof(range), NULL, 0, out_memory);
}

static ts_status_t map_registers(ts_handle_t memory, void **out_mapped)
{
    return ts_memory_map(memory, NULL, TS_PAGE_SIZE, 0, TS_MAP_READ | TS_MAP_WRITE, out_mapped);
}

// The function has no driver, and something of it is left in somebody's hands: nobody gets it, and
// that is not a matter of time.
static void check_kept(void)
{
    for (unsigned i = 0; i < 30; i++) {
        ts_handle_t other;
        ts_status_t status = ts_open(function.pci, function.address, 0, TS_RIGHTS_SAME, &other);
        if (status == TS_OK) {
            ts_close(other);
        }
        CHECK_EQUAL(status, TS_ERR_BUSY);
        ts_sleep_until(ts_deadline_in(10 * TS_MILLISECOND));
    }
}

// What was pinned goes with the device, and its domain is no way back to it.
static void giving_up(void)
{
    ts_handle_t domain, memory;
    uint64_t bus;
    CHECK_OK(ts_call_handle(function.device, TS_PCI_DOMAIN, NULL, 0, NULL, 0, &domain));
    CHECK_OK(ts_memory_create(TS_PAGE_SIZE, 0, &memory));
    CHECK_OK(ts_domain_pin(domain, memory, 0, TS_PAGE_SIZE, &bus, 1));
    CHECK_EQUAL(ts_set_u64(memory, TS_PROPERTY_SIZE, 0), TS_ERR_BUSY);
    ts_close(function.device);
    CHECK_OK(function_take_again(&function));
    CHECK_OK(ts_set_u64(memory, TS_PROPERTY_SIZE, TS_PAGE_SIZE));
    CHECK_EQUAL(ts_domain_pin(domain, memory, 0, TS_PAGE_SIZE, &bus, 1), TS_ERR_GONE);
    CHECK_EQUAL(ts_domain_drive(domain), TS_ERR_GONE);
    CHECK_OK(ts_set_u64(memory, TS_PROPERTY_SIZE, 0));
    ts_close(domain);
    ts_close(memory);
}

static void rule_d14_registers_keep_the_device(void)
{
    ts_handle_t memory;
    void *mapped;
    CHECK_OK(get_registers(&memory));
    CHECK_OK(map_registers(memory, &mapped));
    ts_close(function.device);
    check_kept();
    CHECK_OK(ts_memory_unmap(mapped, TS_PAGE_SIZE));
    check_kept(); // it could be mapped anew
    CHECK_OK(map_registers(memory, &mapped));
    ts_close(memory);
    check_kept();
    CHECK_OK(ts_memory_unmap(mapped, TS_PAGE_SIZE));
    CHECK_OK(function_take_again(&function));
}

// Of all that a driver can have but memory, one thing after the other is let go.
static void rule_d14_ports_and_interrupts_keep_the_device(void)
{
    uint32_t index = 0;
    ts_handle_t kept[TS_PCI_BARS + 1];
    unsigned count = 0;
    for (uint32_t i = 0; i < TS_PCI_BARS; i++) {
        struct ts_pci_range range = {.bar = i};
        if (function.information.bars[i].kind == TS_PCI_BAR_IO) {
            CHECK_OK(ts_call_handle(function.device, TS_PCI_BAR, &range, sizeof(range), NULL, 0,
                                    &kept[count++]));
        }
    }
    CHECK_OK(ts_call_handle(function.device, TS_PCI_VECTOR, &index, sizeof(index), NULL, 0,
                            &kept[count++]));
    CHECK(count >= 2);
    ts_close(function.device);
    while (count > 0) {
        check_kept();
        ts_close(kept[--count]);
    }
    CHECK_OK(function_take_again(&function));
}

// This program again, with something to do with the function, which is free.
static ts_handle_t start(const char *what, const char *name, ts_handle_t handle)
{
    const char *arguments[] = {"driver_gives_up", what, function.address, NULL};
    struct ts_spawn_handle handles[] = {{"control", ts_named_handle("control"), TS_RIGHTS_SAME, 0},
                                        {name, handle, TS_RIGHTS_SAME, 0}};
    const struct ts_spawn spawn = {
        .name = what, .arguments = arguments, .handles = handles, .handle_count = 2};
    ts_handle_t child;
    CHECK_OK(ts_spawn_path(&spawn, ts_named_handle(TS_NAME_FILE), "test/driver_gives_up", &child));
    return child;
}

static void check_end(ts_handle_t child, uint32_t reason)
{
    struct ts_process_report report;
    CHECK_OK(ts_process_wait(child, ts_deadline_in(PATIENCE), &report));
    CHECK_EQUAL(report.reason, reason);
    ts_close(child);
}

static void rule_d14_kept_until_the_end_of_the_process(void)
{
    ts_handle_t told;
    uint64_t count;
    CHECK_OK(ts_event_create(0, &told));
    ts_close(function.device);
    ts_handle_t child = start("keep", "told", told);
    CHECK_OK(ts_event_wait(told, ts_deadline_in(PATIENCE), &count));
    check_kept();
    CHECK_OK(ts_process_kill(child));
    check_end(child, TS_EXIT_KILLED);
    CHECK_OK(function_take_again(&function));
    ts_close(told);
}

// A driver that dies with memory pinned for its device: nobody gets the pages before it is quiet.
static void rule_d05_pins_of_the_dead_go_when_it_is_quiet(void)
{
    ts_handle_t memory;
    CHECK_OK(ts_memory_create(TS_PAGE_SIZE, 0, &memory));
    ts_close(function.device);
    check_end(start("pin", "memory", memory), TS_EXIT_FAULT); // its last act, once it had pinned
    CHECK_OK(function_take_again(&function));
    CHECK_OK(ts_set_u64(memory, TS_PROPERTY_SIZE, 0)); // quiet, and not pinned any more
    ts_close(memory);
}

// ---- The children

// Gives the function up, but for a mapping of its registers, and lives.
static int keep_registers(void)
{
    ts_handle_t memory;
    void *mapped;
    if (get_registers(&memory) != TS_OK || map_registers(memory, &mapped) != TS_OK) {
        return 1;
    }
    ts_close(memory);
    ts_close(function.device);
    if (ts_event_signal(ts_named_handle("told"), 1) == TS_OK) {
        ts_sleep_until(ts_deadline_in(10 * PATIENCE));
    }
    return 1;
}

// Pins memory that is not its own alone, and dies of a fault. What goes wrong before is its status.
static int pin_and_die(void)
{
    ts_handle_t domain, memory = ts_named_handle("memory");
    uint64_t bus;
    if (ts_call_handle(function.device, TS_PCI_DOMAIN, NULL, 0, NULL, 0, &domain) == TS_OK &&
        ts_domain_pin(domain, memory, 0, TS_PAGE_SIZE, &bus, 1) == TS_OK &&
        ts_set_u64(memory, TS_PROPERTY_SIZE, 0) == TS_ERR_BUSY) {
        *(volatile int *)(uintptr_t)8 = 1;
    }
    return 1;
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(giving_up),
        TAP(rule_d14_registers_keep_the_device),
        TAP(rule_d14_ports_and_interrupts_keep_the_device),
        TAP(rule_d14_kept_until_the_end_of_the_process),
        TAP(rule_d05_pins_of_the_dead_go_when_it_is_quiet),
    };
    if (argc > 2) {
        if (function_take(&function, argv[2]) != TS_OK) {
            return 1;
        }
        return strcmp(argv[1], "keep") == 0 ? keep_registers() : pin_and_die();
    }
    if (!function_find(&function, has_all)) {
        tap_note("no PCI server, or no free function");
    }
    return TAP_RUN(tests);
}
