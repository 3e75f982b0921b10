// SPDX-License-Identifier: MIT
#include <init/archive.h>

#include <stdbool.h>
#include <string.h>

#define CRC32C_POLYNOMIAL 0x82f63b78u // RFC 3720, appendix B.4, reflected

uint32_t crc32c(uint32_t crc, const void *bytes, size_t length)
{
    static uint32_t table[256];
    if (table[1] == 0) {
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t value = i;
            for (unsigned bit = 0; bit < 8; bit++) {
                value = value >> 1 ^ ((value & 1) != 0 ? CRC32C_POLYNOMIAL : 0);
            }
            table[i] = value;
        }
    }
    const uint8_t *byte = bytes;
    crc = ~crc;
    for (size_t i = 0; i < length; i++) {
        crc = table[(crc ^ byte[i]) & 0xff] ^ crc >> 8;
    }
    return ~crc;
}

static bool inside(uint64_t offset, uint64_t length, uint64_t size)
{
    return offset <= size && length <= size - offset;
}

// Header and tables lie inside the archive and are what was written.
static ts_status_t check_tables(const char *archive, uint64_t size,
                                struct ts_archive_header *out_header)
{
    if (size < sizeof(*out_header)) {
        return TS_ERR_CORRUPT;
    }
    memcpy(out_header, archive, sizeof(*out_header));
    struct ts_archive_header copy = *out_header;
    copy.header_crc = 0;
    if (copy.magic != TS_ARCHIVE_MAGIC || copy.version != TS_ARCHIVE_VERSION ||
        copy.header_size != sizeof(copy) || copy.entry_size != sizeof(struct ts_archive_entry)) {
        return TS_ERR_VERSION;
    }
    uint64_t entries_size = (uint64_t)copy.entry_count * copy.entry_size;
    if (crc32c(0, &copy, sizeof(copy)) != out_header->header_crc || copy.size > size ||
        copy.entries % _Alignof(struct ts_archive_entry) != 0 ||
        !inside(copy.entries, entries_size, copy.size) ||
        !inside(copy.strings, copy.strings_size, copy.size)) {
        return TS_ERR_CORRUPT;
    }
    uint32_t crc = crc32c(0, archive + copy.entries, entries_size);
    crc = crc32c(crc, archive + copy.strings, copy.strings_size);
    return crc == copy.table_crc ? TS_OK : TS_ERR_CORRUPT;
}

static bool entry_is(const struct ts_archive_entry *entry, const char *strings,
                     uint64_t strings_size, const char *path)
{
    return entry->type == TS_ARCHIVE_FILE && entry->path_length == strlen(path) &&
           inside(entry->path, entry->path_length, strings_size) &&
           memcmp(strings + entry->path, path, entry->path_length) == 0;
}

ts_status_t archive_find(const void *archive, uint64_t size, const char *path,
                         const void **out_data, uint64_t *out_size)
{
    const char *bytes = archive;
    struct ts_archive_header header;
    ts_status_t status = check_tables(bytes, size, &header);
    if (status != TS_OK) {
        return status;
    }
    const struct ts_archive_entry *entries = (const void *)(bytes + header.entries);
    for (uint32_t i = 0; i < header.entry_count; i++) {
        const struct ts_archive_entry *entry = &entries[i];
        if (!entry_is(entry, bytes + header.strings, header.strings_size, path)) {
            continue;
        }
        if (!inside(entry->offset, entry->size, header.size) ||
            crc32c(0, bytes + entry->offset, entry->size) != entry->data_crc) {
            return TS_ERR_CORRUPT;
        }
        *out_data = bytes + entry->offset;
        *out_size = entry->size;
        return TS_OK;
    }
    return TS_ERR_NOT_FOUND;
}
