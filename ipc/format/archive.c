// SPDX-License-Identifier: MIT
// Nothing in an archive is trusted: every offset is compared with the size that it must lie in
// before it is added to anything. The one pass over the entries when the archive is opened
// establishes what all later functions rely on: paths are well-formed and ascend strictly, so that
// a path is found by bisection and all that begins with "dir/" is one run of entries; parents are
// earlier entries, are directories, and are what the path says; data lies on whole pages between
// the tables and the end.
#include <string.h>
#include <tessera/abi/ring.h>
#include <tessera/format/archive.h>

static ts_status_t check_header_sum(const struct ts_archive_header *header)
{
    struct ts_archive_header copy = *header;
    copy.header_crc = 0;
    return ts_crc32c(0, &copy, sizeof(copy)) == header->header_crc ? TS_OK : TS_ERR_CORRUPT;
}

// [offset, offset + length) lies in [low, size).
static bool in_range(uint64_t offset, uint64_t length, uint64_t low, uint64_t size)
{
    return offset >= low && offset <= size && length <= size - offset;
}

ts_status_t ts_archive_check_header(const void *bytes, uint64_t size, uint64_t *out_offset,
                                    uint64_t *out_size)
{
    struct ts_archive_header header;
    memcpy(&header, bytes, sizeof(header));
    if (header.magic != TS_ARCHIVE_MAGIC) {
        return TS_ERR_CORRUPT;
    }
    if (header.version != TS_ARCHIVE_VERSION) {
        return TS_ERR_VERSION;
    }
    ts_status_t status = check_header_sum(&header);
    if (status != TS_OK) {
        return status;
    }
    uint64_t entries_size = (uint64_t)header.entry_count * sizeof(struct ts_archive_entry);
    bool good = header.header_size == sizeof(header) &&
                header.entry_size == sizeof(struct ts_archive_entry) && header.entry_count > 0 &&
                header.size <= size && header.size % TS_ARCHIVE_ALIGN == 0 &&
                header.entries % 8 == 0 &&
                in_range(header.entries, entries_size, sizeof(header), header.size) &&
                header.strings == header.entries + entries_size &&
                in_range(header.strings, header.strings_size, sizeof(header), header.size) &&
                header.strings_size <= UINT32_MAX;
    if (!good) {
        return TS_ERR_CORRUPT;
    }
    *out_offset = header.entries;
    *out_size = entries_size + header.strings_size;
    return TS_OK;
}

static const char *path_of(const struct ts_archive *archive, uint32_t index)
{
    return archive->strings + archive->entries[index].path;
}

// Bytewise, a prefix before what it begins.
static int path_compare(const char *a, size_t a_length, const char *b, size_t b_length)
{
    int order = memcmp(a, b, a_length < b_length ? a_length : b_length);
    if (order != 0) {
        return order;
    }
    return a_length < b_length ? -1 : a_length > b_length;
}

static bool component_is_good(const char *component, size_t length)
{
    if (length == 0 || length > TS_COMPONENT_MAX) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (component[i] == '\0') {
            return false;
        }
    }
    return !(component[0] == '.' && (length == 1 || (length == 2 && component[1] == '.')));
}

// Where the last component begins; 0 when there is only one.
static size_t last_component(const char *path, size_t length)
{
    while (length > 0 && path[length - 1] != '/') {
        length--;
    }
    return length;
}

// Entries before `index` are good. Since the parent's path is good, only the last component is
// left to look at.
static bool place_is_good(const struct ts_archive *archive, uint32_t index)
{
    const struct ts_archive_entry *entry = &archive->entries[index];
    if (index == 0) {
        return entry->path_length == 0 && entry->parent == 0 && entry->type == TS_ARCHIVE_DIRECTORY;
    }
    const struct ts_archive_entry *before = entry - 1;
    const char *path = path_of(archive, index);
    if (path_compare(path_of(archive, index - 1), before->path_length, path, entry->path_length) >=
        0) {
        return false;
    }
    size_t start = last_component(path, entry->path_length);
    if (start == 1 || // "/name" has the root's path before its separator, and is not below it
        !component_is_good(path + start, entry->path_length - start) || entry->parent >= index) {
        return false;
    }
    const struct ts_archive_entry *parent = &archive->entries[entry->parent];
    return parent->type == TS_ARCHIVE_DIRECTORY &&
           path_compare(path_of(archive, entry->parent), parent->path_length, path,
                        start > 0 ? start - 1 : 0) == 0;
}

static bool entry_is_good(const struct ts_archive *archive, uint32_t index)
{
    const struct ts_archive_header *header = archive->header;
    const struct ts_archive_entry *entry = &archive->entries[index];
    if (!in_range(entry->path, entry->path_length, 0, header->strings_size) ||
        entry->path_length > TS_PATH_MAX || !place_is_good(archive, index)) {
        return false;
    }
    if (entry->type == TS_ARCHIVE_DIRECTORY) {
        return entry->offset == 0 && entry->size == 0;
    }
    if (entry->type != TS_ARCHIVE_FILE) {
        return false;
    }
    if (entry->size == 0) {
        return entry->offset == 0;
    }
    uint64_t tables_end = header->strings + header->strings_size;
    return entry->offset % TS_ARCHIVE_ALIGN == 0 &&
           in_range(entry->offset, entry->size, tables_end, header->size);
}

