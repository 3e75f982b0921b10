// SPDX-License-Identifier: MIT
// Virtio capabilities, good and bad.
#include "tests/host/check.h"

#include <drivers/pci/registers.h>
#include <drivers/virtio/layout.h>
#include <string.h>

static uint8_t space[256];

static uint32_t space_read(void *context, uint16_t address, uint16_t offset, unsigned width)
{
    uint32_t value = 0;
    (void)context;
    (void)address;
    memcpy(&value, space + offset, width);
    return value;
}

static void space_write(void *context, uint16_t address, uint16_t offset, unsigned width,
                        uint32_t value)
{
    (void)context;
    (void)address;
    memcpy(space + offset, &value, width);
}

static const struct pci_function function = {space_read, space_write, NULL, 0, 256};

static void capability(unsigned at, unsigned next, uint8_t length, uint8_t type, uint8_t bar,
                       uint32_t offset, uint32_t size)
{
    uint32_t words[4] = {PCI_CAPABILITY_VENDOR | next << 8 | (uint32_t)length << 16 |
                             (uint32_t)type << 24,
                         bar, offset, size};
    memcpy(space + at, words, sizeof(words));
}

static void good(void)
{
    memset(space, 0, sizeof(space));
    space[PCI_STATUS] = PCI_STATUS_CAPABILITIES;
    space[PCI_CAPABILITIES] = 0x40;
    capability(0x40, 0x50, 16, 1, 4, 0, 0x1000);
    capability(0x50, 0x60, 16, 3, 4, 0x1000, 0x1000);
    capability(0x60, 0x70, 16, 4, 4, 0x2000, 0x1000);
    capability(0x70, 0, 20, 2, 4, 0x3000, 0x1000);
    space[0x80] = 4;
}

int main(void)
{
    static const uint64_t sizes[6] = {[4] = 0x4000};
    struct virtio_layout layout;
    good();
    CHECK_EQUAL(virtio_layout_find(&function, sizes, &layout), TS_OK);
    CHECK_EQUAL(layout.notify.offset, 0x3000);
    CHECK_EQUAL(layout.notify_multiplier, 4);
    CHECK_EQUAL(layout.device.length, 0x1000);
    // Of two of a kind the first that is good counts.
    good();
    capability(0x70, 0x90, 20, 2, 4, 0x3001, 0x1000);
    capability(0x90, 0xb0, 20, 2, 5, 0, 0x1000);
    capability(0xb0, 0, 20, 2, 4, 0x3800, 0x800);
    CHECK_EQUAL(virtio_layout_find(&function, sizes, &layout), TS_OK);
    CHECK_EQUAL(layout.notify.offset, 0x3800);
    // Each of these leaves no common region.
    static const struct {
        uint8_t length, bar;
        uint32_t offset, size;
    } bad[] = {
        {15, 4, 0, 0x1000},  {16, 6, 0, 0x1000},          {16, 255, 0, 0x1000},
        {16, 4, 0, 55},      {16, 4, 2, 0x1000},          {16, 4, 0x3fd0, 56},
        {16, 4, 0x4000, 56}, {16, 4, UINT32_MAX - 3, 56}, {16, 4, 4, UINT32_MAX},
        {16, 0, 0, 56},      {0, 4, 0, 0x1000},
    };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        good();
        capability(0x40, 0x50, bad[i].length, 1, bad[i].bar, bad[i].offset, bad[i].size);
        CHECK_EQUAL(virtio_layout_find(&function, sizes, &layout), TS_ERR_UNSUPPORTED);
    }
    for (unsigned round = 0; round < 100000; round++) {
        good();
        for (unsigned i = 0; i < 8; i++) {
            space[0x34 + random_below(0x60)] = (uint8_t)random_below(256);
        }
        if (virtio_layout_find(&function, sizes, &layout) == TS_OK) {
            CHECK(layout.common.bar == 4 && layout.common.offset <= 0x4000 - 56);
            CHECK(layout.notify.offset + (uint64_t)layout.notify.length <= 0x4000);
        }
    }
    return 0;
}
