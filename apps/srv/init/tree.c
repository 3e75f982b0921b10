// SPDX-License-Identifier: MIT
// The boot archive as a read-only file tree (proto/file.h), with the configuration's mounts.
//
// Every client has a root of its own; all that it opens below belongs to it, and with it the
// sessions of mounted services that it was given. Contents are never copied: `map` hands out a view
// of the archive's memory, `read` sends from it. A file's checksum is verified when it is first
// opened.
#include <string.h>
#include <tessera/lib/listing.h>
#include <tessera/lib/log.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/path.h>
#include <tessera/lib/share.h>
#include "init.h"

#define OBJECTS_MAX 1536u // and 512 of INIT_OBJECTS are for what init gives at a start
#define CLIENTS_MAX 128u

#define FILE_RIGHTS                                                                    \
    (TS_RIGHT_READ | TS_RIGHT_EXECUTE | TS_RIGHT_OPEN | TS_RIGHT_MAP | TS_RIGHT_WAIT | \
     TS_RIGHT_DUPLICATE | TS_RIGHT_TRANSFER)
// Rights that pass through the tree to what is mounted in it.
#define ROOT_RIGHTS TS_RIGHTS_SAME

struct client {
    uint32_t objects;
    struct session_cache sessions[CONFIG_MOUNTS];
};

struct tree_object {
    struct ts_object object;
    struct client *client;
    uint32_t entry;
    bool root;      // given at a start; others are taken from the client that opened them
    uint32_t asker; // that client
    uint64_t position;
    uint64_t flags; // STATUS_FLAGS
};

enum sum { SUM_NOT_CHECKED, SUM_GOOD, SUM_BAD };

// What is known of an entry of the archive.
struct file {
    ts_handle_t view; // of its content, from when it is first mapped
    uint8_t sum;      // enum sum
};

static struct pool objects = POOL(struct tree_object, OBJECTS_MAX);
static struct pool clients = POOL(struct client, CLIENTS_MAX);
static struct ts_holder holders[2048];
static struct ts_share opened; // objects, but for roots
static struct file *files;     // by entry
static size_t longest_path;    // of the archive

static struct tree_object *object_of(const struct ts_request *request)
{
    return TS_OBJECT_OF(request->object, struct tree_object, object);
}

static const struct ts_archive_entry *entry_of(const struct tree_object *object)
{
    return &init.archive.entries[object->entry];
}

static const char *entry_path(uint32_t entry, size_t *out_length)
{
    *out_length = init.archive.entries[entry].path_length;
    return init.archive.strings + init.archive.entries[entry].path;
}

static bool entry_is_sound(uint32_t index)
{
    const struct ts_archive_entry *entry = &init.archive.entries[index];
    if (entry->type != TS_ARCHIVE_FILE) {
        return true;
    }
    if (files[index].sum == SUM_NOT_CHECKED) {
        uint32_t crc = ts_crc32c(0, init.archive_bytes + entry->offset, entry->size);
        files[index].sum = crc == entry->data_crc ? SUM_GOOD : SUM_BAD;
        size_t length;
        const char *path = entry_path(index, &length);
        if (files[index].sum == SUM_BAD) {
            ts_log("boot archive: /%.*s fails its checksum", (int)length, path);
        }
    }
    return files[index].sum == SUM_GOOD;
}

// opening -----------------------------------------------------------------------------------

struct found {
    uint32_t entry;
    const struct config_mount *mount; // the path leads out of the tree here
    uint32_t consumed;
    bool parent; // nothing is there, but it could be made in what is above, were this writable
};

static const struct config_mount *mount_at(const char *path, size_t length)
{
    for (uint32_t i = 0; i < init.config.mount_count; i++) {
        const struct config_mount *mount = &init.config.mounts[i];
        if (!mount->broken && strlen(mount->path) == length &&
            memcmp(mount->path, path, length) == 0) {
            return mount;
        }
    }
    return NULL;
}

static ts_status_t append(char *full, size_t *length, const struct ts_path_walk *walk)
{
    size_t separator = *length > 0;
    if (*length + separator + walk->length > TS_PATH_MAX) {
        return TS_ERR_NAME_TOO_LONG;
    }
    if (separator) {
        full[(*length)++] = '/';
    }
    memcpy(full + *length, walk->component, walk->length);
    *length += walk->length;
    return TS_OK;
}

