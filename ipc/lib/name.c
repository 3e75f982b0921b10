// SPDX-License-Identifier: MIT
// Operations on names. Only `open` can be redirected to another server; so the operations that
// change a directory open the directory first, wherever it is, and then name the last component
// there alone.
#include <string.h>
#include <tessera/lib/op.h>

static ts_status_t path_length(const char *path, size_t *out_length)
{
    size_t length = strlen(path);
    if (length > TS_PATH_MAX) {
        return TS_ERR_NAME_TOO_LONG;
    }
    *out_length = length;
    return TS_OK;
}

struct opened {
    ts_handle_t handle;
    bool redirect;
    size_t consumed;
};

static ts_status_t open_once(ts_handle_t root, const char *path, size_t length, unsigned flags,
                             ts_rights_t rights, ts_time_t deadline, struct opened *out)
{
    uint64_t value;
    ts_status_t status = ts_op(root,
                               &(struct ts_op){.op = TS_OP_OPEN,
                                               .rights = rights,
                                               .address = path,
                                               .length = length,
                                               .arg = ts_open_arg(flags, 0),
                                               .deadline = deadline},
                               &value);
    if (status != TS_OK) {
        return status;
    }
    out->handle = (ts_handle_t)value;
    out->redirect = (value & TS_OPEN_REDIRECTED) != 0;
    out->consumed = ts_open_redirect_consumed(value);
    if (out->redirect && out->consumed > length) {
        ts_close(out->handle);
        return TS_ERR_PROTOCOL;
    }
    return TS_OK;
}

// A redirect's handle has no more rights than were asked; going on there takes OPEN. A caller that
// asks for less gets it by asking again where the redirect is.
static ts_status_t open_step(ts_handle_t root, const char *path, size_t length, unsigned flags,
                             ts_rights_t rights, ts_time_t deadline, struct opened *out)
{
    ts_status_t status = open_once(root, path, length, flags, rights, deadline, out);
    if (status != TS_OK || !out->redirect || (rights & TS_RIGHT_OPEN)) {
        return status;
    }
    ts_close(out->handle);
    status = open_once(root, path, length, flags, rights | TS_RIGHT_OPEN, deadline, out);
    if (status == TS_OK && !out->redirect) { // no longer redirected
        ts_handle_t wider = out->handle;
        status = ts_duplicate(wider, rights, &out->handle);
        ts_close(wider);
    }
    return status;
}

ts_status_t ts_open_until(ts_handle_t root, const char *path, unsigned flags, ts_rights_t rights,
                          ts_time_t deadline, ts_handle_t *out_handle)
{
    size_t length;
    ts_status_t status = path_length(path, &length);
    if (status != TS_OK) {
        return status;
    }
    const char *whole = path;
    ts_handle_t at = root;
    for (unsigned redirects = 0; redirects <= TS_REDIRECTS_MAX; redirects++) {
        struct opened opened;
        status = open_step(at, path, length, flags, rights, deadline, &opened);
        bool led_away = at != root;
        if (led_away) {
            ts_close(at);
        }
        if (status == TS_ERR_PEER_CLOSED && led_away && redirects < TS_REDIRECTS_MAX) {
            path = whole; // that server has ended; the one that led there knows of another
            length = strlen(whole);
            at = root;
            continue;
        }
        if (status != TS_OK) {
            return status;
        }
        if (!opened.redirect) {
            *out_handle = opened.handle;
            return TS_OK;
        }
        at = opened.handle;
        path += opened.consumed;
        length -= opened.consumed;
        if (length == 0 && (flags & TS_OPEN_EXCLUSIVE)) {
            ts_close(at);
            return TS_ERR_EXISTS;
        }
    }
    ts_close(at);
    return TS_ERR_LOOP;
}

ts_status_t ts_open(ts_handle_t root, const char *path, unsigned flags, ts_rights_t rights,
                    ts_handle_t *out_handle)
{
    return ts_open_until(root, path, flags, rights, TS_DEADLINE_NONE, out_handle);
}

// The directory that a path's last component is in.
struct parent {
    ts_handle_t directory;
    bool opened;      // close it afterwards
    const char *name; // the last component
    size_t name_length;
    size_t directory_length; // bytes of the path before it
};

static ts_status_t parent_split(const char *path, struct parent *parent)
{
    size_t length;
    ts_status_t status = path_length(path, &length);
    if (status != TS_OK) {
        return status;
    }
    while (length > 0 && path[length - 1] == '/') {
        length--;
    }
    size_t start = length;
    while (start > 0 && path[start - 1] != '/') {
        start--;
    }
    if (start == length) {
        return TS_ERR_ARGUMENT;
    }
    parent->name = path + start;
    parent->name_length = length - start;
    parent->directory_length = start;
    return TS_OK;
}

static ts_status_t parent_open(ts_handle_t root, const char *path, struct parent *parent)
{
    parent->opened = false;
    parent->directory = root;
    ts_status_t status = parent_split(path, parent);
    if (status != TS_OK || parent->directory_length == 0) {
        return status;
    }
    char directory[TS_PATH_MAX + 1];
    memcpy(directory, path, parent->directory_length);
    directory[parent->directory_length] = '\0';
    status = ts_open(root, directory, TS_OPEN_DIRECTORY, TS_RIGHTS_SAME, &parent->directory);
    parent->opened = status == TS_OK;
    return status;
}

