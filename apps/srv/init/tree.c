// SPDX-License-Identifier: MIT
// The boot archive as a read-only file tree (proto/file.h), with the configuration's mounts.
//
// Every client has a root of its own; all that it opens below belongs to it, and with it the
// sessions of mounted services that it was given. Contents are never copied: `map` hands out a view
// of the archive's memory, `read` sends from it. A file's checksum is verified when it is first
// opened.
#include "tree.h"
#include <string.h>
#include <tessera/lib/path.h>
#include <tessera/lib/share.h>
#include "init.h"
#include "pool.h"

#define OBJECTS_MAX 1536u // and 512 of INIT_OBJECTS are for what init gives at a start
#define CLIENTS_MAX 128u

#define FILE_RIGHTS                                                                    \
    (TS_RIGHT_READ | TS_RIGHT_EXECUTE | TS_RIGHT_OPEN | TS_RIGHT_MAP | TS_RIGHT_WAIT | \
     TS_RIGHT_DUPLICATE | TS_RIGHT_TRANSFER)
// Rights that pass through the tree to what is mounted in it.
#define ROOT_RIGHTS TS_RIGHTS_SAME

static struct pool objects = POOL(struct tree_object, OBJECTS_MAX);
static struct pool clients = POOL(struct tree_client, CLIENTS_MAX);
static struct ts_holder holders[2048];
static struct ts_share opened; // objects, but for roots

// ---- opening

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
    const char *base = archive_path(from, &length);
    memcpy(full, base, length);
    struct ts_path_walk walk;
    ts_path_walk_init(&walk, path, path_length);
    ts_status_t status;
    while ((status = ts_path_step(&walk)) == TS_OK) {
        if (length > boot_archive.longest_path &&
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
    status = ts_archive_find(&boot_archive.tables, full, length, &out->entry);
    if (status == TS_ERR_NOT_FOUND) {
        uint32_t above;
        while (length > 0 && full[--length] != '/') {
            ;
        }
        out->parent = ts_archive_find(&boot_archive.tables, full, length, &above) == TS_OK &&
                      boot_archive.tables.entries[above].type == TS_ARCHIVE_DIRECTORY;
    }
    return status;
}

static ts_status_t check_flags(uint32_t flags, ts_status_t status, const struct found *found)
{
    uint32_t entry = found->entry;
    if (status != TS_OK) {
        return found->parent && (flags & TS_OPEN_CREATE) ? TS_ERR_READ_ONLY : status;
    }
    bool directory = boot_archive.tables.entries[entry].type == TS_ARCHIVE_DIRECTORY;
    if ((flags & TS_OPEN_CREATE) && (flags & TS_OPEN_EXCLUSIVE)) {
        return TS_ERR_EXISTS;
    }
    if (flags & TS_OPEN_TRUNCATE) {
        return directory ? TS_ERR_IS_DIRECTORY : TS_ERR_READ_ONLY;
    }
    if ((flags & TS_OPEN_DIRECTORY) && !directory) {
        return TS_ERR_NOT_DIRECTORY;
    }
    return archive_is_sound(entry) ? TS_OK : TS_ERR_CORRUPT;
}

static const struct ts_operations tree_operations;

static struct tree_object *object_create(struct tree_client *client, uint32_t entry)
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
    struct tree_client *client = object->client;
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
    struct tree_object *object = object_create(tree_object_of(request)->client, entry);
    object->asker = request->client;
    object->flags = request->arg & (TS_OPEN_APPEND | TS_OPEN_NOWAIT);
    // A directory passes on all rights, since what is mounted below may have more than it has.
    bool directory = boot_archive.tables.entries[entry].type == TS_ARCHIVE_DIRECTORY;
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
        .cache = &tree_object_of(request)->client->sessions[index],
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
        status = resolve(tree_object_of(request)->entry, path, length, &found);
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

// ---- operations

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

// ---- for init itself

void tree_init(void)
{
    ts_share_init(&opened, OBJECTS_MAX - CLIENTS_MAX, holders,
                  sizeof(holders) / sizeof(holders[0]));
}

ts_status_t tree_root_create(const char *path, ts_rights_t rights, ts_handle_t *out_handle)
{
    uint32_t entry;
    size_t length = strlen(path);
    while (length > 0 && path[length - 1] == '/') {
        length--;
    }
    ts_status_t status = ts_archive_find(&boot_archive.tables, path, length, &entry);
    if (status == TS_OK && !archive_is_sound(entry)) {
        status = TS_ERR_CORRUPT;
    }
    if (status != TS_OK) {
        return status;
    }
    struct tree_client *client = pool_get(&clients);
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
