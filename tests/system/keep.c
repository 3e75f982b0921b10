// SPDX-License-Identifier: MIT
// keep: a driver that lives on when the PCI server dies, with registers of its device mapped. The
// next server knows nothing of it, and must give the device to nobody until they are unmapped.
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/listing.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/op.h>
#include <tessera/lib/process.h>
#include <tessera/proto/pci.h>

#define DISK     "class:0106" // that nobody drives
#define DISK_BAR 5u
#define ROUNDS   2000u // of 10 ms

// The server, by its name among all processes.
static ts_status_t find_server(ts_handle_t *out_process)
{
    static _Alignas(8) char buffer[4096];
    size_t bytes, position = 0;
    ts_handle_t job = ts_named_handle("system");
    ts_status_t status = ts_list(job, buffer, sizeof(buffer), 0, &bytes);
    const struct ts_file_entry *entry;
    while (!status && (entry = ts_listing_next(buffer, bytes, &position, &status))) {
        struct ts_process_statistics statistics;
        char id[24] = {0};
        memcpy(id, entry->name, entry->name_length < sizeof(id) ? entry->name_length : 0);
        if (ts_open(job, id, 0, TS_RIGHTS_SAME, out_process)) {
            continue; // it has ended since
        }
        if (!ts_process_statistics(*out_process, &statistics) && !strcmp(statistics.name, "pci")) {
            return TS_OK;
        }
        ts_close(*out_process);
    }
    return status ? status : TS_ERR_NOT_FOUND;
}

static ts_status_t open_disk(ts_handle_t *out_device)
{
    ts_handle_t root;
    ts_status_t status = ts_open(ts_named_handle("control"), "pci", 0, TS_RIGHTS_SAME, &root);
    if (!status) {
        status = ts_open(root, DISK, 0, TS_RIGHTS_SAME, out_device);
        ts_close(root);
    }
    return status;
}

static ts_status_t map_registers(void **out_mapped)
{
    struct ts_pci_range range = {.bar = DISK_BAR, .length = TS_PAGE_SIZE};
    ts_handle_t device, memory;
    ts_status_t status = open_disk(&device);
    if (!status) {
        status = ts_call_handle(device, TS_PCI_BAR, &range, sizeof(range), NULL, 0, &memory);
    }
    if (!status) {
        status =
            ts_memory_map(memory, NULL, TS_PAGE_SIZE, 0, TS_MAP_READ | TS_MAP_WRITE, out_mapped);
    }
    if (!status) {
        ts_close(memory); // the mapping keeps it
    }
    return status;
}

// Asks the next server, as soon as it answers.
static ts_status_t ask(void)
{
    ts_handle_t device;
    ts_status_t status = TS_ERR_BUSY;
    for (unsigned i = 0; i < ROUNDS; i++) {
        status = open_disk(&device);
        if (status == TS_OK) {
            ts_close(device);
        }
        if (status == TS_OK || status == TS_ERR_BUSY) {
            break;
        }
        ts_sleep_until(ts_deadline_in(10 * TS_MILLISECOND));
    }
    return status;
}

int main(void)
{
    void *mapped;
    ts_handle_t server;
    struct ts_process_report report;
    ts_status_t status = map_registers(&mapped);
    if (!status) {
        status = find_server(&server);
    }
    if (!status) {
        status = ts_process_kill(server);
    }
    if (!status) {
        status = ts_process_wait(server, TS_DEADLINE_NONE, &report);
    }
    if (status) {
        printf("not ok: %s\n", ts_status_name(status));
        return 1;
    }
    bool busy = true;
    for (unsigned i = 0; busy && i < 20; i++) {
        busy = ask() == TS_ERR_BUSY;
        ts_sleep_until(ts_deadline_in(10 * TS_MILLISECOND));
    }
    printf("%s while it is mapped\n", busy ? "busy" : "not busy");
    if (ts_memory_unmap(mapped, TS_PAGE_SIZE)) {
        return 1;
    }
    for (unsigned i = 0; (status = ask()) == TS_ERR_BUSY && i < ROUNDS; i++) {
        ts_sleep_until(ts_deadline_in(10 * TS_MILLISECOND));
    }
    printf("%s when it is not\n", status ? ts_status_name(status) : "free");
    return 0;
}
