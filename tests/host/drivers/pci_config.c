// SPDX-License-Identifier: MIT
// Capability walks, BAR sizing, MSI-X and scans over configuration spaces that lie.
#include "tests/host/check.h"

#include <drivers/pci/bar.h>
#include <drivers/pci/message.h>
#include <drivers/pci/registers.h>
#include <drivers/pci/scan.h>
#include <string.h>

// A machine of a few functions. Bits of `fixed` cannot be written.
struct fake {
    uint8_t bytes[4][256], fixed[4][256];
    uint16_t addresses[4];
    unsigned count, writes;
};

static uint32_t fake_read(void *context, uint16_t address, uint16_t offset, unsigned width)
{
    struct fake *m = context;
    uint32_t value = UINT32_MAX;
    for (unsigned i = 0; i < m->count; i++) {
        if (m->addresses[i] == address) {
            value = 0;
            memcpy(&value, &m->bytes[i][offset], width);
        }
    }
    return value;
}

static void fake_write(void *context, uint16_t address, uint16_t offset, unsigned width,
                       uint32_t value)
{
    struct fake *m = context;
    m->writes++;
    for (unsigned i = 0; i < m->count; i++) {
        for (unsigned b = 0; m->addresses[i] == address && b < width; b++) {
            uint8_t fixed = m->fixed[i][offset + b], new = (uint8_t)(value >> (8 * b));
            m->bytes[i][offset + b] = (uint8_t)((m->bytes[i][offset + b] & fixed) | (new & ~fixed));
        }
    }
}

static struct pci_function function_of(struct fake *m, unsigned index)
{
    return (struct pci_function){fake_read, fake_write, m, m->addresses[index], 256};
}

static void put(struct fake *m, unsigned i, unsigned offset, uint32_t value, unsigned width)
{
    memcpy(&m->bytes[i][offset], &value, width);
}

static struct fake *fresh(void)
{
    static struct fake m;
    m = (struct fake){.count = 1};
    put(&m, 0, PCI_VENDOR, 0x10421af4, 4);
    return &m;
}

static void test_registers(void)
{
    struct fake *m = fresh();
    struct pci_function f = function_of(m, 0);
    CHECK(pci_present(&f));
    CHECK_EQUAL(pci_read16(&f, 255), 0xffff); // not aligned
    CHECK_EQUAL(pci_read32(&f, 256), UINT32_MAX);
    CHECK_EQUAL(pci_read32(&f, 4096), UINT32_MAX);
    pci_write32(&f, 254, 0);
    pci_write32(&f, 256, 0);
    CHECK_EQUAL(m->writes, 0);
    CHECK_EQUAL(pci_command(&f, 0, PCI_COMMAND_BUS_MASTER), TS_OK);
    CHECK_EQUAL(pci_command(&f, PCI_COMMAND_BUS_MASTER, 0), TS_OK);
    memset(m->fixed[0] + PCI_COMMAND, 0xff, 2);
    CHECK_EQUAL(pci_command(&f, 0, PCI_COMMAND_BUS_MASTER), TS_ERR_IO);
    f.address = 77; // nobody there
    CHECK(!pci_present(&f));
    CHECK_EQUAL(pci_command(&f, PCI_COMMAND_BUS_MASTER, 0), TS_ERR_IO);
}

static void test_capabilities(void)
{
    struct fake *m = fresh();
    struct pci_function f = function_of(m, 0);
    struct pci_walk walk = {0};
    CHECK_EQUAL(pci_capability(&f, PCI_CAPABILITY_VENDOR, &walk), TS_ERR_NOT_FOUND);
    put(m, 0, PCI_STATUS, PCI_STATUS_CAPABILITIES, 2);
    put(m, 0, PCI_CAPABILITIES, 0x43, 1); // low bits are ignored
    put(m, 0, 0x40, 0x5009, 2);
    put(m, 0, 0x50, 0x6011, 2);
    put(m, 0, 0x60, 0x0009, 2);
    CHECK_EQUAL(pci_capability(&f, PCI_CAPABILITY_VENDOR, &walk), TS_OK);
    CHECK_EQUAL(walk.at, 0x40);
    CHECK_EQUAL(pci_capability(&f, PCI_CAPABILITY_VENDOR, &walk), TS_OK);
    CHECK_EQUAL(walk.at, 0x60);
    CHECK_EQUAL(pci_capability(&f, PCI_CAPABILITY_VENDOR, &walk), TS_ERR_NOT_FOUND);
    put(m, 0, 0x60, 0x4009, 2); // a loop
    walk = (struct pci_walk){0};
    unsigned found = 0;
    while (pci_capability(&f, PCI_CAPABILITY_VENDOR, &walk) == TS_OK) {
        CHECK(++found <= 48);
    }
    CHECK(found > 2);
    put(m, 0, 0x60, 0x1009, 2); // into the header
    walk = (struct pci_walk){0};
    CHECK_EQUAL(pci_capability(&f, PCI_CAPABILITY_MSI, &walk), TS_ERR_NOT_FOUND);
    memset(m->bytes[0] + 0x40, 0xff, 192); // all ones to the end
    walk = (struct pci_walk){0};
    CHECK_EQUAL(pci_capability(&f, PCI_CAPABILITY_MSI, &walk), TS_ERR_CORRUPT);
}