static ts_status_t resolve(uint32_t from, const char *path, size_t path_length, struct found *out)
{
    char full[TS_PATH_MAX];
    size_t length;
    const char *base = entry_path(from, &length);
    memcpy(full, base, length);
    struct ts_path_walk walk;
    ts_path_walk_init(&walk, path, path_length);
    ts_status_t status;
    while ((status = ts_path_step(&walk)) == TS_OK) {
        if (length > longest_path &&
            length > init.config.longest_mount) { // nothing is there, were it a thousand components
            return TS_ERR_NOT_FOUND;
        }
        status = append(full, &length, &walk);
        if (status != TS_OK) {
            return status;
        }
        out->mount = mount_at(full, length);
        out->consumed = (uint32_t)(walk.next - path);
        if (out->mount != NULL) {
            return TS_OK;
        }
    }
    if (status != TS_ERR_NOT_FOUND) {
        return status;
    }
    status = ts_archive_find(&init.archive, full, length, &out->entry);
    if (status == TS_ERR_NOT_FOUND) {
        uint32_t above;
        while (length > 0 && full[--length] != '/') {
            ;
        }
        out->parent = ts_archive_find(&init.archive, full, length, &above) == TS_OK &&
                      init.archive.entries[above].type == TS_ARCHIVE_DIRECTORY;
    }
    return status;
}

static ts_status_t check_flags(uint32_t flags, ts_status_t status, const struct found *found)
{
    uint32_t entry = found->entry;
    if (status != TS_OK) {
        return found->parent && (flags & TS_OPEN_CREATE) ? TS_ERR_READ_ONLY : status;
    }
    bool directory = init.archive.entries[entry].type == TS_ARCHIVE_DIRECTORY;
    if ((flags & TS_OPEN_CREATE) && (flags & TS_OPEN_EXCLUSIVE)) {
        return TS_ERR_EXISTS;
    }
    if (flags & TS_OPEN_TRUNCATE) {
        return directory ? TS_ERR_IS_DIRECTORY : TS_ERR_READ_ONLY;
    }
    if ((flags & TS_OPEN_DIRECTORY) && !directory) {
        return TS_ERR_NOT_DIRECTORY;
    }
    return entry_is_sound(entry) ? TS_OK : TS_ERR_CORRUPT;
}

static const struct ts_operations tree_operations;

static struct tree_object *object_create(struct client *client, uint32_t entry)
{
    struct tree_object *object = pool_get(&objects); // there are as many as may be taken, and roots
    if (object == NULL) {
        return NULL;
    }
    object->object.operations = &tree_operations;
    object->client = client;
    object->entry = entry;
    client->objects++;
    return object;
}

static void object_free(struct tree_object *object)
{
    struct client *client = object->client;
    if (!object->root) {
        ts_share_give(&opened, object->asker, 1);
    }
    pool_put(&objects, object);
    if (--client->objects > 0) {
        return;
    }
    for (uint32_t i = 0; i < CONFIG_MOUNTS; i++) {
        ts_close(client->sessions[i].session);
    }
    pool_put(&clients, client);
}

static void open_entry(struct ts_request *request, uint32_t entry)
{
    ts_status_t status = ts_share_take(&opened, request->client, 1);
    if (status != TS_OK) {
        ts_request_reply(request, status, 0);
        return;
    }
    struct tree_object *object = object_create(object_of(request)->client, entry);
    object->asker = request->client;
    object->flags = request->arg & (TS_OPEN_APPEND | TS_OPEN_NOWAIT);
    // A directory passes on all rights, since what is mounted below may have more than it has.
    bool directory = init.archive.entries[entry].type == TS_ARCHIVE_DIRECTORY;
    if (ts_request_reply_mint(request, &object->object, directory ? ROOT_RIGHTS : FILE_RIGHTS, 0) !=
        TS_OK) {
        object_free(object);
    }
}

