// SPDX-License-Identifier: MIT
// Finding and reading ACPI tables. Firmware is treated as any other stranger: addresses must be in
// the direct map's reach, lengths inside of limits, sums zero, entries inside of their table.
//
// Tables are mapped read-only into the kernel window one by one (they may lie in memory that the
// map calls reserved, which the direct map leaves out). There are a dozen; the mappings stay.
#include <machine/acpi.h>

#include <arch/boot.h>
#include <arch/interrupt.h>
#include <arch/memory.h>
#include <log.h>
#include <string.h>

#define ADDRESS_MAX    (UINT64_C(1) << 46)
#define TABLE_MAX      (1u << 20)
#define FIRMWARE_MAX   (16u << 20) // of a range that is searched
#define BIOS_AREA      0xe0000u
#define BIOS_AREA_SIZE 0x20000u
#define ROOT_OLD_SIZE  20u
#define ROOT_NEW_SIZE  36u

#define FADT_WITH_BOOT_WORD 3u // the revision from which on it has IAPC_BOOT_ARCH
#define BOOT_WORD_I8042     2u

struct acpi_info acpi;

extern uint8_t acpi_root_copy[ROOT_NEW_SIZE]; // boot/multiboot.c

struct header {
    char signature[4];
    uint32_t length;
    uint8_t revision, checksum;
    char oem[26 - 4 + 4];
} __attribute__((packed));
_Static_assert(sizeof(struct header) == 36, "ACPI table header");

// Fields are read at byte offsets, as the specification's tables give them.
static uint16_t read16(const void *at, size_t offset)
{
    uint16_t value;
    memcpy(&value, (const char *)at + offset, sizeof(value));
    return value;
}

static uint32_t read32(const void *at, size_t offset)
{
    uint32_t value;
    memcpy(&value, (const char *)at + offset, sizeof(value));
    return value;
}

static uint64_t read64(const void *at, size_t offset)
{
    uint64_t value;
    memcpy(&value, (const char *)at + offset, sizeof(value));
    return value;
}

static uint8_t read8(const void *at, size_t offset)
{
    return ((const uint8_t *)at)[offset];
}

static bool sum_ok(const void *at, size_t length)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < length; i++) {
        sum = (uint8_t)(sum + read8(at, i));
    }
    return sum == 0;
}

static const void *map(paddr_t address, uint64_t length)
{
    if (!address || address >= ADDRESS_MAX) {
        return NULL;
    }
    return (const void *)(uintptr_t)arch_device_map(address, length, ARCH_PROT_READ,
                                                    ARCH_CACHE_WRITE_BACK);
}

// A whole, checked table, or NULL.
static const struct header *table_map(paddr_t address)
{
    const struct header *header = map(address, sizeof(*header));
    if (header == NULL || header->length < sizeof(*header) || header->length > TABLE_MAX) {
        return NULL;
    }
    uint32_t length = header->length;
    if ((address & PAGE_MASK) + length > PAGE_SIZE) {
        header = map(address, length);
    }
    if (header == NULL || !sum_ok(header, length)) {
        log_warn("acpi: the table at %#lx is damaged", (unsigned long)address);
        return NULL;
    }
    return header;
}

static void madt_isa(const uint8_t *entry)
{
    uint8_t source = entry[3];
    uint16_t flags = read16(entry, 8);
    if (entry[2] != 0 || source >= ACPI_ISA_LINES) {
        return;
    }
    struct acpi_isa_line *line = &acpi.isa[source];
    line->line = read32(entry, 4);
    line->flags =
        ((flags & 3) == 3 ? TS_LINE_LOW : 0) | ((flags >> 2 & 3) == 3 ? TS_LINE_LEVEL : 0);
}

// Some firmware names a CPU in both of the table's forms. To start it twice would reset it while it
// runs.
static bool cpu_is_known(uint32_t apic_id)
{
    for (uint32_t i = 0; i < acpi.cpu_count; i++) {
        if (acpi.cpu_apic_id[i] == apic_id) {
            return true;
        }
    }
    return false;
}

// `all` is the id that means every CPU, in the form of the table that it comes from.
static void madt_cpu(uint32_t apic_id, uint32_t all, uint32_t flags)
{
    if (!(flags & 1) || apic_id == all || cpu_is_known(apic_id)) { // bit 0: enabled
        return;
    }
    if (acpi.cpu_count == CPU_MAX) {
        log_warn("acpi: more than %d CPUs", CPU_MAX);
        return;
    }
    acpi.cpu_apic_id[acpi.cpu_count++] = apic_id;
}

