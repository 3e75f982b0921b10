// SPDX-License-Identifier: MIT
// wwwfs: the tree that the web server serves. If there is a disk, the archive on it is that tree,
// or nothing is when it is damaged; without a disk clients are sent on to another tree (the site of
// the image).
//
// Each file knows only those above it:
//
//   cache     blocks of the disk, in a bounded memory
//   node      an open file or directory of the archive
//   content   bytes of files: read, map
//   tree      names and properties
//   main      the program: the disk, its archive, the signpost
//
// Named handles: init (to be served), disk (a block device's service), file (the other tree), log.
#include <drivers/service/ready.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/log.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/op.h>
#include <tessera/proto/block.h>

#include "cache.h"
#include "tree.h"

#define NAME_DISK    "disk"
#define DISK_WAIT_NS (5 * TS_SECOND)
#define TABLES_MAX   (32u << 20) // bytes of the archive's tables: some 200,000 files

static struct ts_loop loop;
static struct ts_server server;
static struct ts_object root, signpost;
static struct ts_archive archive;
static struct ts_archive_header header;
static ts_status_t disk_status; // whether it can be served; TS_ERR_NOT_FOUND: there is none

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
    while (status == TS_OK && first + done < offset + length) {
        size_t bytes = 0;
        size_t part = size - done < CACHE_BLOCK ? size - done : CACHE_BLOCK;
        status = ts_read(disk, (char *)memory + done, part, first + done,
                         ts_deadline_in(DISK_WAIT_NS), &bytes);
        if (status == TS_OK && bytes == 0) {
            status = TS_ERR_CORRUPT; // the disk ends before its archive does
        }
        done += bytes;
    }
    *out_bytes = (const uint8_t *)memory + (offset - first);
    return status;
}

static ts_status_t open_archive(ts_handle_t disk, uint64_t size)
{
    const uint8_t *bytes;
    uint64_t offset, length;
    ts_status_t status = size < TS_PAGE_SIZE ? TS_ERR_CORRUPT : TS_OK;
    if (status == TS_OK) {
        status = read_range(disk, 0, TS_PAGE_SIZE, &bytes);
    }
    if (status != TS_OK) {
        return status;
    }
    header = *(const struct ts_archive_header *)(const void *)bytes;
    status = ts_archive_check_header(&header, size, &offset, &length);
    if (status == TS_OK && length > TABLES_MAX) {
        status = TS_ERR_TOO_LARGE;
    }
    if (status == TS_OK) {
        status = read_range(disk, offset, length, &bytes);
    }
    return status == TS_OK ? ts_archive_open_tables(&archive, &header, bytes, size) : status;
}

// TS_ERR_NOT_FOUND: there is no disk, which is no failure.
static ts_status_t open_disk(void)
{
    ts_handle_t service = ts_named_handle(NAME_DISK), disk;
    uint64_t size;
    if (service == TS_HANDLE_NONE) {
        return TS_ERR_NOT_FOUND;
    }
    ts_status_t status =
        ts_open_until(service, "", 0, TS_RIGHT_READ, ts_deadline_in(DISK_WAIT_NS), &disk);
    if (status == TS_ERR_NOT_FOUND) {
        return status;
    }
    if (status == TS_OK) {
        status = ts_get_u64(disk, TS_PROPERTY_SIZE, &size);
    }
    if (status == TS_OK) {
        status = open_archive(disk, size);
    }
    if (status == TS_OK) {
        status = cache_init(&loop, service, disk, header.size);
    }
    if (status == TS_OK) {
        status = tree_init(&archive);
    }
    if (status != TS_OK) {
        ts_log("the disk: %s", ts_status_text(status));
    } else {
        ts_log("%u files and folders on the disk", header.entry_count);
    }
    return status;
}

// Without a disk every session is the same signpost: whatever is opened there is to be asked of the
// other tree. (The session itself cannot be that tree's handle: init, through which clients come,
// serves it.) So sessions are handles of the clients' own, and nothing is kept for them.
static void signpost_open(struct ts_request *request)
{
    ts_handle_t other;
    const ts_rights_t rights = TS_RIGHT_OPEN | TS_RIGHT_READ | TS_RIGHT_MAP | TS_RIGHT_TRANSFER |
                               TS_RIGHT_DUPLICATE | TS_RIGHT_WAIT;
    if (ts_duplicate(ts_named_handle(TS_NAME_FILE), rights, &other) != TS_OK) {
        ts_request_reply(request, TS_ERR_NOT_FOUND, 0);
    } else {
        (void)ts_request_reply_redirect(request, other, 0);
    }
}

static const struct ts_operations signpost_operations = {.open = signpost_open};

static void root_open(struct ts_request *request)
{
    if (disk_status == TS_OK) {
        tree_open_root(request);
    } else if (disk_status == TS_ERR_NOT_FOUND) {
        (void)ts_request_reply_own(request, &signpost, TREE_RIGHTS);
    } else {
        ts_request_reply(request, disk_status, 0);
    }
}

static const struct ts_operations root_operations = {.open = root_open};

static ts_status_t serve(ts_handle_t *out_root)
{
    const struct ts_server_limits limits = {
        .requests = 256, .objects = TREE_NODES + 2, .inbox_bytes = 256};
    ts_handle_t kept; // so that the signpost never ends
    ts_status_t status = ts_server_init(&server, &loop, &limits);
    root.operations = &root_operations;
    signpost.operations = &signpost_operations;
    if (status == TS_OK) {
        status = ts_object_mint(&server, &signpost, TREE_RIGHTS, &kept);
    }
    if (status == TS_OK) {
        status = ts_object_mint(&server, &root,
                                TS_RIGHT_READ | TS_RIGHT_OPEN | TS_RIGHT_MAP | TS_RIGHT_WAIT |
                                    TS_RIGHT_DUPLICATE | TS_RIGHT_TRANSFER,
                                out_root);
    }
    return status;
}

// Whether it would be the same the next time. A disk that is damaged is told to every client;
// something else may have failed with the driver, and init starts us again.
static bool is_final(ts_status_t status)
{
    return status == TS_OK || status == TS_ERR_NOT_FOUND || status == TS_ERR_CORRUPT ||
           status == TS_ERR_VERSION || status == TS_ERR_TOO_LARGE;
}

int main(void)
{
    ts_handle_t handle = TS_HANDLE_NONE;
    ts_status_t status = ts_loop_init(&loop, 64, 512, CACHE_BLOCKS + 16);
    if (status == TS_OK) {
        disk_status = open_disk();
        if (!is_final(disk_status)) {
            status = disk_status;
        }
    }
    if (status == TS_OK) {
        status = serve(&handle);
    }
    return service_run(status, &server, handle);
}
