// SPDX-License-Identifier: MIT
// edu held|blocked|free: drivers of QEMU's "edu" device (docs/specs/edu of QEMU) that reach, by its
// DMA, for what is not theirs. `held`: an IOMMU is there, each attempt is stopped and ends the
// driver that made it. `blocked`: the IOMMU stops it and reports nothing (QEMU's of AMD). `free`:
// there is none, and the attempt succeeds, which shows that the others would.
//
// The parent holds the device and memory of its own, the victim. The drivers are children: this
// program again, with the device, and with the memory only where their attempt needs it. Since the
// parent keeps the device open the bus's server never stops it between two of them: what stops the
// device is the IOMMU alone.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/event.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/op.h>
#include <tessera/lib/process.h>
#include <tessera/lib/resource.h>
#include <tessera/lib/spawn.h>
#include <tessera/proto/pci.h>

enum { SOURCE = 0x80, TARGET = 0x88, COUNT = 0x90, COMMAND = 0x98, CAUSE = 0x24, ACK = 0x64 };
enum { RUN = 1, TO_MEMORY = 2, INTERRUPT = 4 };
#define BUFFER     0x40000u // the device's own memory
#define LENGTH     2048u    // QEMU 7.2 ends itself when all of the buffer is moved
#define PATTERN    0x5a
#define MINE       0xa5
#define KERNEL     0x100000u                 // where its image lies
#define FORGED     (0xfee00010u | 190u << 5) // the interrupt with number 190: nobody's
#define PATIENCE   (5 * TS_SECOND)
#define UNEXPECTED 3    // the attempt did not end the driver
#define LEAKED     4    // nor was it stopped
#define CYCLES     260u // more than an IOMMU holds devices

// What a child tells its parent.
struct note {
    uint64_t address;
};

static ts_handle_t device, domain, interrupt;
static volatile uint8_t *registers;
static struct note *note;

// ---- A driver

static void need(ts_status_t status, const char *what)
{
    if (status != TS_OK) {
        printf("# %s: %s\n", what, ts_status_name(status));
        exit(1);
    }
}

static void write64(unsigned offset, uint64_t value)
{
    *(volatile uint64_t *)(volatile void *)(registers + offset) = value;
}

static uint64_t read64(unsigned offset)
{
    return *(volatile uint64_t *)(volatile void *)(registers + offset);
}

static void begin(uint64_t source, uint64_t target, uint64_t length, unsigned command)
{
    write64(SOURCE, source);
    write64(TARGET, target);
    write64(COUNT, length);
    write64(COMMAND, RUN | command);
}

static void wait_done(void)
{
    ts_time_t deadline = ts_deadline_in(PATIENCE);
    while ((read64(COMMAND) & RUN) && ts_clock_now() < deadline) {
        ts_sleep_until(ts_deadline_in(5 * TS_MILLISECOND));
    }
}

static void open_device(void)
{
    struct ts_pci_range range = {.bar = 0, .length = TS_PAGE_SIZE};
    uint32_t vector = 0, flags = TS_PCI_ENABLE_MEMORY | TS_PCI_ENABLE_BUS_MASTER;
    ts_handle_t memory;
    void *mapped;
    device = ts_named_handle("device");
    need(ts_call_handle(device, TS_PCI_BAR, &range, sizeof(range), NULL, 0, &memory), "BAR");
    need(ts_memory_map(memory, NULL, TS_PAGE_SIZE, 0, TS_MAP_READ | TS_MAP_WRITE, &mapped), "map");
    registers = mapped;
    need(ts_call_handle(device, TS_PCI_DOMAIN, NULL, 0, NULL, 0, &domain), "domain");
    if (ts_call_bytes(device, TS_PCI_ENABLE, &flags, sizeof(flags), NULL, 0, NULL) !=
        TS_ERR_ARGUMENT) {
        need(TS_ERR_RIGHTS, "a bus master for which nobody answers");
    }
    need(ts_domain_drive(domain), "drive");
    need(ts_call_bytes(device, TS_PCI_ENABLE, &flags, sizeof(flags), NULL, 0, NULL), "enable");
    need(ts_call_handle(device, TS_PCI_VECTOR, &vector, sizeof(vector), NULL, 0, &interrupt),
         "vector");
}

// A page of the child's own, or the memory it was given, pinned.
static uint64_t pin(ts_handle_t memory)
{
    uint64_t bus;
    need(ts_domain_pin(domain, memory, 0, TS_PAGE_SIZE, &bus, 1), "pin");
    return bus;
}

// From its own page to the device and back to another, with the device's interrupt.
static int use_own(void)
{
    ts_handle_t from, to;
    void *here, *there;
    uint64_t count;
    need(ts_memory_allocate(TS_PAGE_SIZE, 0, &from, &here), "memory");
    need(ts_memory_allocate(TS_PAGE_SIZE, 0, &to, &there), "memory");
    memset(here, MINE, TS_PAGE_SIZE);
    begin(pin(from), BUFFER, LENGTH, INTERRUPT);
    need(ts_event_wait(interrupt, ts_deadline_in(PATIENCE), &count), "interrupt");
    *(volatile uint32_t *)(volatile void *)(registers + ACK) =
        *(volatile uint32_t *)(volatile void *)(registers + CAUSE);
    begin(BUFFER, pin(to), LENGTH, TO_MEMORY);
    wait_done();
    return memcmp(here, there, LENGTH) == 0 ? 0 : UNEXPECTED;
}

