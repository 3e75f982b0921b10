// SPDX-License-Identifier: MIT
#include "disk.h"

#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/listing.h>
#include <tessera/lib/log.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/op.h>
#include <tessera/proto/block.h>

#include "cache.h"

#define SERIAL       "www"
#define SERIAL_MAX   20u
#define OPEN_WAIT_NS (5 * TS_SECOND)  // for a driver
#define ALL_WAIT_NS  (15 * TS_SECOND) // init waits for us for 20 s
#define TRIES        3u               // a driver that dies meanwhile has a successor
#define TABLES_MAX   (32u << 20)      // bytes of the archive's tables: some 200,000 files

static ts_time_t deadline; // of all that is asked of disks here

// The device reads whole blocks to page-aligned memory. `offset` is rounded down; *out_bytes is
// where it was meant to be.
static ts_status_t read_range(ts_handle_t disk, uint64_t offset, uint64_t length,
                              const uint8_t **out_bytes)
{
    uint64_t first = offset & ~(uint64_t)(TS_PAGE_SIZE - 1);
    uint64_t size = TS_PAGE_ROUND(offset + length - first);
    void *memory;
    ts_status_t status = ts_memory_allocate(size, 0, NULL, &memory);
    uint64_t done = 0;
    if (status != TS_OK) {
        return status;
    }
    while (status == TS_OK && first + done < offset + length) {
        size_t bytes = 0;
        size_t part = size - done < CACHE_BLOCK ? size - done : CACHE_BLOCK;
        status = ts_read(disk, (char *)memory + done, part, first + done, deadline, &bytes);
        if (status == TS_OK && bytes == 0) {
            status = TS_ERR_CORRUPT; // the disk ends before its archive does
        }
        done += bytes;
    }
    if (status != TS_OK) {
        (void)ts_memory_unmap(memory, size);
        return status;
    }
    *out_bytes = (const uint8_t *)memory + (offset - first);
    return TS_OK;
}

// What read_range() gave.
static void give_range(const uint8_t *bytes, uint64_t length)
{
    uintptr_t first = (uintptr_t)bytes & ~(uintptr_t)(TS_PAGE_SIZE - 1);
    (void)ts_memory_unmap((void *)first, TS_PAGE_ROUND((uintptr_t)bytes + length - first));
}

static ts_status_t read_header(struct disk *disk, uint64_t size)
{
    const uint8_t *bytes;
    if (size < TS_PAGE_SIZE) {
        return TS_ERR_CORRUPT;
    }
    ts_status_t status = read_range(disk->session, 0, TS_PAGE_SIZE, &bytes);
    if (status == TS_OK) {
        memcpy(&disk->header, bytes, sizeof(disk->header));
        give_range(bytes, TS_PAGE_SIZE);
    }
    return status;
}

static ts_status_t open_archive(struct disk *disk)
{
    const uint8_t *bytes;
    uint64_t offset, length, size;
    ts_status_t status = ts_get_u64(disk->session, TS_PROPERTY_SIZE, &size);
    if (status == TS_OK) {
        status = read_header(disk, size);
    }
    if (status == TS_OK) {
        status = ts_archive_check_header(&disk->header, size, &offset, &length);
    }
    if (status == TS_OK && length > TABLES_MAX) {
        status = TS_ERR_TOO_LARGE;
    }
    if (status == TS_OK) {
        status = read_range(disk->session, offset, length, &bytes);
    }
    if (status != TS_OK) {
        return status;
    }
    status = ts_archive_open_tables(&disk->archive, &disk->header, bytes, size);
    if (status != TS_OK) {
        give_range(bytes, length);
    }
    return status;
}

// What the disk says of itself. TS_ERR_NOT_FOUND: its driver does not run, which init has said.
static ts_status_t ask_serial(struct disk *disk, char serial[SERIAL_MAX + 1])
{
    ts_time_t soon = ts_deadline_in(OPEN_WAIT_NS);
    size_t length = 0;
    ts_status_t status = ts_open_until(disk->disks, disk->name, 0, TS_RIGHT_READ,
                                       soon < deadline ? soon : deadline, &disk->session);
    if (status == TS_OK) {
        status = ts_get(disk->session, TS_PROPERTY_BLOCK_IDENTITY, serial, SERIAL_MAX, &length);
    }
    serial[length] = '\0';
    return status;
}

static ts_status_t look_at(struct disk *disk)
{
    char serial[SERIAL_MAX + 1];
    ts_status_t status = ask_serial(disk, serial);
    if (status == TS_ERR_NOT_FOUND) {
        return status;
    }
    if (status == TS_OK && strcmp(serial, SERIAL) != 0) {
        ts_log("%s: its serial is '%s', not '" SERIAL "': it is left alone", disk->name, serial);
        ts_close(disk->session);
        return TS_ERR_NOT_FOUND;
    }
    if (status == TS_OK) {
        status = open_archive(disk);
    }
    if (status != TS_OK) {
        ts_close(disk->session);
        ts_log("%s: no archive can be served from it: %s", disk->name, ts_status_text(status));
    }
    return status;
}

static bool driver_died(ts_status_t status)
{
    return status == TS_ERR_PEER_CLOSED || status == TS_ERR_ABANDONED;
}

static bool is_ours(ts_handle_t disks, const struct ts_file_entry *entry, struct disk *out_disk)
{
    ts_status_t status = TS_ERR_PEER_CLOSED;
    for (unsigned tries = 0; tries < TRIES && driver_died(status); tries++) {
        *out_disk = (struct disk){.disks = disks};
        memcpy(out_disk->name, entry->name, entry->name_length);
        status = look_at(out_disk);
    }
    return status == TS_OK;
}

ts_status_t disk_find(struct disk *out_disk)
{
    static _Alignas(8) char buffer[4096]; // for all of a class: init has 64 services
    size_t bytes = 0, position = 0;
    const struct ts_file_entry *entry;
    ts_handle_t disks = ts_named_handle("disks");
    ts_status_t status = disks != TS_HANDLE_NONE ? ts_list(disks, buffer, sizeof(buffer), 0, &bytes)
                                                 : TS_ERR_NOT_FOUND;
    deadline = ts_deadline_in(ALL_WAIT_NS);
    while (status == TS_OK &&
           (entry = ts_listing_next(buffer, bytes, &position, &status)) != NULL) {
        if (entry->name_length <= TS_NAME_MAX && is_ours(disks, entry, out_disk)) {
            return TS_OK;
        }
    }
    return status == TS_OK ? TS_ERR_NOT_FOUND : status;
}