// A BAR register that decodes `size` bytes at `base`.
static void put_bar(struct fake *m, unsigned index, uint32_t base, uint32_t size, uint32_t flags)
{
    unsigned offset = PCI_BAR0 + 4 * index;
    uint32_t fixed = (size - 1) | flags;
    put(m, 0, offset, base | flags, 4);
    memcpy(&m->fixed[0][offset], &fixed, 4);
}

static void test_bars(void)
{
    struct fake *m = fresh();
    struct pci_function f = function_of(m, 0);
    struct pci_bar bars[TS_PCI_BARS];
    memset(m->fixed[0] + PCI_BAR0, 0xff, 24); // all absent
    put(m, 0, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY, 2);
    put_bar(m, 0, 0xfe000000, 0x4000, PCI_BAR_TYPE_64 | PCI_BAR_PREFETCHABLE);
    put(m, 0, PCI_BAR0 + 4, 0x12, 4);
    memset(m->fixed[0] + PCI_BAR0 + 4, 0, 4);
    put_bar(m, 2, 0xc040, 0x20, PCI_BAR_IO);
    put_bar(m, 3, 0xfeb00000, 0x1000, 0);
    put_bar(m, 4, 0xcf8, 8, PCI_BAR_IO);                // the ports of configuration space
    put_bar(m, 5, 0xd0000000, 0x1000, PCI_BAR_TYPE_64); // no room for its upper half
    pci_bars_read(&f, bars);
    CHECK_EQUAL(bars[0].kind, TS_PCI_BAR_MEMORY);
    CHECK_EQUAL(bars[0].base, 0x12fe000000);
    CHECK_EQUAL(bars[0].size, 0x4000);
    CHECK(bars[0].prefetchable);
    CHECK_EQUAL(bars[1].kind, TS_PCI_BAR_NONE);
    CHECK_EQUAL(bars[2].kind, TS_PCI_BAR_IO);
    CHECK_EQUAL(bars[2].base, 0xc040);
    CHECK_EQUAL(bars[2].size, 0x20);
    CHECK_EQUAL(bars[3].base, 0xfeb00000);
    CHECK_EQUAL(bars[4].kind, TS_PCI_BAR_NONE);
    CHECK_EQUAL(bars[5].kind, TS_PCI_BAR_NONE);
    CHECK_EQUAL(pci_read16(&f, PCI_COMMAND), PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
    CHECK_EQUAL(pci_read32(&f, PCI_BAR0 + 12), 0xfeb00000);
}

static void test_bars_senseless(void)
{
    struct pci_bar bars[TS_PCI_BARS];
    for (unsigned round = 0; round < 20000; round++) {
        struct fake *m = fresh();
        struct pci_function f = function_of(m, 0);
        for (unsigned i = PCI_BAR0; i < PCI_BAR0 + 24; i++) {
            m->bytes[0][i] = (uint8_t)random_below(256);
            m->fixed[0][i] = (uint8_t)random_below(256);
        }
        pci_bars_read(&f, bars);
        for (unsigned i = 0; i < TS_PCI_BARS; i++) {
            if (bars[i].kind != TS_PCI_BAR_NONE) {
                CHECK(bars[i].size != 0 && (bars[i].size & (bars[i].size - 1)) == 0);
                CHECK(bars[i].base % bars[i].size == 0);
                CHECK(bars[i].base + (bars[i].size - 1) >= bars[i].base);
            }
        }
    }
}

static void test_msix(void)
{
    struct fake *m = fresh();
    struct pci_function f = function_of(m, 0);
    struct pci_bar bars[TS_PCI_BARS] = {[1] = {0xfe000000, 0x1000, TS_PCI_BAR_MEMORY, false}};
    struct pci_msix msix;
    put(m, 0, PCI_STATUS, PCI_STATUS_CAPABILITIES, 2);
    put(m, 0, PCI_CAPABILITIES, 0x40, 1);
    put(m, 0, 0x40, 0x00030011, 4);
    put(m, 0, 0x44, 0x801, 4); // BAR 1, offset 0x800
    pci_msix_find(&f, bars, &msix);
    CHECK_EQUAL(msix.entries, 4);
    CHECK_EQUAL(msix.bar, 1);
    CHECK_EQUAL(msix.offset, 0x800);
    CHECK_EQUAL(pci_msix_enable(&f, &msix, true), TS_OK);
    CHECK_EQUAL(pci_read16(&f, 0x42), 0x8003);
    static const uint32_t bad[] = {0x1001, 0xfe1, 0x802, 0x807, 0xfffffff9};
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        put(m, 0, 0x44, bad[i], 4);
        pci_msix_find(&f, bars, &msix);
        CHECK_EQUAL(msix.entries, 0);
    }
}

