// SPDX-License-Identifier: MIT
// A file of the memory file system, which is another process: /tmp/bench.
#include "measure.h"

#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/op.h>
#include <tessera/proto/file.h>

#define PAGES 16u
#define NAME  "bench"

static ts_handle_t directory, file;
static uint64_t page[TS_PAGE_SIZE / sizeof(uint64_t)] __attribute__((aligned(TS_PAGE_SIZE)));

// A name in an open directory: what openat() is to Linux.
static ts_status_t open_close(void *context)
{
    (void)context;
    ts_handle_t opened;
    ts_status_t status = ts_open(directory, NAME, 0, TS_RIGHT_READ, &opened);
    if (status == TS_OK) {
        ts_close(opened);
    }
    return status;
}

// Each of its pages in turn, known by what stands in its first and last word.
static ts_status_t read_page(void *context)
{
    uint64_t *number = context;
    size_t bytes;
    *number = (*number + 1) % PAGES;
    ts_status_t status =
        ts_read(file, page, sizeof(page), *number * sizeof(page), TS_DEADLINE_NONE, &bytes);
    if (status != TS_OK) {
        return status;
    }
    bool right = bytes == sizeof(page) && page[0] == *number && page[511] == ~*number;
    return right ? TS_OK : TS_ERR_CORRUPT;
}

static void fill(void)
{
    for (uint64_t number = 0; number < PAGES; number++) {
        page[0] = number;
        page[511] = ~number;
        measure_need(ts_write_all_current(file, page, sizeof(page)), "write the file");
    }
}

int main(int argc, char **argv)
{
    uint64_t number = 0;
    measure_begin(argc, argv);
    if (!measure_wanted("open_close") && !measure_wanted("file_read_4k")) {
        return 0;
    }
    measure_need(
        ts_open(ts_named_handle(TS_NAME_FILE), "tmp", TS_OPEN_DIRECTORY, TS_RIGHTS_ALL, &directory),
        "open /tmp");
    measure_need(ts_create(directory, NAME, TS_FILE_REGULAR, 0, TS_RIGHTS_ALL, &file),
                 "create the file");
    fill();
    measure("open_close", 1, NULL, open_close, NULL);
    measure("file_read_4k", 1, NULL, read_page, &number);
    ts_close(file);
    measure_need(ts_remove(directory, NAME, TS_FILE_REGULAR), "remove the file");
    return 0;
}
