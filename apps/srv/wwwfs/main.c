// SPDX-License-Identifier: MIT
// wwwfs: the tree that the web server serves: the archive on the disk that is ours. Without one
// that can be served, for whatever reason, clients are sent on to the next best, another tree (the
// site of the image). `services restart wwwfs` looks at the disks again.
//
// Each file knows only those above it:
//
//   cache     blocks of the disk, in a bounded memory
//   node      an open file or directory of the archive
//   content   bytes of files: read, map
//   tree      names and properties
//   disk      which disk is ours, and its archive
//   main      the program: the disk or the signpost
//
// Named handles: init (to be served), disks (the class of
// block devices), file (the other tree), log.
#include <drivers/service/ready.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/log.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/op.h>

#include "cache.h"
#include "disk.h"
#include "tree.h"

static struct ts_loop loop;
static struct ts_server server;
static struct ts_object root, signpost;
static struct disk disk;
static bool served; // the disk is

static bool open_disk(void)
{
    ts_status_t status = disk_find(&disk);
    if (status == TS_OK) {
        status = cache_init(&loop, disk.disks, disk.name, disk.session, disk.header.size);
    }
    if (status == TS_OK) {
        status = tree_init(&disk.archive);
    }
    if (status == TS_OK) {
        ts_log("%u files and folders on the disk", disk.header.entry_count);
    } else if (status == TS_ERR_NOT_FOUND) {
        ts_log("no disk of ours: the image's own site is served");
    } else {
        ts_log("the disk: %s: the image's own site is served", ts_status_text(status));
    }
    return status == TS_OK;
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
    if (served) {
        tree_open_root(request);
    } else {
        (void)ts_request_reply_own(request, &signpost, TREE_RIGHTS);
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

int main(void)
{
    ts_handle_t handle = TS_HANDLE_NONE;
    ts_status_t status = ts_loop_init(&loop, 64, 512, CACHE_BLOCKS + 16);
    if (status == TS_OK) {
        served = open_disk();
        status = serve(&handle);
    }
    return service_run(status, &server, handle);
}
