// SPDX-License-Identifier: MIT
#include "archive.h"
#include <string.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/log.h>
#include <tessera/lib/memory.h>

enum sum { SUM_NOT_CHECKED, SUM_GOOD, SUM_BAD };

// What is known of an entry of the archive.
struct file {
    ts_handle_t view; // of its content, from when it is first mapped
    uint8_t sum;      // enum sum
};

struct boot_archive boot_archive;
static struct file *files; // by entry

const char *archive_path(uint32_t entry, size_t *out_length)
{
    *out_length = boot_archive.tables.entries[entry].path_length;
    return boot_archive.tables.strings + boot_archive.tables.entries[entry].path;
}

bool archive_is_sound(uint32_t index)
{
    const struct ts_archive_entry *entry = &boot_archive.tables.entries[index];
    if (entry->type != TS_ARCHIVE_FILE) {
        return true;
    }
    if (files[index].sum == SUM_NOT_CHECKED) {
        uint32_t crc = ts_crc32c(0, boot_archive.bytes + entry->offset, entry->size);
        files[index].sum = crc == entry->data_crc ? SUM_GOOD : SUM_BAD;
        size_t length;
        const char *path = archive_path(index, &length);
        if (files[index].sum == SUM_BAD) {
            ts_log("boot archive: /%.*s fails its checksum", (int)length, path);
        }
    }
    return files[index].sum == SUM_GOOD;
}

// One view of each file is made, and it stays: each mapper of the file has a handle of it.
ts_status_t archive_view(uint32_t index, ts_handle_t *out_view)
{
    struct file *file = &files[index];
    const struct ts_archive_entry *entry = &boot_archive.tables.entries[index];
    ts_status_t status = TS_OK;
    if (!file->view) {
        status = ts_memory_view(boot_archive.memory, entry->offset, TS_PAGE_ROUND(entry->size),
                                &file->view);
    }
    return status != TS_OK ? status : ts_duplicate(file->view, TS_RIGHTS_SAME, out_view);
}

static ts_status_t find_file(const char *path, uint32_t *out_index)
{
    ts_status_t status = ts_archive_find(&boot_archive.tables, path, strlen(path), out_index);
    if (status != TS_OK) {
        return status;
    }
    if (boot_archive.tables.entries[*out_index].type != TS_ARCHIVE_FILE) {
        return TS_ERR_IS_DIRECTORY;
    }
    return archive_is_sound(*out_index) ? TS_OK : TS_ERR_CORRUPT;
}

ts_status_t archive_file(const char *path, const unsigned char **out_bytes, uint64_t *out_size)
{
    uint32_t index;
    ts_status_t status = find_file(path, &index);
    if (status == TS_OK) {
        *out_bytes = boot_archive.bytes + boot_archive.tables.entries[index].offset;
        *out_size = boot_archive.tables.entries[index].size;
    }
    return status;
}

ts_status_t archive_program(const char *path, ts_handle_t *out_image, uint64_t *out_size)
{
    uint32_t index;
    ts_status_t status = find_file(path, &index);
    if (status != TS_OK) {
        return status;
    }
    *out_size = boot_archive.tables.entries[index].size;
    return *out_size > 0 ? archive_view(index, out_image) : TS_ERR_EXECUTABLE;
}

static ts_status_t make_files(void)
{
    void *memory;
    uint32_t count = boot_archive.tables.header->entry_count;
    ts_status_t status = ts_memory_allocate(count * sizeof(struct file), 0, NULL, &memory);
    files = memory;
    for (uint32_t i = 0; i < count; i++) {
        size_t length;
        (void)archive_path(i, &length);
        boot_archive.longest_path =
            length > boot_archive.longest_path ? length : boot_archive.longest_path;
    }
    return status;
}

ts_status_t archive_open(void)
{
    uint64_t size;
    void *bytes;
    boot_archive.memory = ts_named_handle(TS_NAME_ARCHIVE);
    ts_status_t status = ts_get_u64(boot_archive.memory, TS_PROPERTY_SIZE, &size);
    if (status == TS_OK) {
        status = ts_memory_map(boot_archive.memory, NULL, size, 0, TS_MAP_READ, &bytes);
    }
    if (status != TS_OK) {
        return status;
    }
    boot_archive.bytes = bytes;
    status = ts_archive_open(&boot_archive.tables, bytes, size);
    return status != TS_OK ? status : make_files();
}
