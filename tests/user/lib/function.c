// SPDX-License-Identifier: MIT
#include "function.h"

#include "wait.h"

#include <stdio.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/op.h>
#include <tessera/proto/file.h>

static ts_status_t open_root(struct function *function)
{
    ts_handle_t control = ts_named_handle("control");
    return control == TS_HANDLE_NONE ? TS_ERR_NOT_FOUND
                                     : ts_open(control, "pci", 0, TS_RIGHTS_SAME, &function->pci);
}

static ts_status_t open_device(struct function *function)
{
    return ts_open(function->pci, function->address, 0, TS_RIGHTS_SAME, &function->device);
}

ts_status_t function_information(const struct function *function, const char *address,
                                 struct ts_pci_information *out_information)
{
    char match[32];
    ts_handle_t view;
    size_t bytes;
    snprintf(match, sizeof(match), "%s/info", address);
    ts_status_t status = ts_open(function->pci, match, 0, TS_RIGHTS_SAME, &view);
    if (status == TS_OK) {
        status = ts_get(view, TS_PROPERTY_PCI_INFORMATION, out_information,
                        sizeof(*out_information), &bytes);
        ts_close(view);
    }
    return status;
}

uint32_t function_registers(const struct ts_pci_information *information)
{
    for (uint32_t i = 0; i < TS_PCI_BARS; i++) {
        const struct ts_pci_bar *bar = &information->bars[i];
        if (i != information->msix_bar && bar->kind == TS_PCI_BAR_MEMORY &&
            bar->size >= TS_PAGE_SIZE) {
            return i;
        }
    }
    return TS_PCI_BARS;
}

bool function_has_registers(const struct ts_pci_information *information)
{
    return function_registers(information) < TS_PCI_BARS;
}

bool function_find(struct function *function,
                   bool (*fits)(const struct ts_pci_information *information))
{
    const struct ts_pci_information *information = &function->information;
    static union {
        struct ts_file_entry entry;
        char bytes[8192];
    } listing;
    size_t bytes;
    if (open_root(function) != TS_OK ||
        ts_list(function->pci, listing.bytes, sizeof(listing), 0, &bytes) != TS_OK) {
        return false;
    }
    for (size_t at = 0; at < bytes;) {
        const struct ts_file_entry *entry = (const void *)(listing.bytes + at);
        snprintf(function->address, sizeof(function->address), "%.*s", (int)entry->name_length,
                 entry->name);
        at += entry->record_length;
        if (function_information(function, function->address, &function->information) == TS_OK &&
            information->header == 0 && !information->held && fits(information) &&
            open_device(function) == TS_OK) {
            return true;
        }
    }
    return false;
}

ts_status_t function_take_again(struct function *function)
{
    ts_time_t until = patience();
    ts_status_t status;
    while ((status = open_device(function)) == TS_ERR_BUSY && ts_clock_now() < until) {
        ts_sleep_until(in_ms(10));
    }
    return status;
}

ts_status_t function_take(struct function *function, const char *address)
{
    snprintf(function->address, sizeof(function->address), "%s", address);
    ts_status_t status = open_root(function);
    if (status == TS_OK) {
        status = function_information(function, address, &function->information);
    }
    return status == TS_OK ? function_take_again(function) : status;
}