static void parent_close(struct parent *parent)
{
    if (parent->opened) {
        ts_close(parent->directory);
    }
}

ts_status_t ts_create(ts_handle_t root, const char *path, unsigned kind, unsigned flags,
                      ts_rights_t rights, ts_handle_t *out_handle)
{
    struct parent parent;
    ts_status_t status = parent_open(root, path, &parent);
    if (status != TS_OK) {
        return status;
    }
    uint64_t value;
    status = ts_op(parent.directory,
                   &(struct ts_op){.op = TS_OP_CREATE,
                                   .rights = rights,
                                   .address = parent.name,
                                   .length = parent.name_length,
                                   .arg = ts_open_arg(flags, kind)},
                   &value);
    if (status == TS_OK) {
        *out_handle = (ts_handle_t)value;
    }
    parent_close(&parent);
    return status;
}

ts_status_t ts_remove(ts_handle_t root, const char *path, unsigned kind)
{
    struct parent parent;
    ts_status_t status = parent_open(root, path, &parent);
    if (status != TS_OK) {
        return status;
    }
    status = ts_op(parent.directory,
                   &(struct ts_op){.op = TS_OP_REMOVE,
                                   .address = parent.name,
                                   .length = parent.name_length,
                                   .arg = ts_open_arg(0, kind)},
                   NULL);
    parent_close(&parent);
    return status;
}

// "old\0new" at `from`, with a duplicate of `to`, which the request consumes, when it is another
// directory.
static ts_status_t two_names(enum ts_operation op, const struct parent *from,
                             const struct parent *to, unsigned flags)
{
    char names[2 * TS_COMPONENT_MAX + 1];
    if (from->name_length > TS_COMPONENT_MAX || to->name_length > TS_COMPONENT_MAX) {
        return TS_ERR_NAME_TOO_LONG;
    }
    memcpy(names, from->name, from->name_length);
    names[from->name_length] = '\0';
    memcpy(names + from->name_length + 1, to->name, to->name_length);

    struct ts_call call = {.in_address = (uintptr_t)names,
                           .in_length = (uint32_t)(from->name_length + 1 + to->name_length)};
    if (from->directory != to->directory) {
        ts_status_t status = ts_duplicate(to->directory, TS_RIGHTS_SAME, &call.in_handle[0]);
        if (status != TS_OK) {
            return status;
        }
        call.in_handles = 1;
    }
    ts_status_t status = ts_op(
        from->directory,
        &(struct ts_op){.op = op, .address = &call, .length = sizeof(call), .arg = flags}, NULL);
    // Gone when it was delivered, here when it was not: then this closes it.
    ts_close(call.in_handle[0]);
    return status;
}

static bool same_directory(ts_handle_t old_root, const char *old_path, ts_handle_t new_root,
                           const char *new_path)
{
    struct parent a, b;
    return old_root == new_root && parent_split(old_path, &a) == TS_OK &&
           parent_split(new_path, &b) == TS_OK && a.directory_length == b.directory_length &&
           memcmp(old_path, new_path, a.directory_length) == 0;
}

static ts_status_t with_two_parents(enum ts_operation op, ts_handle_t old_root,
                                    const char *old_path, ts_handle_t new_root,
                                    const char *new_path, unsigned flags)
{
    struct parent from, to;
    ts_status_t status = parent_open(old_root, old_path, &from);
    if (status != TS_OK) {
        return status;
    }
    if (same_directory(old_root, old_path, new_root, new_path)) {
        status = parent_split(new_path, &to);
        to.directory = from.directory;
        to.opened = false;
    } else {
        status = parent_open(new_root, new_path, &to);
    }
    if (status == TS_OK) {
        status = two_names(op, &from, &to, flags);
        parent_close(&to);
    }
    parent_close(&from);
    return status;
}

ts_status_t ts_rename(ts_handle_t old_root, const char *old_path, ts_handle_t new_root,
                      const char *new_path, unsigned flags)
{
    return with_two_parents(TS_OP_RENAME, old_root, old_path, new_root, new_path, flags);
}

ts_status_t ts_link(ts_handle_t old_root, const char *old_path, ts_handle_t new_root,
                    const char *new_path)
{
    return with_two_parents(TS_OP_LINK, old_root, old_path, new_root, new_path, 0);
}

ts_status_t ts_share(ts_handle_t root, const char *path, ts_handle_t object)
{
    struct parent parent;
    ts_status_t status = parent_open(root, path, &parent);
    if (status != TS_OK) {
        return status;
    }
    struct ts_call call = {.in_address = (uintptr_t)parent.name,
                           .in_length = (uint32_t)parent.name_length,
                           .in_handles = 1};
    status = ts_duplicate(object, TS_RIGHTS_SAME, &call.in_handle[0]);
    if (status == TS_OK) {
        status = ts_op(parent.directory,
                       &(struct ts_op){.op = TS_OP_SHARE, .address = &call, .length = sizeof(call)},
                       NULL);
        ts_close(call.in_handle[0]);
    }
    parent_close(&parent);
    return status;
}
