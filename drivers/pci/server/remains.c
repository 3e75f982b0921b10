// SPDX-License-Identifier: MIT
#include <stdatomic.h>
#include "remains.h"

#include <drivers/pci/registers.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/log.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/op.h>

#define REGISTERS 6u

struct note {
    uint32_t noted;         // written last
    uint32_t id;            // vendor and device
    uint16_t address, line; // line: its PCI_INTERRUPT_LINE
    uint32_t bars[REGISTERS];
};

// Notes are taken from the first on, so that none beyond `most` was ever written: a server that
// has reset nothing does not even touch the memory.
static struct remains {
    uint32_t most;
    struct note notes[REMAINS_NOTES];
} own, *remains = &own;

void remains_open(void)
{
    ts_handle_t memory = ts_named_handle(REMAINS_NAME);
    uint64_t size;
    void *mapped;
    if (memory && ts_get_u64(memory, TS_PROPERTY_SIZE, &size) == TS_OK && size >= sizeof(own) &&
        ts_read_all(memory, &own.most, sizeof(own.most), 0) == TS_OK &&
        ts_memory_map(memory, NULL, TS_PAGE_ROUND(sizeof(own)), 0, TS_MAP_READ | TS_MAP_WRITE,
                      &mapped) == TS_OK) {
        remains = mapped;
    }
}

// Whether the function that is there now is the one of the note.
static bool is_there(const struct pci_function *f, const struct note *note)
{
    return pci_present(f) && pci_read32(f, PCI_VENDOR) == note->id;
}

static void write_back(const struct pci_function *f, struct note *note)
{
    for (unsigned i = 0; i < REGISTERS; i++) {
        pci_write32(f, PCI_BAR0 + 4 * i, note->bars[i]);
    }
    pci_write8(f, PCI_INTERRUPT_LINE, (uint8_t)note->line);
    atomic_store_explicit(TS_ATOMIC(&note->noted), 0, memory_order_release);
}

// The writer of a note may have gone wrong before it died: it counts for the function that it
// names.
void remains_restore(const struct pci_function *machine)
{
    uint32_t most = own.most < REMAINS_NOTES ? own.most : REMAINS_NOTES;
    if (most > 0) {
        ts_sleep_until(ts_deadline_in(REMAINS_RESET_NS));
        remains->most = most;
    }
    for (uint32_t i = 0; i < most; i++) {
        struct note *note = &remains->notes[i];
        struct pci_function f = *machine;
        f.address = note->address;
        if (note->noted && is_there(&f, note)) {
            write_back(&f, note);
            ts_log("%02x:%02x.%x was being reset: it has its addresses again",
                   ts_device_id_bus(f.address), ts_device_id_slot(f.address),
                   ts_device_id_function(f.address));
        }
        note->noted = 0;
    }
}

// The note of a function, or a free one: there is one for each function.
static struct note *note_of(const struct pci_function *f)
{
    struct note *found = NULL;
    for (uint32_t i = 0; i < remains->most; i++) {
        struct note *note = &remains->notes[i];
        if (note->noted && note->address == f->address) {
            return note;
        }
        found = note->noted ? found : note;
    }
    return found != NULL ? found : &remains->notes[remains->most++];
}

void remains_note(const struct pci_function *f)
{
    struct note *note = note_of(f);
    note->address = f->address;
    note->id = pci_read32(f, PCI_VENDOR);
    note->line = pci_read8(f, PCI_INTERRUPT_LINE);
    for (unsigned i = 0; i < REGISTERS; i++) {
        note->bars[i] = pci_read32(f, PCI_BAR0 + 4 * i);
    }
    atomic_store_explicit(TS_ATOMIC(&note->noted), 1, memory_order_release);
}

void remains_give_back(const struct pci_function *f)
{
    struct note *note = note_of(f);
    if (is_there(f, note)) { // else it may be when the next instance begins
        write_back(f, note);
    }
}
