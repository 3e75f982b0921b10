// SPDX-License-Identifier: MIT
// ACPI's tables, in a physical memory of the test's own. Each mapping is a copy of the pages asked
// for. Each table ends at the end of a page, so that ASan sees a read behind it.
#include <tests/host/check.h>

#include <arch/boot.h>
#include <arch/interrupt.h>
#include <arch/memory.h>
#include <log.h>
#include <machine/acpi.h>
#include <string.h>

#define MEMORY     0x10000u
#define ROOT       (0x2000u - ROOT_SIZE) // XSDT
#define MADT       (0x3000u - MADT_SIZE)
#define MCFG       (0x4000u - MCFG_SIZE)
#define HPET       (0x5000u - HPET_SIZE)
#define FADT       (0x6000u - FADT_SIZE)
#define DSDT       (0x8000u - DSDT_SIZE) // across a page's border
#define ROOT_SIZE  (HEADER + 4u * 8u)
#define MADT_SIZE  (44u + 4u * 8u + 3u * 16u + 12u + 10u)
#define MCFG_SIZE  (44u + 16u)
#define HPET_SIZE  56u
#define FADT_SIZE  148u
#define DSDT_SIZE  0x1100u
#define ROUNDS     10000u
#define MAPS_MAX   512u
#define HEADER     36u
#define LOCAL_APIC 0xfee00000u

static uint8_t memory[MEMORY];
static void *maps[MAPS_MAX];
static unsigned map_count;

char *world_ram; // no range of firmware's is searched here
struct boot_info boot_info;
extern uint8_t acpi_root_copy[36];
uint8_t acpi_root_copy[36];

volatile void *arch_device_map(paddr_t address, uint64_t bytes, unsigned prot,
                               enum arch_cache cache)
{
    (void)prot, (void)cache;
    if (map_count == MAPS_MAX) {
        return NULL;
    }
    paddr_t end = (address + bytes + PAGE_MASK) & ~PAGE_MASK;
    bytes = end - address;
    uint8_t *copy = calloc(1, bytes);
    for (uint64_t i = 0; i < bytes && address + i < MEMORY; i++) {
        copy[i] = memory[address + i];
    }
    return maps[map_count++] = copy;
}

void log_write(enum log_level level, const char *format, ...)
{
    (void)level, (void)format;
}

// ---- Tables

static void put(uint32_t at, uint64_t value, unsigned bytes)
{
    memcpy(&memory[at], &value, bytes);
}

static void sum(uint8_t *bytes, uint32_t length, uint32_t place)
{
    uint8_t total = 0;
    bytes[place] = 0;
    for (uint32_t i = 0; i < length; i++) {
        total = (uint8_t)(total + bytes[i]);
    }
    bytes[place] = (uint8_t)-total;
}

static void table_sum(uint32_t at)
{
    uint32_t length;
    memcpy(&length, &memory[at + 4], sizeof(length));
    if (at + (uint64_t)length <= MEMORY) {
        sum(&memory[at], length, 9);
    }
}

static void table(uint32_t at, const char *signature, uint32_t length)
{
    memcpy(&memory[at], signature, 4);
    put(at + 4, length, 4);
}

static uint32_t cpu_old(uint32_t at, uint8_t id, uint32_t flags)
{
    put(at, 0 | 8 << 8, 2);
    put(at + 3, id, 1);
    put(at + 4, flags, 4);
    return at + 8;
}

static uint32_t cpu_new(uint32_t at, uint32_t id, uint32_t flags)
{
    put(at, 9 | 16 << 8, 2);
    put(at + 4, id, 4);
    put(at + 8, flags, 4);
    return at + 16;
}

// Three CPUs, one of them named twice, one that is not enabled; the ids that mean all CPUs.
static void make_madt(void)
{
    uint32_t at = MADT + 44;
    put(MADT + 36, LOCAL_APIC, 4);
    at = cpu_old(at, 0, 1);
    at = cpu_old(at, 2, 1);
    at = cpu_old(at, 4, 0);
    at = cpu_old(at, 0xff, 1);
    at = cpu_new(at, 2, 1);
    at = cpu_new(at, 0x100, 1);
    at = cpu_new(at, UINT32_MAX, 1);
    put(at, 1 | 12 << 8, 2); // I/O APIC
    put(at + 4, 0xfec00000, 4);
    at += 12;
    put(at, 2 | 10 << 8, 2); // line 0 is line 2, level, low
    put(at + 4, 2, 4);
    put(at + 8, 0xf, 2);
    CHECK_EQUAL(at + 10, MADT + MADT_SIZE);
    table(MADT, "APIC", MADT_SIZE);
}

static void make_fadt(void)
{
    table(FADT, "FACP", FADT_SIZE);
    put(FADT + 8, 3, 1);
    put(FADT + 64, 0x604, 4);
    put(FADT + 109, 2, 2); // a keyboard controller
    put(FADT + 91, 4, 1);
    put(FADT + 76, 0x608, 4);
    put(FADT + 112, 1u << 10, 4);
    put(FADT + 116, 1, 1);
    put(FADT + 120, 0xcf9, 8);
    put(FADT + 128, 6, 1);
    put(FADT + 140, DSDT, 8);
    static const uint8_t s5[] = {8, '_', 'S', '5', '_', 0x12, 6, 4, 0x0a, 5, 1, 0, 0};
    table(DSDT, "DSDT", DSDT_SIZE);
    memcpy(&memory[DSDT + DSDT_SIZE - sizeof(s5)], s5, sizeof(s5));
}