static void madt_entry(const uint8_t *entry, uint8_t length)
{
    switch (entry[0]) {
    case 0:
        if (length >= 8) {
            madt_cpu(entry[3], UINT8_MAX, read32(entry, 4));
        }
        break;
    case 1:
        if (length >= 12 && acpi.io_apic_count < ACPI_IO_APIC_MAX) {
            acpi.io_apic[acpi.io_apic_count++] =
                (struct acpi_io_apic){read32(entry, 4), read32(entry, 8), entry[2]};
        }
        break;
    case 2:
        if (length >= 10) {
            madt_isa(entry);
        }
        break;
    case 5:
        if (length >= 12 && read64(entry, 4) < ADDRESS_MAX) {
            acpi.local_apic = read64(entry, 4);
        }
        break;
    case 9:
        if (length >= 16) {
            madt_cpu(read32(entry, 4), UINT32_MAX, read32(entry, 8));
        }
        break;
    default: break;
    }
}

static void read_madt(const struct header *table)
{
    if (table->length < 44) {
        return;
    }
    acpi.have_madt = true;
    acpi.local_apic = read32(table, 36);
    const uint8_t *at = (const uint8_t *)table;
    for (uint32_t offset = 44; offset + 2 <= table->length;) {
        uint8_t length = at[offset + 1];
        if (length < 2 || length > table->length - offset) {
            break;
        }
        madt_entry(at + offset, length);
        offset += length;
    }
}

static void read_mcfg(const struct header *table)
{
    for (uint32_t offset = 44; offset + 16 <= table->length; offset += 16) {
        uint64_t base = read64(table, offset);
        uint8_t first = read8(table, offset + 10), last = read8(table, offset + 11);
        if (read16(table, offset + 8) == 0 && base && base < ADDRESS_MAX && first <= last) {
            acpi.firmware.ecam_base = base;
            acpi.firmware.ecam_bus_first = first;
            acpi.firmware.ecam_bus_last = last;
            return;
        }
    }
}

static void read_hpet(const struct header *table)
{
    if (table->length >= 56 && read8(table, 40) == 0 && read64(table, 44) < ADDRESS_MAX) {
        acpi.hpet = read64(table, 44);
    }
}

// Read where they are used (iommu/dmar.c, iommu/ivrs.c). Of several the first counts.
static void keep(struct acpi_table *kept, const struct header *table)
{
    if (kept->at == NULL) {
        *kept = (struct acpi_table){table, table->length};
    }
}

static void read_dmar(const struct header *table)
{
    keep(&acpi.dmar, table);
}

static void read_ivrs(const struct header *table)
{
    keep(&acpi.ivrs, table);
}

// The package \_S5_ in the definition block, without interpreting it: NameOp "_S5_" PackageOp
// length count value value, where a value is ZeroOp, OneOp or BytePrefix and a byte.
static bool s5_value(const uint8_t **at, const uint8_t *end, uint8_t *out_value)
{
    if (*at >= end) {
        return false;
    }
    uint8_t op = *(*at)++;
    if (op == 0x0a) {
        if (*at >= end) {
            return false;
        }
        op = *(*at)++;
    } else if (op > 1) {
        return false;
    }
    *out_value = op & 7;
    return true;
}

static void read_dsdt(const struct header *table)
{
    const uint8_t *end = (const uint8_t *)table + table->length;
    for (const uint8_t *at = (const uint8_t *)(table + 1); at + 8 < end; at++) {
        if (memcmp(at, "_S5_", 4) != 0 || at[4] != 0x12) {
            continue;
        }
        const uint8_t *value = at + 5 + 1 + (at[5] >> 6) + 1; // package length, element count
        uint8_t a, b;
        if (s5_value(&value, end, &a) && s5_value(&value, end, &b)) {
            acpi.s5_a = a;
            acpi.s5_b = b;
            acpi.have_s5 = true;
            return;
        }
    }
}

static uint16_t io_port(uint32_t value)
{
    return value <= UINT16_MAX ? (uint16_t)value : 0;
}

