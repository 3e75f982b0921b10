// SPDX-License-Identifier: MIT
// The disk that is ours, of those that there are: its serial is `www`, and an archive lies on it.
// All others are left alone: nothing but their serial is looked at.
#pragma once

#include <tessera/abi/syscall.h>
#include <tessera/format/archive.h>
#include <tessera/lib/status.h>

struct disk {
    ts_handle_t disks; // the class; opened there by name again when the driver has died
    char name[TS_NAME_MAX + 1];
    ts_handle_t session;
    struct ts_archive_header header;
    struct ts_archive archive;
};

// Looks at the disks one after the other, for some seconds at most. The log says of each that is
// not ours why. TS_ERR_NOT_FOUND: none is.
TS_MUST_USE ts_status_t disk_find(struct disk *out_disk);