static void make(void)
{
    static const uint32_t tables[] = {MADT, MCFG, HPET, FADT};
    memset(memory, 0, sizeof(memory));
    memcpy(acpi_root_copy, "RSD PTR ", 8);
    acpi_root_copy[15] = 2;
    const uint64_t root = ROOT;
    memcpy(&acpi_root_copy[24], &root, sizeof(root));
    table(ROOT, "XSDT", ROOT_SIZE);
    for (unsigned i = 0; i < 4; i++) {
        put(ROOT + HEADER + 8 * i, tables[i], 8);
    }
    make_madt();
    table(MCFG, "MCFG", MCFG_SIZE);
    put(MCFG + 44, 0xb0000000, 8);
    put(MCFG + 44 + 11, 0xff, 1);
    table(HPET, "HPET", HPET_SIZE);
    put(HPET + 44, 0xfed00000, 8);
    make_fadt();
}

static void sums(void)
{
    static const uint32_t tables[] = {ROOT, MADT, MCFG, HPET, FADT, DSDT};
    sum(acpi_root_copy, 20, 8);
    sum(acpi_root_copy, 36, 32);
    for (unsigned i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
        table_sum(tables[i]);
    }
}

static void read_all(void)
{
    memset(&acpi, 0, sizeof(acpi));
    memset(&boot_info, 0, sizeof(boot_info));
    acpi_init();
    while (map_count > 0) {
        free(maps[--map_count]);
    }
}

// ---- Checks

static void check_whatever_they_say(void)
{
    CHECK(acpi.cpu_count <= CPU_MAX && acpi.io_apic_count <= ACPI_IO_APIC_MAX);
    for (uint32_t i = 0; i < acpi.cpu_count; i++) {
        CHECK(acpi.cpu_apic_id[i] != UINT32_MAX);
        for (uint32_t j = 0; j < i; j++) {
            CHECK(acpi.cpu_apic_id[i] != acpi.cpu_apic_id[j]);
        }
    }
    CHECK(acpi.s5_a <= 7 && acpi.s5_b <= 7);
    CHECK(acpi.firmware.ecam_bus_first <= acpi.firmware.ecam_bus_last &&
          acpi.firmware.ecam_bus_last <= 0xff);
}

static void good_tables(void)
{
    make();
    sums();
    read_all();
    check_whatever_they_say();
    CHECK(acpi.have_madt && acpi.local_apic == LOCAL_APIC);
    CHECK_EQUAL(acpi.cpu_count, 3);
    CHECK(acpi.cpu_apic_id[0] == 0 && acpi.cpu_apic_id[1] == 2 && acpi.cpu_apic_id[2] == 0x100);
    CHECK(acpi.io_apic_count == 1 && acpi.io_apic[0].address == 0xfec00000);
    CHECK(acpi.isa[0].line == 2 && acpi.isa[0].flags == (TS_LINE_LOW | TS_LINE_LEVEL));
    CHECK(acpi.isa[1].line == 1 && acpi.isa[1].flags == 0);
    CHECK(acpi.hpet == 0xfed00000 && acpi.pm_timer == 0x608 && acpi.pm1a_control == 0x604);
    CHECK(acpi.have_reset && acpi.reset.address == 0xcf9 && acpi.reset_value == 6);
    CHECK(acpi.have_s5 && acpi.s5_a == 5 && acpi.s5_b == 1);
    CHECK(acpi.firmware.ecam_base == 0xb0000000 && acpi.firmware.ecam_bus_last == 0xff);
    CHECK_EQUAL(acpi.firmware.no_i8042, 0);
}

// Only a table that is new enough says that there is none.
static void no_keyboard_controller(void)
{
    make();
    put(FADT + 109, 0xfffd, 2);
    sums();
    read_all();
    CHECK_EQUAL(acpi.firmware.no_i8042, 1);
    put(FADT + 8, 1, 1);
    sums();
    read_all();
    CHECK_EQUAL(acpi.firmware.no_i8042, 0);
}

// Small numbers and those at the ends of ranges find more than others.
static uint8_t any_byte(void)
{
    static const uint8_t likely[] = {0, 1, 2, 8, 0x10, 0x7f, 0x80, 0xff};
    return random_below(2) != 0 ? likely[random_below(sizeof(likely))] : (uint8_t)random_next();
}

static void damaged_tables(void)
{
    static const uint32_t tables[] = {ROOT, MADT, MCFG, HPET, FADT, DSDT, 0x8000 - 160};
    for (unsigned round = 0; round < ROUNDS; round++) {
        make();
        for (uint64_t i = random_below(6); i > 0; i--) {
            memory[tables[random_below(7)] + random_below(160)] = any_byte();
        }
        if (random_below(8) == 0) {
            acpi_root_copy[random_below(sizeof(acpi_root_copy))] = any_byte();
        }
        if (random_below(16) != 0) {
            sums();
        }
        read_all();
        check_whatever_they_say();
    }
}

int main(void)
{
    good_tables();
    no_keyboard_controller();
    damaged_tables();
    return 0;
}