static void read_fadt(const struct header *table)
{
    if (table->length < 116) {
        return;
    }
    acpi.smi_command = io_port(read32(table, 48));
    acpi.acpi_enable = read8(table, 52);
    acpi.pm1a_control = io_port(read32(table, 64));
    acpi.pm1b_control = io_port(read32(table, 68));
    acpi.pm_timer = read8(table, 91) == 4 ? io_port(read32(table, 76)) : 0;
    bool says = read8(table, 8) >= FADT_WITH_BOOT_WORD;
    acpi.firmware.no_i8042 = says && !(read16(table, 109) & BOOT_WORD_I8042);
    uint32_t flags = read32(table, 112);
    if ((flags & 1u << 10) && table->length >= 129) {
        acpi.reset = (struct acpi_register){read8(table, 116), read64(table, 120)};
        acpi.reset_value = read8(table, 128);
        acpi.have_reset =
            acpi.reset.address &&
            (acpi.reset.space == 0 ? acpi.reset.address < ADDRESS_MAX
                                   : acpi.reset.space == 1 && acpi.reset.address <= UINT16_MAX);
    }
    uint64_t dsdt = table->length >= 148 ? read64(table, 140) : 0;
    const struct header *definition = table_map(dsdt ? dsdt : read32(table, 40));
    if (definition != NULL && !memcmp(definition->signature, "DSDT", 4)) {
        read_dsdt(definition);
    }
}

static void read_table(paddr_t address)
{
    static const struct {
        char signature[5];
        void (*read)(const struct header *table);
    } readers[] = {{"APIC", read_madt}, {"MCFG", read_mcfg}, {"HPET", read_hpet},
                   {"FACP", read_fadt}, {"DMAR", read_dmar}, {"IVRS", read_ivrs}};
    const struct header *table = table_map(address);
    for (size_t i = 0; table != NULL && i < sizeof(readers) / sizeof(readers[0]); i++) {
        if (!memcmp(table->signature, readers[i].signature, 4)) {
            readers[i].read(table);
        }
    }
}

// Reads the tables that a root table lists; `width` is the size of its entries.
static bool read_root(paddr_t address, const char *signature, uint32_t width)
{
    const struct header *root = table_map(address);
    if (root == NULL || memcmp(root->signature, signature, 4) != 0) {
        return false;
    }
    for (uint32_t offset = sizeof(*root); offset + width <= root->length; offset += width) {
        read_table(width == 8 ? read64(root, offset) : read32(root, offset));
    }
    return true;
}

static bool root_ok(const void *root)
{
    if (memcmp(root, "RSD PTR ", 8) != 0 || !sum_ok(root, ROOT_OLD_SIZE)) {
        return false;
    }
    return read8(root, 15) < 2 || sum_ok(root, ROOT_NEW_SIZE);
}

static paddr_t root_search(const uint8_t *at, paddr_t base, uint64_t size)
{
    for (uint64_t offset = 0; offset + ROOT_NEW_SIZE <= size; offset += 16) {
        if (read64(at, offset) == read64(acpi_root_copy, 0) &&
            !memcmp(at + offset, acpi_root_copy, ROOT_OLD_SIZE)) {
            return base + offset;
        }
    }
    return 0;
}

// The loader gives a copy of the root pointer; programs want its place. A BIOS has it on a 16-byte
// border in its own area, UEFI somewhere in the memory that holds firmware's tables.
static paddr_t root_place(void)
{
    const uint8_t *bios = map(BIOS_AREA, BIOS_AREA_SIZE);
    paddr_t place = bios != NULL ? root_search(bios, BIOS_AREA, BIOS_AREA_SIZE) : 0;
    for (uint32_t i = 0; i < boot_info.range_count && !place; i++) {
        const struct boot_range *r = &boot_info.ranges[i];
        if (r->kind == BOOT_MEMORY_FIRMWARE && r->size <= FIRMWARE_MAX) {
            place = root_search(phys_to_virt(r->base), r->base, r->size);
        }
    }
    return place;
}

void acpi_init(void)
{
    for (uint32_t i = 0; i < ACPI_ISA_LINES; i++) {
        acpi.isa[i].line = i;
    }
    const void *root = acpi_root_copy;
    if (!root_ok(root)) {
        log_warn("acpi: no root pointer; one CPU, no device interrupts");
        return;
    }
    acpi.firmware.acpi_root = root_place();
    bool extended = read8(root, 15) >= 2 && read64(root, 24);
    if (!(extended && read_root(read64(root, 24), "XSDT", 8)) &&
        !read_root(read32(root, 16), "RSDT", 4)) {
        log_warn("acpi: the root table is damaged");
    }
}

void arch_firmware_describe(struct ts_firmware *out_firmware)
{
    *out_firmware = acpi.firmware;
}
