// SPDX-License-Identifier: MIT
#include <drivers/pci/registers.h>
#include <drivers/virtio/layout.h>

#include <assert.h>
#include <stddef.h>

static_assert(offsetof(struct virtio_common, queue_desc) == 0x20, "common configuration");
static_assert(sizeof(struct virtio_common) == 56, "common configuration");

// struct virtio_pci_cap: offsets in the capability.
enum { CAP_LENGTH = 2, CAP_TYPE = 3, CAP_BAR = 4, CAP_OFFSET = 8, CAP_SIZE = 12, CAP_END = 16 };
#define CAP_NOTIFY_MULTIPLIER 16u

enum { TYPE_COMMON = 1, TYPE_NOTIFY = 2, TYPE_INTERRUPT = 3, TYPE_DEVICE = 4 };

static struct virtio_region *region_of(struct virtio_layout *layout, uint8_t type,
                                       uint32_t *out_least)
{
    *out_least = 1;
    switch (type) {
    case TYPE_COMMON: *out_least = sizeof(struct virtio_common); return &layout->common;
    case TYPE_NOTIFY: *out_least = 2; return &layout->notify;
    case TYPE_INTERRUPT: return &layout->interrupt;
    case TYPE_DEVICE: return &layout->device;
    default: return NULL; // another kind, which is not for us
    }
}

static void read_capability(const struct pci_function *f, unsigned at, const uint64_t bar_sizes[6],
                            struct virtio_layout *layout)
{
    uint8_t type = pci_read8(f, at + CAP_TYPE);
    uint32_t least;
    struct virtio_region *region = region_of(layout, type, &least);
    if (region == NULL || region->length != 0) {
        return;
    }
    unsigned length = pci_read8(f, at + CAP_LENGTH);
    unsigned needed = type == TYPE_NOTIFY ? CAP_NOTIFY_MULTIPLIER + 4 : CAP_END;
    struct virtio_region r = {.bar = pci_read8(f, at + CAP_BAR),
                              .offset = pci_read32(f, at + CAP_OFFSET),
                              .length = pci_read32(f, at + CAP_SIZE)};
    if (length < needed || at + length > 256 || r.bar > 5 || r.length < least ||
        r.offset % 4 != 0 || r.offset > bar_sizes[r.bar] ||
        r.length > bar_sizes[r.bar] - r.offset) {
        return;
    }
    *region = r;
    if (type == TYPE_NOTIFY) {
        layout->notify_multiplier = pci_read32(f, at + CAP_NOTIFY_MULTIPLIER);
    }
}

ts_status_t virtio_layout_find(const struct pci_function *f, const uint64_t bar_sizes[6],
                               struct virtio_layout *out)
{
    *out = (struct virtio_layout){0};
    struct pci_walk walk = {0};
    while (pci_capability(f, PCI_CAPABILITY_VENDOR, &walk) == TS_OK) {
        read_capability(f, walk.at, bar_sizes, out);
    }
    bool complete = out->common.length && out->notify.length && out->interrupt.length;
    return complete ? TS_OK : TS_ERR_UNSUPPORTED;
}
