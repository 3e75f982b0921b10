// SPDX-License-Identifier: MIT
#include <drivers/pci/config.h>
#include <drivers/pci/registers.h>

#define CAPABILITY_FIRST 0x40u // below lies the header
#define CAPABILITIES_MAX 48u   // (256 - 64) / 4

static uint32_t read_config(const struct pci_function *f, unsigned offset, unsigned width)
{
    if (offset % width != 0 || offset + width > f->space) {
        return UINT32_MAX;
    }
    return f->read(f->context, f->address, (uint16_t)offset, width);
}

static void write_config(const struct pci_function *f, unsigned offset, unsigned width,
                         uint32_t value)
{
    if (offset % width == 0 && offset + width <= f->space) {
        f->write(f->context, f->address, (uint16_t)offset, width, value);
    }
}

uint8_t pci_read8(const struct pci_function *f, unsigned offset)
{
    return (uint8_t)read_config(f, offset, 1);
}

uint16_t pci_read16(const struct pci_function *f, unsigned offset)
{
    return (uint16_t)read_config(f, offset, 2);
}

uint32_t pci_read32(const struct pci_function *f, unsigned offset)
{
    return read_config(f, offset, 4);
}

void pci_write8(const struct pci_function *f, unsigned offset, uint8_t value)
{
    write_config(f, offset, 1, value);
}

void pci_write16(const struct pci_function *f, unsigned offset, uint16_t value)
{
    write_config(f, offset, 2, value);
}

void pci_write32(const struct pci_function *f, unsigned offset, uint32_t value)
{
    write_config(f, offset, 4, value);
}

bool pci_present(const struct pci_function *f)
{
    uint16_t vendor = pci_read16(f, PCI_VENDOR);
    return vendor != PCI_VENDOR_NONE && vendor != 0;
}

ts_status_t pci_command(const struct pci_function *f, uint16_t clear, uint16_t set)
{
    uint16_t old = pci_read16(f, PCI_COMMAND);
    uint16_t new = (uint16_t)((old & ~clear) | set);
    if (new != old) {
        pci_write16(f, PCI_COMMAND, new);
    }
    // The read also makes sure that the write has arrived.
    uint16_t now = pci_read16(f, PCI_COMMAND);
    return (now & (clear | set)) == set ? TS_OK : TS_ERR_IO;
}

ts_status_t pci_capability(const struct pci_function *f, uint8_t id, struct pci_walk *walk)
{
    unsigned at;
    if (walk->steps != 0) {
        at = pci_read8(f, walk->at + 1u);
    } else if (pci_read16(f, PCI_STATUS) & PCI_STATUS_CAPABILITIES) {
        at = pci_read8(f, PCI_CAPABILITIES);
    } else {
        return TS_ERR_NOT_FOUND;
    }
    while (walk->steps++ < CAPABILITIES_MAX) {
        at &= ~3u; // the two low bits are reserved
        if (at < CAPABILITY_FIRST) {
            return TS_ERR_NOT_FOUND;
        }
        if (pci_read8(f, at) == id) {
            walk->at = (uint8_t)at;
            return TS_OK;
        }
        at = pci_read8(f, at + 1);
    }
    return TS_ERR_CORRUPT;
}