static int tell_address(void)
{
    ts_handle_t victim = ts_named_handle("victim");
    note->address = pin(victim);
    need(ts_domain_unpin(domain, victim, 0, TS_PAGE_SIZE), "unpin");
    return 0;
}

// What the device has read: the victim's bytes?
static bool has_leaked(void)
{
    ts_handle_t to;
    void *there;
    need(ts_memory_allocate(TS_PAGE_SIZE, 0, &to, &there), "memory");
    memset(there, PATTERN, TS_PAGE_SIZE);
    begin(BUFFER, pin(to), LENGTH, TO_MEMORY);
    wait_done();
    return memchr(there, PATTERN, LENGTH) != NULL;
}

static int attack(uint64_t address, bool write)
{
    if (write) {
        begin(BUFFER, address, LENGTH, TO_MEMORY);
    } else {
        begin(address, BUFFER, LENGTH, 0);
    }
    wait_done();
    ts_sleep_until(ts_deadline_in(TS_SECOND)); // for the end to come
    return !write && has_leaked() ? LEAKED : UNEXPECTED;
}

// The page is still the child's, but no longer the device's.
static int use_stale(void)
{
    ts_handle_t victim = ts_named_handle("victim");
    note->address = pin(victim);
    need(ts_domain_pin(domain, victim, 0, TS_PAGE_SIZE, &note->address, 1), "a second pin");
    need(ts_domain_unpin(domain, victim, 0, TS_PAGE_SIZE), "unpin");
    begin(note->address, BUFFER, 8, 0); // it still has the other pin
    wait_done();
    need(ts_domain_unpin(domain, victim, 0, TS_PAGE_SIZE), "unpin");
    return attack(note->address, true);
}

// Begins what takes the device 100 ms, and is gone by then.
static int leave_behind(void)
{
    begin(BUFFER, pin(ts_named_handle("victim")), LENGTH, TO_MEMORY);
    return 0;
}

static int forge(void)
{
    begin(BUFFER, FORGED, 4, TO_MEMORY);
    wait_done();
    return 0;
}

static int drive(const char *what, const char *where)
{
    void *mapped;
    uint64_t address = where ? strtoull(where, NULL, 16) : 0;
    need(ts_memory_map(ts_named_handle("note"), NULL, TS_PAGE_SIZE, 0, TS_MAP_READ | TS_MAP_WRITE,
                       &mapped),
         "note");
    note = mapped;
    open_device();
    return strcmp(what, "own") == 0     ? use_own()
           : strcmp(what, "where") == 0 ? tell_address()
           : strcmp(what, "write") == 0 ? attack(address, true)
           : strcmp(what, "read") == 0  ? attack(address, false)
           : strcmp(what, "stale") == 0 ? use_stale()
           : strcmp(what, "leave") == 0 ? leave_behind()
           : strcmp(what, "forge") == 0 ? forge()
                                        : 1;
}

// ---- The parent

static ts_handle_t pci, victim, note_memory;
static unsigned char *victim_bytes;
static bool all_good = true;
static bool is_told = true; // the IOMMU reports attempts

static void verdict(bool good, const char *name)
{
    printf("%s - %s\n", good ? "ok" : "not ok", name);
    all_good &= good;
}

static struct ts_process_report run(const char *what, uint64_t address, bool with_victim)
{
    char where[24];
    snprintf(where, sizeof(where), "%lx", (unsigned long)address);
    const char *arguments[] = {"edu", "drive", what, where, NULL};
    struct ts_spawn_handle handles[] = {{"device", device, TS_RIGHTS_SAME, 0},
                                        {"note", note_memory, TS_RIGHTS_SAME, 0},
                                        {"out", ts_named_handle("out"), TS_RIGHTS_SAME, 0},
                                        {"victim", victim, TS_RIGHTS_SAME, 0}};
    const struct ts_spawn spawn = {.name = what,
                                   .arguments = arguments,
                                   .handles = handles,
                                   .handle_count = with_victim ? 4 : 3};
    struct ts_process_report report = {0};
    ts_handle_t child;
    need(ts_spawn_path(&spawn, ts_named_handle(TS_NAME_FILE), "bin/edu", &child), "spawn");
    need(ts_process_wait(child, TS_DEADLINE_NONE, &report), "wait");
    ts_close(child);
    return report;
}

static bool ended_by_itself(struct ts_process_report report)
{
    return report.reason == TS_EXIT_STATUS && report.status == 0;
}

