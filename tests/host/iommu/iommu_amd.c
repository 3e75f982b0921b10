// SPDX-License-Identifier: MIT
// Devices behind an AMD-Vi unit reach what is mapped for them and nothing else, at every moment,
// though the hardware remembers all it can; their faults are told, once; they send their own
// interrupts alone.
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arch/iommu.h>
#include <machine/descriptors.h>
#include <machine/iommu.h>
#include <tessera/abi/status.h>
#include "amd_model.h"
#include "ivrs_table.h"
#include "tests/host/check.h"

#define DEVICE  0x18u
#define OTHER   0x20u
#define FAR     0x218u // behind the second unit, if there is one
#define SPECIAL 0x98u  // has a region
#define BRIDGED 0x310u
#define BRIDGE  0xa4u
#define REGION  0x7d000000u
#define PAGES   2048u
#define ROUNDS  20000u

static struct device_hold *const owner = (struct device_hold *)0x1000; // only passed on

// A machine with a region of the firmware's for the functions from `first` to `last`.
static void start_with(uint8_t type, uint16_t first, uint16_t last)
{
    struct table t = {.length = 48};
    uint32_t unit = put_unit(&t, 0x11, MODEL_UNIT, MODEL_REGISTERS);
    put_entry(&t, 1, 0, 0);
    put_alias(&t, 0x43, 0x300, BRIDGE);
    put_entry(&t, 4, 0x3ff, 0);
    put_special(&t, 1, 7, MODEL_IO_APIC);
    finish(&t, unit);
    put_region(&t, type, first, last, REGION, 0x2000);
    model_start(t.bytes, t.length);
    CHECK(arch_dma_held(DEVICE));
    CHECK_EQUAL(remap_active(), model_io_apic == 7);
}

static void start(void)
{
    start_with(0x21, SPECIAL, 0);
}

static struct arch_dma *driver(uint16_t source)
{
    struct arch_dma *dma;
    CHECK_EQUAL(arch_dma_create(source, owner, &dma), TS_OK);
    CHECK_EQUAL(arch_dma_admit(dma, 7), TS_OK);
    return dma;
}

static uint64_t page(unsigned i)
{
    return UINT64_C(0x100000000) + (uint64_t)i * PAGE_SIZE;
}

static void nothing_is_open(void)
{
    start();
    for (uint32_t source = 0; source < 65536; source += source % 256 == 32 ? 224 : 1) {
        bool own = source == SPECIAL;
        CHECK(!model_access((uint16_t)source, page(0), true));
        CHECK(!model_access((uint16_t)source, 0, false));
        CHECK_EQUAL(model_access((uint16_t)source, REGION + 0x1ff8, true), own);
        CHECK_EQUAL(model_message((uint16_t)source, 0x40), 0);
    }
    CHECK_EQUAL(model_message(MODEL_UNIT, VECTOR_DMA_FAULT), VECTOR_DMA_FAULT);
    CHECK_EQUAL(model_faults, 0); // nobody asked for them yet
}

static void old_units(void)
{
    model_forgets_all = false;
    nothing_is_open();
}

// An I/O APIC that firmware does not name: interrupts are as without an IOMMU, memory is held.
static void not_remapped(void)
{
    model_io_apic = 8;
    start();
    CHECK(!model_access(DEVICE, page(0), true));
    CHECK_EQUAL(model_message(DEVICE, 0x40), 0x40);
    struct arch_dma *dma = driver(DEVICE);
    CHECK(!model_access(DEVICE, MODEL_OLD_PAGE, true));
    arch_dma_destroy(dma);
}

