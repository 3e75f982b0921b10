// SPDX-License-Identifier: MIT
// Listings of directories.
//
// Cookies: 0 the start; below or equal to the number of entries: the entry to go on with; above:
// the mount. Mounts are listed after the entries, unless the archive has an entry of the name.
#include <string.h>
#include <tessera/lib/listing.h>
#include "init.h"
#include "tree.h"

static bool mount_is_in(const struct config_mount *mount, uint32_t directory, const char **out_name,
                        size_t *out_length)
{
    size_t length, start = strlen(mount->path);
    uint32_t ignored;
    const char *path = archive_path(directory, &length);
    *out_length = 0;
    while (start > 0 && mount->path[start - 1] != '/') {
        start--;
        ++*out_length;
    }
    *out_name = mount->path + start;
    size_t parent = start > 0 ? start - 1 : 0;
    return !mount->broken && parent == length && memcmp(mount->path, path, length) == 0 &&
           ts_archive_find(&boot_archive.tables, mount->path, strlen(mount->path), &ignored) !=
               TS_OK;
}

static void list_mounts(struct ts_listing *listing, uint32_t directory, uint32_t from)
{
    for (uint32_t i = from; i < init.config.mount_count; i++) {
        const char *name;
        size_t length;
        if (mount_is_in(&init.config.mounts[i], directory, &name, &length) &&
            !ts_listing_add(listing, boot_archive.tables.header->entry_count + i + 2,
                            TS_FILE_DIRECTORY, 0, boot_archive.tables.header->entry_count + i + 1,
                            name, length)) {
            return;
        }
    }
}

// False: the buffer is full.
static bool list_entries(struct ts_listing *listing, uint32_t directory, uint32_t from)
{
    uint32_t index;
    while (ts_archive_next(&boot_archive.tables, directory, from, &index) == TS_OK) {
        const struct ts_archive_entry *entry = &boot_archive.tables.entries[index];
        size_t length;
        const char *name = ts_archive_name(&boot_archive.tables, index, &length);
        if (!ts_listing_add(listing, index + 1, tree_type_of(entry), entry->size, index + 1, name,
                            length)) {
            return false;
        }
        from = index + 1;
    }
    return true;
}

void tree_list(struct ts_request *request)
{
    static _Alignas(8) char buffer[4096];
    uint32_t directory = tree_object_of(request)->entry,
             count = boot_archive.tables.header->entry_count;
    struct ts_listing listing = {
        buffer, request->room < sizeof(buffer) ? request->room : sizeof(buffer), 0};
    if (tree_entry_of(tree_object_of(request))->type != TS_ARCHIVE_DIRECTORY) {
        ts_request_reply(request, TS_ERR_NOT_DIRECTORY, 0);
        return;
    }
    uint64_t cookie = request->offset;
    bool room = cookie > count || list_entries(&listing, directory, (uint32_t)cookie);
    if (room && cookie <= count + init.config.mount_count) {
        list_mounts(&listing, directory, cookie > count ? (uint32_t)cookie - count - 1 : 0);
    }
    if (listing.used == 0 && !room) {
        ts_request_reply(request, TS_ERR_OVERFLOW, 0); // not even one entry fits
    } else {
        ts_request_reply_stable(request, buffer, listing.used);
    }
}