static void test_msi(void)
{
    struct fake *m = fresh();
    struct pci_function f = function_of(m, 0);
    CHECK_EQUAL(pci_msi_find(&f), 0);
    put(m, 0, PCI_STATUS, PCI_STATUS_CAPABILITIES, 2);
    put(m, 0, PCI_CAPABILITIES, 0x60, 1);
    put(m, 0, 0x60, 0x00000005, 4);
    CHECK_EQUAL(pci_msi_find(&f), 0x60);
    CHECK_EQUAL(pci_msi_set(&f, 0x60, UINT64_C(1) << 32, 1), TS_ERR_OVERFLOW);
    CHECK_EQUAL(pci_msi_set(&f, 0x60, 0xfee01000, 0x41), TS_OK);
    CHECK_EQUAL(pci_read32(&f, 0x64), 0xfee01000);
    CHECK_EQUAL(pci_read16(&f, 0x68), 0x41);
    CHECK_EQUAL(pci_read16(&f, 0x62) & PCI_MSI_CONTROL_ENABLE, 1);
    CHECK_EQUAL(pci_msi_disable(&f, 0x60), TS_OK);
}

static bool count_function(void *context, const struct pci_function *f)
{
    (void)f;
    ++*(unsigned *)context;
    return true;
}

static void test_scan(void)
{
    static struct fake m;
    m = (struct fake){.count = 4,
                      .addresses = {PCI_ADDRESS(2, 0, 0), PCI_ADDRESS(2, 0, 3),
                                    PCI_ADDRESS(5, 31, 0), PCI_ADDRESS(9, 0, 0)}};
    for (unsigned i = 0; i < 4; i++) {
        put(&m, i, PCI_VENDOR, 0x10001af4, 4);
    }
    put(&m, 0, PCI_HEADER, PCI_HEADER_MULTI_FUNCTION, 1);
    put(&m, 1, PCI_HEADER, PCI_HEADER_BRIDGE, 1);
    put(&m, 1, PCI_SECONDARY_BUS, 5, 1);
    put(&m, 2, PCI_HEADER, PCI_HEADER_BRIDGE, 1);
    put(&m, 2, PCI_SECONDARY_BUS, 2, 1); // back to where it came from
    struct pci_function machine = {fake_read, fake_write, &m, 0, 256};
    unsigned found = 0;
    pci_scan(&machine, 2, 6, count_function, &found);
    CHECK_EQUAL(found, 3);               // bus 9 is behind no bridge
    put(&m, 2, PCI_SECONDARY_BUS, 9, 1); // out of the range
    found = 0;
    pci_scan(&machine, 2, 6, count_function, &found);
    CHECK_EQUAL(found, 3);
    CHECK_EQUAL(m.writes, 0);
}

int main(void)
{
    test_registers();
    test_capabilities();
    test_bars();
    test_bars_senseless();
    test_msix();
    test_msi();
    test_scan();
    return 0;
}