static void drivers_reach_their_own(void)
{
    start();
    struct arch_dma *dma = driver(DEVICE);
    CHECK(!model_access(DEVICE, MODEL_OLD_PAGE, true)); // firmware's
    CHECK_EQUAL(model_faults, 1);
    model_faults = 0;
    CHECK_EQUAL(arch_dma_admit(dma, 7), TS_OK);
    CHECK(!model_access(DEVICE, page(1), true)); // which it remembers
    model_faults = 0;
    CHECK_EQUAL(arch_dma_admit(dma, 7), TS_OK);
    CHECK_EQUAL(arch_dma_map(dma, page(1)), TS_OK);
    CHECK(model_access(DEVICE, page(1), true) && model_access(DEVICE, page(1), false));
    CHECK(!model_access(OTHER, page(1), true)); // it has no driver
    CHECK_EQUAL(model_faults, 1);
    CHECK(model_fault.device == OTHER && model_fault.admission == 0);
    CHECK(!model_access(OTHER, page(1), true)); // it was silenced
    CHECK_EQUAL(model_faults, 1);
    CHECK_EQUAL(arch_dma_map(dma, page(1)), TS_OK); // twice
    arch_dma_unmap(dma, page(1));
    arch_dma_flush(dma);
    CHECK(model_access(DEVICE, page(1), true));
    arch_dma_unmap(dma, page(1));
    arch_dma_flush(dma);
    CHECK(!model_access(DEVICE, page(1) + 8, true));
    CHECK_EQUAL(model_faults, 2);
    CHECK(model_fault.device == DEVICE && model_fault.address == page(1) && model_fault.write);
    CHECK(model_fault.reason == 2 && !model_fault.message);
    arch_dma_destroy(dma);
    CHECK_EQUAL(model_tables, 0);
}

// After a fault all is blocked, and one report made, until there is the next driver.
static void faults_end_it(void)
{
    start();
    struct arch_dma *dma = driver(DEVICE);
    CHECK_EQUAL(arch_dma_map(dma, page(1)), TS_OK);
    CHECK(model_access(DEVICE, page(1), false));
    CHECK(!model_access(DEVICE, page(2), false));
    CHECK(model_faults == 1 && !model_fault.write && model_fault.admission == 7);
    CHECK(!model_access(DEVICE, page(1), false));
    CHECK_EQUAL(model_message(DEVICE, 0x40), 0);
    CHECK_EQUAL(model_faults, 1);
    arch_dma_unmap(dma, page(1));
    arch_dma_destroy(dma);
    dma = driver(DEVICE);
    CHECK(!model_access(DEVICE, page(1), false)); // the former's
    CHECK_EQUAL(model_faults, 2);
    arch_dma_destroy(dma);
    CHECK_EQUAL(model_tables, 0);
}

static void blocked_by_its_end(void)
{
    start();
    struct arch_dma *dma = driver(DEVICE), *again;
    CHECK_EQUAL(arch_dma_map(dma, page(1)), TS_OK);
    CHECK(model_access(DEVICE, page(1), true));
    arch_dma_block(dma);
    CHECK(!model_access(DEVICE, page(1), true));
    arch_dma_unmap(dma, page(1));
    arch_dma_destroy(dma);
    for (unsigned i = 0; i < 1000; i++) { // no slot is lost
        again = driver(DEVICE);
        arch_dma_destroy(again);
    }
    CHECK_EQUAL(model_tables, 0);
}

// Whole tables (512 entries in use), then any order, against counts.
static void follows_any_order(void)
{
    static uint32_t counts[PAGES];
    start();
    struct arch_dma *dma = driver(DEVICE);
    for (unsigned i = 0; i < PAGES; i++) {
        CHECK_EQUAL(arch_dma_map(dma, page(i)), TS_OK);
    }
    for (unsigned i = 0; i < PAGES; i++) {
        CHECK(model_access(DEVICE, page(i), i % 2));
    }
    for (unsigned i = 0; i < PAGES; i++) {
        arch_dma_unmap(dma, page(i));
    }
    arch_dma_flush(dma);
    CHECK_EQUAL(model_tables, 1); // the root
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned i = (unsigned)random_below(16) * 128 + (unsigned)random_below(4);
        if (random_below(2) || counts[i] == 0) {
            CHECK_EQUAL(arch_dma_map(dma, page(i)), TS_OK);
            counts[i]++;
        } else {
            arch_dma_unmap(dma, page(i));
            arch_dma_flush(dma);
            counts[i]--;
        }
        if (counts[i]) {
            CHECK(model_access(DEVICE, page(i), round % 2));
        } else if (round % 64 == 0) {
            CHECK(!model_access(DEVICE, page(i), round % 2));
            CHECK_EQUAL(arch_dma_admit(dma, 7), TS_OK); // it was silenced
        }
    }
    for (unsigned i = 0; i < PAGES; i++) {
        for (; counts[i]; counts[i]--) {
            arch_dma_unmap(dma, page(i));
        }
    }
    arch_dma_destroy(dma);
    CHECK_EQUAL(model_tables, 0);
}