static void open_mount(struct ts_request *request, const struct found *found)
{
    uint32_t index = (uint32_t)(found->mount - init.config.mounts);
    struct broker_wish wish = {
        .target = &init.services[found->mount->service],
        .path = "",
        .cache = &object_of(request)->client->sessions[index],
        .consumed = found->consumed,
        .mount = true,
    };
    broker_open(request, &wish);
}

static void tree_open(struct ts_request *request)
{
    char path[TS_PATH_MAX + 1];
    size_t length;
    struct found found = {0};
    ts_status_t status = ts_request_path(request, path, sizeof(path), &length);
    if (status == TS_OK) {
        status = resolve(object_of(request)->entry, path, length, &found);
    }
    if (status == TS_OK && found.mount != NULL) {
        open_mount(request, &found);
        return;
    }
    status = check_flags((uint32_t)request->arg, status, &found);
    if (status != TS_OK) {
        ts_request_reply(request, status, 0);
    } else {
        open_entry(request, found.entry);
    }
}

// content -----------------------------------------------------------------------------------

static void tree_read(struct ts_request *request)
{
    struct tree_object *object = object_of(request);
    const struct ts_archive_entry *entry = entry_of(object);
    if (entry->type != TS_ARCHIVE_FILE) {
        ts_request_reply(request, TS_ERR_IS_DIRECTORY, 0);
        return;
    }
    bool current = request->flags & TS_FLAG_CURRENT;
    uint64_t offset = current ? object->position : request->offset;
    uint64_t length = offset < entry->size ? entry->size - offset : 0;
    uint32_t most = request->room < TS_FILE_MOVE ? request->room : TS_FILE_MOVE;
    if (length > most) {
        length = most;
    }
    if (current) {
        object->position = offset + length;
    }
    const unsigned char *bytes = length > 0 ? init.archive_bytes + entry->offset + offset : NULL;
    ts_request_reply_stable(request, bytes, length);
}

// One view of each file is made, and it stays: each mapper of the file has a handle of it.
static ts_status_t view_of(uint32_t index, ts_handle_t *out_view)
{
    struct file *file = &files[index];
    const struct ts_archive_entry *entry = &init.archive.entries[index];
    ts_status_t status = TS_OK;
    if (!file->view) {
        status = ts_memory_view(init.archive_memory, entry->offset, TS_PAGE_ROUND(entry->size),
                                &file->view);
    }
    return status != TS_OK ? status : ts_duplicate(file->view, TS_RIGHTS_SAME, out_view);
}

static void tree_map(struct ts_request *request)
{
    const struct ts_archive_entry *entry = entry_of(object_of(request));
    ts_handle_t view;
    ts_status_t status = TS_OK;
    if (entry->type != TS_ARCHIVE_FILE) {
        status = TS_ERR_IS_DIRECTORY;
    } else if (request->rights & TS_RIGHT_WRITE) {
        status = TS_ERR_READ_ONLY;
    } else if (request->offset % TS_PAGE_SIZE != 0) {
        status = TS_ERR_ARGUMENT;
    } else if (request->offset >= entry->size) {
        status = TS_ERR_RANGE;
    } else if (request->offset > 0) {
        status = TS_ERR_UNSUPPORTED; // views are init's expense: who wants a part makes a copy
    } else {
        status = view_of(object_of(request)->entry, &view);
    }
    if (status != TS_OK) {
        ts_request_reply(request, status, 0);
    } else {
        (void)ts_request_reply_move(request, view, request->rights, 0);
    }
}

static enum ts_file_type type_of(const struct ts_archive_entry *entry)
{
    return entry->type == TS_ARCHIVE_DIRECTORY ? TS_FILE_DIRECTORY : TS_FILE_REGULAR;
}

static void get_attributes(struct ts_request *request)
{
    const struct ts_archive_entry *entry = entry_of(object_of(request));
    int64_t modified = (int64_t)entry->modified_ns;
    struct ts_attributes attributes = {
        .mask = TS_ATTRIBUTE_MODE | TS_ATTRIBUTE_MODIFIED,
        .type = type_of(entry),
        .mode = entry->mode,
        .links = 1,
        .size = entry->size,
        .blocks = TS_PAGE_ROUND(entry->size),
        .identity = object_of(request)->entry + 1,
        .store = init.archive.header->created_ns,
        .modified_ns = modified,
        .accessed_ns = modified,
        .changed_ns = modified,
        .created_ns = modified,
    };
    if (request->room < sizeof(attributes)) {
        ts_request_reply(request, TS_ERR_OVERFLOW, 0);
    } else {
        ts_request_reply_bytes(request, &attributes, sizeof(attributes));
    }
}

