// SPDX-License-Identifier: MIT
#include "machine.h"

#include <tessera/lib/bootstrap.h>
#include <tessera/lib/log.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/resource.h>

#define PORT_FIRST 0xcf8u
#define PORT_COUNT 8u
#define PORT_DATA  4u // from PORT_FIRST
#define BUS_SPACE  (UINT64_C(1) << 20)
#define BUS_ENABLE 0x80000000u

static uint32_t ports_read(void *context, uint16_t address, uint16_t offset, unsigned width)
{
    const struct machine *m = context;
    uint32_t value, select = BUS_ENABLE | (uint32_t)address << 8 | (offset & 0xfcu);
    if (ts_io_write(m->ports, 0, 4, select) != TS_OK ||
        ts_io_read(m->ports, (uint16_t)(PORT_DATA + offset % 4), width, &value) != TS_OK) {
        return UINT32_MAX;
    }
    return value;
}

static void ports_write(void *context, uint16_t address, uint16_t offset, unsigned width,
                        uint32_t value)
{
    const struct machine *m = context;
    uint32_t select = BUS_ENABLE | (uint32_t)address << 8 | (offset & 0xfcu);
    // A write that failed shows when the register is read back, as callers that need it do.
    if (ts_io_write(m->ports, 0, 4, select) == TS_OK) {
        (void)ts_io_write(m->ports, (uint16_t)(PORT_DATA + offset % 4), width, value);
    }
}

static volatile uint8_t *ecam_at(struct machine *m, uint16_t address, uint16_t offset)
{
    unsigned bus = ts_device_id_bus(address);
    if (bus < m->bus_first || bus > m->bus_last) {
        return NULL;
    }
    if (m->buses[bus] == NULL) {
        volatile void *mapped;
        uint64_t base = m->ecam + (bus - m->bus_first) * BUS_SPACE;
        if (machine_map(m, base, BUS_SPACE, &mapped) != TS_OK) {
            return NULL;
        }
        m->buses[bus] = mapped;
    }
    return m->buses[bus] + ((uint32_t)(address & 0xff) << 12 | offset);
}

static uint32_t ecam_read(void *context, uint16_t address, uint16_t offset, unsigned width)
{
    volatile uint8_t *at = ecam_at(context, address, offset);
    if (at == NULL) {
        return UINT32_MAX;
    }
    return width == 1   ? *at
           : width == 2 ? *(volatile uint16_t *)(volatile void *)at
                        : *(volatile uint32_t *)(volatile void *)at;
}

static void ecam_write(void *context, uint16_t address, uint16_t offset, unsigned width,
                       uint32_t value)
{
    volatile uint8_t *at = ecam_at(context, address, offset);
    if (at == NULL) {
        return;
    }
    if (width == 1) {
        *at = (uint8_t)value;
    } else if (width == 2) {
        *(volatile uint16_t *)(volatile void *)at = (uint16_t)value;
    } else {
        *(volatile uint32_t *)(volatile void *)at = value;
    }
}

// Whether ECAM is there and answers; what the firmware's table says is only a claim.
static bool use_ecam(struct machine *m)
{
    struct ts_boot_information boot;
    ts_handle_t memory = ts_named_handle(TS_NAME_BOOT);
    if (!memory || ts_read_all(memory, &boot, sizeof(boot), 0) != TS_OK ||
        boot.version != TS_BOOT_INFORMATION_VERSION || boot.firmware.ecam_base == 0 ||
        boot.firmware.ecam_base % BUS_SPACE != 0 ||
        boot.firmware.ecam_bus_first > boot.firmware.ecam_bus_last ||
        boot.firmware.ecam_bus_last > 255) {
        return false;
    }
    m->bus_first = (uint8_t)boot.firmware.ecam_bus_first;
    m->bus_last = (uint8_t)boot.firmware.ecam_bus_last;
    m->ecam = boot.firmware.ecam_base;
    m->access = (struct pci_function){ecam_read, ecam_write, m, 0, 4096};
    struct pci_function host = m->access;
    host.address = PCI_ADDRESS(m->bus_first, 0, 0);
    return pci_present(&host);
}

static ts_status_t use_ports(struct machine *m)
{
    m->bus_first = 0;
    m->bus_last = 255;
    m->access = (struct pci_function){ports_read, ports_write, m, 0, 256};
    return ts_resource_io_range(m->io, PORT_FIRST, PORT_COUNT, &m->ports);
}

ts_status_t machine_open(struct machine *m)
{
    m->physical = ts_named_handle(TS_NAME_RESOURCE_PHYSICAL);
    m->interrupt = ts_named_handle(TS_NAME_RESOURCE_INTERRUPT);
    m->domain = ts_named_handle(TS_NAME_RESOURCE_DOMAIN);
    m->io = ts_named_handle(TS_NAME_RESOURCE_IO);
    if (!m->physical || !m->interrupt || !m->domain || !m->io) {
        return TS_ERR_NOT_FOUND;
    }
    if (use_ecam(m)) {
        return TS_OK;
    }
    ts_log("no memory-mapped configuration space, using ports");
    return use_ports(m);
}

bool machine_is_configuration(const struct machine *m, uint64_t base, uint64_t size)
{
    uint64_t end = m->ecam + (m->bus_last - m->bus_first + 1u) * BUS_SPACE;
    return m->ecam != 0 && base < end && m->ecam < base + size;
}

ts_status_t machine_map(const struct machine *m, uint64_t base, uint64_t length,
                        volatile void **out)
{
    uint64_t start = base & ~(uint64_t)(TS_PAGE_SIZE - 1);
    uint64_t size = TS_PAGE_ROUND(base + length - start);
    ts_handle_t memory;
    ts_status_t status = ts_resource_memory(m->physical, start, size, TS_CACHE_UNCACHED, &memory);
    if (status != TS_OK) {
        return status;
    }
    void *mapped;
    status = ts_memory_map(memory, NULL, size, 0, TS_MAP_READ | TS_MAP_WRITE, &mapped);
    ts_close(memory); // the mapping keeps it
    if (status == TS_OK) {
        *out = (uint8_t *)mapped + (base - start);
    }
    return status;
}

void machine_unmap(volatile void *address, uint64_t length)
{
    uintptr_t at = (uintptr_t)address, start = at & ~(uintptr_t)(TS_PAGE_SIZE - 1);
    // Nothing to be done if the kernel refuses to undo what it has done: the space stays used.
    (void)ts_memory_unmap((void *)start, TS_PAGE_ROUND(at + length - start));
}