static void keeps_to_limits(void)
{
    start();
    struct arch_dma *dma = driver(DEVICE);
    unsigned often = 0;
    while (arch_dma_map(dma, page(3)) == TS_OK) {
        often++;
    }
    CHECK_EQUAL(often, 511);
    for (; often; often--) {
        CHECK(model_access(DEVICE, page(3), true));
        arch_dma_unmap(dma, page(3));
        arch_dma_flush(dma);
    }
    CHECK(!model_access(DEVICE, page(3), true));
    CHECK_EQUAL(arch_dma_admit(dma, 7), TS_OK); // it was silenced
    CHECK_EQUAL(arch_dma_map(dma, UINT64_C(1) << 48), TS_ERR_RANGE);
    int64_t tables = model_tables;
    model_no_memory = true;
    CHECK_EQUAL(arch_dma_map(dma, page(4)), TS_ERR_LIMIT);
    arch_dma_flush(dma);
    CHECK_EQUAL(model_tables, tables);
    arch_dma_destroy(dma);
    CHECK_EQUAL(model_tables, 0);
}

static void own_interrupts_alone(void)
{
    uint64_t address;
    uint32_t data;
    start();
    CHECK_EQUAL(remap_io_apic_source(7), MODEL_IO_APIC);
    CHECK(remap_set(3, VECTOR_DEVICE + 3, 1, false, DEVICE));
    CHECK(remap_set(4, VECTOR_DEVICE + 4, 1, true, MODEL_IO_APIC));
    CHECK(remap_set(5, VECTOR_DEVICE + 5, 1, false, BRIDGED));
    CHECK(!remap_set(6, VECTOR_DEVICE + 6, 1, false, IOMMU_NO_SOURCE));
    remap_message(3, VECTOR_DEVICE + 3, &address, &data);
    CHECK_EQUAL(address, 0xfee00000);
    CHECK_EQUAL(model_message(DEVICE, data), VECTOR_DEVICE + 3);
    CHECK_EQUAL(model_message(MODEL_IO_APIC, VECTOR_DEVICE + 4), VECTOR_DEVICE + 4);
    CHECK_EQUAL(model_message(BRIDGE, VECTOR_DEVICE + 5), VECTOR_DEVICE + 5);
    struct arch_dma *dma = driver(DEVICE); // leaves interrupts as they are
    CHECK_EQUAL(model_message(DEVICE, data), VECTOR_DEVICE + 3);
    CHECK_EQUAL(model_faults, 0);
    CHECK_EQUAL(model_message(DEVICE, VECTOR_DEVICE + 4), 0);
    CHECK(model_faults == 1 && model_fault.message && model_fault.device == DEVICE);
    CHECK_EQUAL(model_message(OTHER, VECTOR_DEVICE + 3), 0);
    remap_clear(3);
    CHECK_EQUAL(model_message(DEVICE, data), 0);
    arch_dma_destroy(dma);
}

// What firmware uses stays open until a driver has faulted, and is the next one's again.
static void regions_of_firmware(void)
{
    start();
    CHECK(model_access(SPECIAL, REGION, true) && !model_access(SPECIAL, REGION + 0x2000, true));
    struct arch_dma *dma = driver(SPECIAL);
    CHECK(model_access(SPECIAL, REGION, true) && model_access(SPECIAL, REGION + 0x1000, false));
    arch_dma_block(dma);
    CHECK(!model_access(SPECIAL, REGION, true));
    arch_dma_destroy(dma);
    CHECK_EQUAL(model_tables, 0);
}

// A region for several functions, of which some bear another's number: it is that one's.
static void region_of_what_bears_another(void)
{
    start_with(0x22, BRIDGED, BRIDGED + 7);
    CHECK(model_access(BRIDGE, REGION + 0x1000, true));
    CHECK(!model_access(BRIDGE, REGION + 0x2000, true) && !model_access(OTHER, REGION, true));
}

// More than there is room for: nothing is used, and the log says so.
static unsigned lines;

static void count_line(void)
{
    lines++;
}