static void tree_get(struct ts_request *request)
{
    struct tree_object *object = object_of(request);
    size_t length;
    const char *path = entry_path(object->entry, &length);
    switch (request->arg) {
    case TS_PROPERTY_SIZE: ts_request_reply_u64(request, entry_of(object)->size); break;
    case TS_PROPERTY_POSITION: ts_request_reply_u64(request, object->position); break;
    case TS_PROPERTY_STATUS_FLAGS: ts_request_reply_u64(request, object->flags); break;
    case TS_PROPERTY_ATTRIBUTES: get_attributes(request); break;
    case TS_PROPERTY_NAME: ts_request_reply_stable(request, path, length); break;
    default: ts_request_reply(request, TS_ERR_UNSUPPORTED, 0); break;
    }
}

static void tree_set(struct ts_request *request)
{
    struct tree_object *object = object_of(request);
    uint64_t number;
    ts_status_t status = TS_OK;
    switch (request->arg) {
    case TS_PROPERTY_SIZE:
    case TS_PROPERTY_ATTRIBUTES: status = TS_ERR_READ_ONLY; break;
    case TS_PROPERTY_POSITION:
    case TS_PROPERTY_STATUS_FLAGS:
        status = ts_request_pull_exact(request, &number, sizeof(number));
        break;
    default: status = TS_ERR_UNSUPPORTED; break;
    }
    if (status == TS_OK && request->arg == TS_PROPERTY_STATUS_FLAGS) {
        object->flags = number & (TS_OPEN_APPEND | TS_OPEN_NOWAIT);
    } else if (status == TS_OK && number > INT64_MAX) {
        status = TS_ERR_ARGUMENT;
    } else if (status == TS_OK) {
        object->position = number;
    }
    ts_request_reply(request, status, 0);
}

// listing -----------------------------------------------------------------------------------
// Cookies: 0 the start; below or equal to the number of entries: the entry to go on with; above:
// the mount. Mounts are listed after the entries, unless the archive has an entry of the name.

static bool mount_is_in(const struct config_mount *mount, uint32_t directory, const char **out_name,
                        size_t *out_length)
{
    size_t length, start = strlen(mount->path);
    uint32_t ignored;
    const char *path = entry_path(directory, &length);
    *out_length = 0;
    while (start > 0 && mount->path[start - 1] != '/') {
        start--;
        ++*out_length;
    }
    *out_name = mount->path + start;
    size_t parent = start > 0 ? start - 1 : 0;
    return !mount->broken && parent == length && memcmp(mount->path, path, length) == 0 &&
           ts_archive_find(&init.archive, mount->path, strlen(mount->path), &ignored) != TS_OK;
}

static void list_mounts(struct ts_listing *listing, uint32_t directory, uint32_t from)
{
    for (uint32_t i = from; i < init.config.mount_count; i++) {
        const char *name;
        size_t length;
        if (mount_is_in(&init.config.mounts[i], directory, &name, &length) &&
            !ts_listing_add(listing, init.archive.header->entry_count + i + 2, TS_FILE_DIRECTORY, 0,
                            init.archive.header->entry_count + i + 1, name, length)) {
            return;
        }
    }
}

// False: the buffer is full.
static bool list_entries(struct ts_listing *listing, uint32_t directory, uint32_t from)
{
    uint32_t index;
    while (ts_archive_next(&init.archive, directory, from, &index) == TS_OK) {
        const struct ts_archive_entry *entry = &init.archive.entries[index];
        size_t length;
        const char *name = ts_archive_name(&init.archive, index, &length);
        if (!ts_listing_add(listing, index + 1, type_of(entry), entry->size, index + 1, name,
                            length)) {
            return false;
        }
        from = index + 1;
    }
    return true;
}

