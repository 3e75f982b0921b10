// SPDX-License-Identifier: MIT
#include <string.h>
#include <tessera/lib/listing.h>

bool ts_listing_add(struct ts_listing *listing, uint64_t next, enum ts_file_type type,
                    uint64_t size, uint64_t identity, const char *name, size_t name_length)
{
    size_t length = TS_FILE_ENTRY_LENGTH(name_length);
    if (length > UINT16_MAX || length > listing->capacity - listing->used) {
        return false;
    }
    struct ts_file_entry *entry = (void *)(listing->buffer + listing->used);
    memset(entry, 0, length);
    entry->next = next;
    entry->size = size;
    entry->identity = identity;
    entry->type = type;
    entry->record_length = (uint16_t)length;
    entry->name_length = (uint16_t)name_length;
    memcpy(entry->name, name, name_length);
    listing->used += length;
    return true;
}

static bool entry_is_good(const struct ts_file_entry *entry, size_t room)
{
    return entry->record_length % 8 == 0 && entry->record_length <= room &&
           TS_FILE_ENTRY_LENGTH((size_t)entry->name_length) <= entry->record_length &&
           entry->name_length > 0 && memchr(entry->name, '/', entry->name_length) == NULL &&
           memchr(entry->name, '\0', entry->name_length) == NULL;
}

const struct ts_file_entry *ts_listing_next(const void *buffer, size_t bytes, size_t *position,
                                            ts_status_t *out_status)
{
    ts_status_t ignored;
    if (out_status == NULL) {
        out_status = &ignored;
    }
    *out_status = TS_OK;
    size_t room = bytes - *position;
    if (room == 0) {
        return NULL;
    }
    const struct ts_file_entry *entry = (const void *)((const char *)buffer + *position);
    if (room < TS_FILE_ENTRY_LENGTH(1) || !entry_is_good(entry, room)) {
        *out_status = TS_ERR_PROTOCOL;
        return NULL;
    }
    *position += entry->record_length;
    return entry;
}