static void more_than_there_is_room_for(void)
{
    struct table t = {.length = 48};
    uint32_t unit = put_unit(&t, 0x11, MODEL_UNIT, MODEL_REGISTERS);
    for (uint16_t i = 0; i < 130; i++) { // each is two claims
        put_alias(&t, 0x42, (uint16_t)(0x300 + i), BRIDGE);
    }
    finish(&t, unit);
    model_logged = count_line;
    model_start(t.bytes, t.length);
    CHECK(!arch_dma_held(DEVICE) && lines > 0);
}

static void no_domain_behind_a_bridge(void)
{
    struct arch_dma *dma;
    start();
    CHECK(arch_dma_held(BRIDGED) && arch_dma_held(BRIDGE));
    CHECK_EQUAL(arch_dma_create(BRIDGED, owner, &dma), TS_ERR_UNSUPPORTED);
    CHECK_EQUAL(arch_dma_create(BRIDGE, owner, &dma), TS_ERR_UNSUPPORTED);
}

// Faults of many that have no driver: after 64 nobody listens until there is the next one. The log
// runs over meanwhile, and works again.
static void floods(void)
{
    start();
    struct arch_dma *dma = driver(DEVICE);
    for (unsigned source = 0x1000; source < 0x1400; source++) {
        CHECK(!model_access((uint16_t)source, page(0), true));
    }
    CHECK_EQUAL(model_faults, 64);
    CHECK_EQUAL(arch_dma_admit(dma, 7), TS_OK);
    CHECK(!model_access(DEVICE, page(7), false));
    CHECK_EQUAL(model_faults, 65);
    CHECK(model_fault.device == DEVICE && model_fault.address == page(7));
    arch_dma_destroy(dma);
}

// The log runs over before the interrupt is taken.
static void late_interrupt(void)
{
    start();
    struct arch_dma *dma = driver(DEVICE);
    model_deaf = true;
    for (unsigned i = 0; i < 300; i++) {
        CHECK(!model_access(DEVICE, page(i), true));
    }
    model_deaf = false;
    iommu_interrupt();
    CHECK_EQUAL(model_faults, 1);
    CHECK_EQUAL(arch_dma_admit(dma, 7), TS_OK);
    CHECK(!model_access(DEVICE, page(7), false));
    CHECK_EQUAL(model_faults, 2);
    arch_dma_destroy(dma);
}

// A fault that nobody has looked at when the next driver begins is not that one's; others' are
// told.
static void late_faults(void)
{
    start();
    struct arch_dma *dma = driver(DEVICE), *other = driver(OTHER);
    model_deaf = true;
    CHECK(!model_access(DEVICE, page(1), true) && !model_access(OTHER, page(2), true));
    CHECK_EQUAL(arch_dma_map(dma, page(3)), TS_OK);
    CHECK_EQUAL(arch_dma_admit(dma, 8), TS_OK);
    model_deaf = false;
    iommu_interrupt();
    CHECK(model_faults == 1 && model_fault.device == OTHER && model_fault.admission == 7);
    CHECK(model_access(DEVICE, page(3), true));
    arch_dma_close(dma);
    CHECK_EQUAL(arch_dma_admit(dma, 9), TS_ERR_GONE);
    CHECK(!model_access(DEVICE, page(3), true));
    arch_dma_unmap(dma, page(3));
    arch_dma_destroy(dma);
    arch_dma_destroy(other);
    CHECK_EQUAL(model_tables, 0);
}

// The same where the hardware shows an event before it has written it.
static void late_and_slow(void)
{
    start();
    struct arch_dma *dma = driver(DEVICE);
    model_deaf = true;
    model_slow = 50; // more than what a driver's beginning waits for otherwise
    CHECK(!model_access(DEVICE, page(1), true));
    CHECK_EQUAL(arch_dma_map(dma, page(3)), TS_OK);
    CHECK_EQUAL(arch_dma_admit(dma, 8), TS_OK);
    model_deaf = false;
    iommu_interrupt();
    CHECK_EQUAL(model_faults, 0);
    CHECK(model_access(DEVICE, page(3), true));
    arch_dma_unmap(dma, page(3));
    arch_dma_destroy(dma);
}

// The log runs over by events that are of no device, and so do not count.
static void noise(void)
{
    start();
    struct arch_dma *dma = driver(DEVICE);
    for (unsigned i = 0; i < 300; i++) {
        model_noise();
    }
    iommu_interrupt();
    CHECK_EQUAL(model_faults, 0);
    CHECK(!model_access(DEVICE, page(7), false));
    CHECK_EQUAL(model_faults, 1);
    arch_dma_destroy(dma);
}