static bool was_stopped(struct ts_process_report report, uint64_t address, bool write)
{
    if (!is_told) {
        return report.reason == TS_EXIT_STATUS && report.status == UNEXPECTED;
    }
    if (report.reason != TS_EXIT_DMA || report.fault_address != address ||
        (report.fault_code == 1) != write) {
        printf("# reason %u, status %d, address %lx, write %u\n", report.reason, report.status,
               (unsigned long)report.fault_address, report.fault_code);
        return false;
    }
    return true;
}

static bool victim_whole(void)
{
    for (unsigned i = 0; i < TS_PAGE_SIZE; i++) {
        if (victim_bytes[i] != PATTERN) {
            printf("# byte %u is %02x\n", i, victim_bytes[i]);
            return false;
        }
    }
    return true;
}

static ts_status_t open_edu(void)
{
    ts_status_t status = TS_ERR_BUSY;
    for (unsigned i = 0; status == TS_ERR_BUSY && i < 5000; i++) {
        status = ts_open(pci, "1234:11e8", 0, TS_RIGHTS_SAME, &device);
        if (status == TS_ERR_BUSY) {
            ts_sleep_until(ts_deadline_in(TS_MILLISECOND));
        }
    }
    return status;
}

static void prepare(void)
{
    void *mapped;
    need(ts_open(ts_named_handle("control"), "pci", 0, TS_RIGHTS_SAME, &pci), "pci");
    need(open_edu(), "edu");
    need(ts_memory_allocate(TS_PAGE_SIZE, 0, &victim, &mapped), "memory");
    victim_bytes = mapped;
    memset(victim_bytes, PATTERN, TS_PAGE_SIZE);
    need(ts_memory_allocate(TS_PAGE_SIZE, 0, &note_memory, &mapped), "memory");
    note = mapped;
}

// Gives the device up again and again, and keeps what it had of it.
static bool keep_ended_domains(void)
{
    static ts_handle_t kept[CYCLES];
    ts_status_t status = TS_OK;
    unsigned i = 0;
    for (; status == TS_OK && i < CYCLES; i++) {
        status = ts_call_handle(device, TS_PCI_DOMAIN, NULL, 0, NULL, 0, &kept[i]);
        if (status == TS_OK) {
            status = ts_domain_drive(kept[i]);
        }
        ts_close(device);
        ts_status_t opened = open_edu();
        status = status == TS_OK ? opened : status;
    }
    if (status != TS_OK) {
        printf("# domain %u: %s\n", i, ts_status_name(status));
        return false;
    }
    return ts_domain_drive(kept[0]) == TS_ERR_GONE;
}

static void test_held(void)
{
    verdict(ended_by_itself(run("own", 0, false)), "what is pinned can be reached");
    verdict(ended_by_itself(run("where", 0, true)), "where the victim lies");
    uint64_t address = note->address;
    verdict(was_stopped(run("write", address, false), address, true) && victim_whole(),
            "another's memory is not written");
    verdict(was_stopped(run("read", address, false), address, false),
            "another's memory is not read");
    verdict(was_stopped(run("write", KERNEL, false), KERNEL, true), "the kernel is not written");
    verdict(was_stopped(run("stale", 0, true), address, true) && victim_whole(),
            "what was unpinned is not written");
    struct ts_process_report last = run("leave", 0, true);
    // Nobody has stopped the device, but its pin is gone with the driver.
    verdict(ended_by_itself(last) && ts_set_u64(victim, TS_PROPERTY_SIZE, 0) == TS_OK &&
                ts_set_u64(victim, TS_PROPERTY_SIZE, TS_PAGE_SIZE) == TS_OK,
            "pins go with their driver");
    memset(victim_bytes, PATTERN, TS_PAGE_SIZE);
    ts_sleep_until(ts_deadline_in(500 * TS_MILLISECOND));
    verdict(victim_whole(), "the device writes nothing for a driver that is gone");
    struct ts_process_report forged = run("forge", 0, false);
    verdict(ended_by_itself(forged) || forged.reason == TS_EXIT_DMA, "a forged interrupt");
    verdict(ended_by_itself(run("own", 0, false)), "the next driver finds all in order");
    verdict(keep_ended_domains(), "a domain that has ended holds nothing");
    ts_handle_t iommu; // Intel's is no function
    verdict(ts_open(pci, "class:0806", 0, TS_RIGHTS_SAME, &iommu) ==
                (is_told ? TS_ERR_NOT_FOUND : TS_ERR_RIGHTS),
            "an IOMMU has no driver");
}

static void test_free(void)
{
    verdict(ended_by_itself(run("where", 0, true)), "where the victim lies");
    (void)run("write", note->address, false);
    verdict(!victim_whole(), "nothing holds the device");
}

int main(int argc, char **argv)
{
    if (argc > 2) {
        return drive(argv[2], argc > 3 ? argv[3] : NULL);
    }
    prepare();
    if (argc > 1 && strcmp(argv[1], "free") == 0) {
        test_free();
    } else {
        is_told = argc < 2 || strcmp(argv[1], "blocked") != 0;
        test_held();
    }
    printf("%s\n", all_good ? "all is held" : "not all is held");
    return !all_good;
}