ts_status_t ts_archive_open_tables(struct ts_archive *archive,
                                   const struct ts_archive_header *header, const void *tables,
                                   uint64_t size)
{
    uint64_t offset, tables_size;
    ts_status_t status = ts_archive_check_header(header, size, &offset, &tables_size);
    if (status != TS_OK) {
        return status;
    }
    if (ts_crc32c(0, tables, tables_size) != header->table_crc) {
        return TS_ERR_CORRUPT;
    }
    struct ts_archive candidate = {
        .header = header,
        .entries = tables,
        .strings = (const char *)tables + (header->strings - header->entries),
    };
    for (uint32_t i = 0; i < header->entry_count; i++) {
        if (!entry_is_good(&candidate, i)) {
            return TS_ERR_CORRUPT;
        }
    }
    *archive = candidate;
    return TS_OK;
}

ts_status_t ts_archive_open(struct ts_archive *archive, const void *memory, uint64_t size)
{
    uint64_t offset, tables_size;
    if (size < TS_ARCHIVE_ALIGN) { // it is whole pages
        return TS_ERR_CORRUPT;
    }
    ts_status_t status = ts_archive_check_header(memory, size, &offset, &tables_size);
    if (status != TS_OK) {
        return status;
    }
    return ts_archive_open_tables(archive, memory, (const char *)memory + offset, size);
}

// Whether the path of an entry is before `path`, or, with `below`, before `path` and a '/'.
static bool is_before(const struct ts_archive *archive, uint32_t index, const char *path,
                      size_t length, bool below)
{
    const char *own = path_of(archive, index);
    size_t own_length = archive->entries[index].path_length;
    int order = path_compare(own, own_length < length ? own_length : length, path, length);
    if (order != 0 || !below || own_length == length) {
        return order < 0 || (order == 0 && below);
    }
    return (unsigned char)own[length] < '/';
}

// First entry whose path is not before `path`; the count when all are.
static uint32_t lower_bound(const struct ts_archive *archive, const char *path, size_t length,
                            bool below)
{
    uint32_t low = 0, high = archive->header->entry_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (is_before(archive, middle, path, length, below)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool find_exactly(const struct ts_archive *archive, const char *path, size_t length,
                         uint32_t *out_index)
{
    uint32_t index = lower_bound(archive, path, length, false);
    *out_index = index;
    return index < archive->header->entry_count &&
           path_compare(path_of(archive, index), archive->entries[index].path_length, path,
                        length) == 0;
}

ts_status_t ts_archive_find(const struct ts_archive *archive, const char *path, size_t length,
                            uint32_t *out_index)
{
    uint32_t index;
    if (find_exactly(archive, path, length, &index)) {
        *out_index = index;
        return TS_OK;
    }
    size_t start;
    while ((start = last_component(path, length)) > 0) {
        length = start - 1;
        if (find_exactly(archive, path, length, &index)) {
            return archive->entries[index].type == TS_ARCHIVE_DIRECTORY ? TS_ERR_NOT_FOUND
                                                                        : TS_ERR_NOT_DIRECTORY;
        }
    }
    return TS_ERR_NOT_FOUND;
}

static bool lies_below(const struct ts_archive *archive, uint32_t index, uint32_t directory)
{
    size_t length = archive->entries[directory].path_length;
    return length == 0 ||
           (archive->entries[index].path_length > length &&
            memcmp(path_of(archive, index), path_of(archive, directory), length) == 0);
}

// First entry that begins with the directory's path and '/'. Between the directory and that lie
// entries which go on with a byte before '/' ("a", "a-b", "a/c").
static uint32_t first_below(const struct ts_archive *archive, uint32_t directory)
{
    size_t length = archive->entries[directory].path_length;
    if (length == 0) {
        return directory + 1;
    }
    return lower_bound(archive, path_of(archive, directory), length, true);
}

ts_status_t ts_archive_next(const struct ts_archive *archive, uint32_t directory, uint32_t from,
                            uint32_t *out_index)
{
    uint32_t index = from > 0 ? from : first_below(archive, directory);
    for (; index < archive->header->entry_count; index++) {
        if (!lies_below(archive, index, directory)) {
            break;
        }
        if (archive->entries[index].parent == directory) {
            *out_index = index;
            return TS_OK;
        }
    }
    return TS_ERR_NOT_FOUND;
}

const char *ts_archive_name(const struct ts_archive *archive, uint32_t index, size_t *out_length)
{
    const char *path = path_of(archive, index);
    size_t length = archive->entries[index].path_length;
    size_t start = last_component(path, length);
    *out_length = length - start;
    return path + start;
}