// Events come while noise is read, more than the ring has room for at once: the one that counts is
// behind all that one look at the ring takes. No interrupt tells of it.
static void comes_while_noise_is_read(void)
{
    static unsigned logged;
    logged++;
    if (logged == 1) {
        model_noise();
    } else if (logged == 2) {
        CHECK(!model_access(DEVICE, page(7), false));
    }
}

static void faults_behind_noise(void)
{
    start();
    struct arch_dma *dma = driver(DEVICE);
    for (unsigned i = 0; i < 255; i++) {
        model_noise();
    }
    model_deaf = true;
    model_logged = comes_while_noise_is_read;
    iommu_interrupt();
    CHECK_EQUAL(model_faults, 1);
    CHECK(model_fault.device == DEVICE && model_fault.address == page(7));
    arch_dma_destroy(dma);
}

// What is behind one unit and bears the number of a function behind another: it reaches nothing,
// whatever that one may.
static void two_units(void)
{
    struct table t = {.length = 48};
    model_units = 2;
    for (unsigned i = 0; i < model_units; i++) {
        uint32_t unit =
            put_unit(&t, 0x11, (uint16_t)MODEL_FUNCTION(i), MODEL_REGISTERS + 0x4000 * i);
        put_entry(&t, 3, (uint16_t)(0x200 * i), 0);
        put_entry(&t, 4, (uint16_t)(0x200 * i + 0x1ff), 0);
        if (i == 0) {
            put_special(&t, 1, 7, MODEL_IO_APIC);
        }
        finish(&t, unit);
    }
    model_start(t.bytes, t.length);
    CHECK(remap_active());
    struct arch_dma *dma = driver(DEVICE), *far = driver(FAR);
    uint64_t address;
    uint32_t data;
    CHECK_EQUAL(arch_dma_map(dma, page(1)), TS_OK);
    CHECK_EQUAL(arch_dma_map(far, page(2)), TS_OK);
    CHECK(remap_set(3, VECTOR_DEVICE + 3, 1, false, DEVICE));
    remap_message(3, VECTOR_DEVICE + 3, &address, &data);
    CHECK(model_access(DEVICE, page(1), true) && !model_access(FAR, page(2), true));
    CHECK_EQUAL(model_message(DEVICE, data), VECTOR_DEVICE + 3);
    model_at = 1;
    CHECK(model_access(FAR, page(2), true) && !model_access(DEVICE, page(1), true));
    CHECK_EQUAL(model_message(DEVICE, data), 0);
    model_at = 0;
    CHECK(model_access(DEVICE, page(1), true)); // its driver is not ended for it
    arch_dma_unmap(dma, page(1));
    arch_dma_unmap(far, page(2));
    arch_dma_destroy(dma);
    arch_dma_destroy(far);
    CHECK_EQUAL(model_tables, 0);
}

// The code's state is that of one boot.
static void run(void (*test)(void), const char *name)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        test();
        exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    if (status != 0) {
        fprintf(stderr, "%s failed\n", name);
    }
    CHECK_EQUAL(status, 0);
}

int main(void)
{
    run(nothing_is_open, "nothing_is_open");
    run(old_units, "old_units");
    run(not_remapped, "not_remapped");
    run(drivers_reach_their_own, "drivers_reach_their_own");
    run(faults_end_it, "faults_end_it");
    run(blocked_by_its_end, "blocked_by_its_end");
    run(follows_any_order, "follows_any_order");
    run(keeps_to_limits, "keeps_to_limits");
    run(own_interrupts_alone, "own_interrupts_alone");
    run(regions_of_firmware, "regions_of_firmware");
    run(region_of_what_bears_another, "region_of_what_bears_another");
    run(more_than_there_is_room_for, "more_than_there_is_room_for");
    run(no_domain_behind_a_bridge, "no_domain_behind_a_bridge");
    run(floods, "floods");
    run(late_interrupt, "late_interrupt");
    run(late_faults, "late_faults");
    run(late_and_slow, "late_and_slow");
    run(noise, "noise");
    run(faults_behind_noise, "faults_behind_noise");
    run(two_units, "two_units");
    return 0;
}