static void tree_list(struct ts_request *request)
{
    static _Alignas(8) char buffer[4096];
    uint32_t directory = object_of(request)->entry, count = init.archive.header->entry_count;
    struct ts_listing listing = {
        buffer, request->room < sizeof(buffer) ? request->room : sizeof(buffer), 0};
    if (entry_of(object_of(request))->type != TS_ARCHIVE_DIRECTORY) {
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

static void tree_refuse(struct ts_request *request)
{
    ts_request_reply(request, TS_ERR_READ_ONLY, 0);
}

static void tree_sync(struct ts_request *request)
{
    ts_request_reply(request, TS_OK, 0);
}

static void tree_closed(struct ts_object *object)
{
    broker_forget(object);
    object_free(TS_OBJECT_OF(object, struct tree_object, object));
}

static const struct ts_operations tree_operations = {
    .open = tree_open,
    .create = tree_refuse,
    .remove = tree_refuse,
    .rename = tree_refuse,
    .link = tree_refuse,
    .share = tree_refuse,
    .list = tree_list,
    .read = tree_read,
    .write = tree_refuse,
    .sync = tree_sync,
    .get = tree_get,
    .set = tree_set,
    .map = tree_map,
    .cancel = broker_cancel,
    .closed = tree_closed,
};

// for init itself ---------------------------------------------------------------------------

ts_status_t tree_init(void)
{
    void *memory;
    size_t size = init.archive.header->entry_count * sizeof(struct file);
    ts_status_t status = ts_memory_allocate(size, 0, NULL, &memory);
    files = memory;
    for (uint32_t i = 0; i < init.archive.header->entry_count; i++) {
        size_t length;
        (void)entry_path(i, &length);
        longest_path = length > longest_path ? length : longest_path;
    }
    ts_share_init(&opened, OBJECTS_MAX - CLIENTS_MAX, holders,
                  sizeof(holders) / sizeof(holders[0]));
    return status;
}

ts_status_t tree_root_create(const char *path, ts_rights_t rights, ts_handle_t *out_handle)
{
    uint32_t entry;
    size_t length = strlen(path);
    while (length > 0 && path[length - 1] == '/') {
        length--;
    }
    ts_status_t status = ts_archive_find(&init.archive, path, length, &entry);
    if (status == TS_OK && !entry_is_sound(entry)) {
        status = TS_ERR_CORRUPT;
    }
    if (status != TS_OK) {
        return status;
    }
    struct client *client = pool_get(&clients);
    struct tree_object *object = client != NULL ? object_create(client, entry) : NULL;
    if (object == NULL) {
        if (client != NULL) {
            pool_put(&clients, client);
        }
        return TS_ERR_LIMIT;
    }
    object->root = true;
    status = ts_object_mint(&init.server, &object->object, rights, out_handle);
    if (status != TS_OK) {
        object_free(object);
    }
    return status;
}

static ts_status_t find_file(const char *path, uint32_t *out_index)
{
    ts_status_t status = ts_archive_find(&init.archive, path, strlen(path), out_index);
    if (status != TS_OK) {
        return status;
    }
    if (init.archive.entries[*out_index].type != TS_ARCHIVE_FILE) {
        return TS_ERR_IS_DIRECTORY;
    }
    return entry_is_sound(*out_index) ? TS_OK : TS_ERR_CORRUPT;
}

ts_status_t tree_bytes(const char *path, const unsigned char **out_bytes, uint64_t *out_size)
{
    uint32_t index;
    ts_status_t status = find_file(path, &index);
    if (status == TS_OK) {
        *out_bytes = init.archive_bytes + init.archive.entries[index].offset;
        *out_size = init.archive.entries[index].size;
    }
    return status;
}

ts_status_t tree_program(const char *path, ts_handle_t *out_image, uint64_t *out_size)
{
    uint32_t index;
    ts_status_t status = find_file(path, &index);
    if (status != TS_OK) {
        return status;
    }
    *out_size = init.archive.entries[index].size;
    return *out_size > 0 ? view_of(index, out_image) : TS_ERR_EXECUTABLE;
}
