// SPDX-License-Identifier: MIT
#include <drivers/pci/message.h>
#include <drivers/pci/registers.h>

void pci_msix_find(const struct pci_function *f, const struct pci_bar bars[TS_PCI_BARS],
                   struct pci_msix *out)
{
    *out = (struct pci_msix){0};
    struct pci_walk walk = {0};
    if (pci_capability(f, PCI_CAPABILITY_MSIX, &walk) != TS_OK || walk.at + PCI_MSIX_LENGTH > 256) {
        return;
    }
    uint16_t control = pci_read16(f, walk.at + PCI_MSIX_CONTROL);
    uint32_t table = pci_read32(f, walk.at + PCI_MSIX_TABLE);
    unsigned bar = table & 7;
    uint64_t offset = table & ~7u;
    unsigned entries = (control & PCI_MSIX_CONTROL_SIZE) + 1;
    uint64_t bytes = entries * sizeof(struct pci_msix_entry);
    if (bar >= TS_PCI_BARS || bars[bar].kind != TS_PCI_BAR_MEMORY || offset > bars[bar].size ||
        bytes > bars[bar].size - offset) {
        return;
    }
    *out = (struct pci_msix){
        .capability = walk.at, .bar = (uint8_t)bar, .entries = (uint16_t)entries, .offset = offset};
}

// Changes bits of a message control register and reads it back.
static ts_status_t control(const struct pci_function *f, unsigned offset, uint16_t clear,
                           uint16_t set)
{
    uint16_t new = (uint16_t)((pci_read16(f, offset) & ~clear) | set);
    pci_write16(f, offset, new);
    return (pci_read16(f, offset) & (clear | set)) == set ? TS_OK : TS_ERR_IO;
}

ts_status_t pci_msix_enable(const struct pci_function *f, const struct pci_msix *msix, bool enable)
{
    uint16_t set = enable ? PCI_MSIX_CONTROL_ENABLE : 0;
    return control(f, msix->capability + PCI_MSIX_CONTROL,
                   PCI_MSIX_CONTROL_ENABLE | PCI_MSIX_CONTROL_MASK, set);
}

void pci_msix_set(volatile struct pci_msix_entry *entry, uint64_t address, uint32_t data)
{
    entry->control |= PCI_MSIX_ENTRY_MASKED; // never a message made of an old and a new half
    entry->address = ts_pair_low(address);
    entry->address_high = ts_pair_high(address);
    entry->data = data;
    entry->control &= ~PCI_MSIX_ENTRY_MASKED;
}

void pci_msix_mask(volatile struct pci_msix_entry *entry)
{
    entry->control |= PCI_MSIX_ENTRY_MASKED;
    (void)entry->control; // the read makes sure that the write has arrived
}

uint8_t pci_msi_find(const struct pci_function *f)
{
    struct pci_walk walk = {0};
    return pci_capability(f, PCI_CAPABILITY_MSI, &walk) == TS_OK ? walk.at : 0;
}

ts_status_t pci_msi_set(const struct pci_function *f, uint8_t capability, uint64_t address,
                        uint32_t data)
{
    unsigned at = capability + PCI_MSI_CONTROL;
    bool wide = (pci_read16(f, at) & PCI_MSI_CONTROL_64) != 0;
    if (!wide && address > UINT32_MAX) {
        return TS_ERR_OVERFLOW;
    }
    ts_status_t status = pci_msi_disable(f, capability);
    if (status != TS_OK) {
        return status;
    }
    unsigned register_ = capability + PCI_MSI_ADDRESS;
    pci_write32(f, register_, ts_pair_low(address));
    if (wide) {
        register_ += 4;
        pci_write32(f, register_, ts_pair_high(address));
    }
    pci_write16(f, register_ + 4, (uint16_t)data);
    return control(f, at, PCI_MSI_CONTROL_MULTIPLE, PCI_MSI_CONTROL_ENABLE);
}

ts_status_t pci_msi_disable(const struct pci_function *f, uint8_t capability)
{
    return control(f, capability + PCI_MSI_CONTROL,
                   PCI_MSI_CONTROL_ENABLE | PCI_MSI_CONTROL_MULTIPLE, 0);
}
