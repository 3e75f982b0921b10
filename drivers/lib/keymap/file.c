// SPDX-License-Identifier: MIT
#include <drivers/keymap/file.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/lib/log.h>
#include <tessera/lib/op.h>
#include <tessera/proto/file.h>

static bool is_name(const char *name)
{
    size_t length = strnlen(name, KEYMAP_NAME_MAX + 1);
    return length > 0 && length <= KEYMAP_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

// All of a file, no larger than `limit`, in memory of its own.
static ts_status_t read_file(ts_handle_t folder, const char *name, size_t limit, void **out_bytes,
                             size_t *out_length)
{
    ts_handle_t file;
    struct ts_attributes attributes;
    size_t got;
    ts_status_t status = ts_open(folder, name, 0, TS_RIGHT_READ, &file);
    if (status != TS_OK) {
        return status;
    }
    void *bytes = NULL;
    status = ts_get(file, TS_PROPERTY_ATTRIBUTES, &attributes, sizeof(attributes), &got);
    if (status == TS_OK && (got != sizeof(attributes) || attributes.size > limit)) {
        status = TS_ERR_TOO_LARGE;
    }
    if (status == TS_OK) {
        bytes = malloc(attributes.size > 0 ? attributes.size : 1);
        status = bytes != NULL ? ts_read_all(file, bytes, attributes.size, 0) : TS_ERR_MEMORY;
    }
    ts_close(file);
    if (status != TS_OK) {
        free(bytes);
        return status;
    }
    *out_bytes = bytes;
    *out_length = attributes.size;
    return TS_OK;
}

static ts_status_t load(ts_handle_t folder, const char *name, struct keymap_file *file)
{
    void *bytes;
    size_t length;
    struct keymap map;
    if (!is_name(name)) {
        return TS_ERR_ARGUMENT;
    }
    ts_status_t status = read_file(folder, name, KEYMAP_FILE_MAX, &bytes, &length);
    if (status != TS_OK) {
        return status;
    }
    status = keymap_parse(bytes, length, &map);
    if (status != TS_OK) {
        free(bytes);
        return status;
    }
    file->map = map;
    memmove(file->name, name, strlen(name) + 1);
    return TS_OK;
}

ts_status_t keymap_load_or_default(ts_handle_t folder, const char *name, struct keymap_file *file)
{
    ts_status_t status = TS_OK;
    if (name != NULL) {
        status = load(folder, name, file);
        if (status == TS_OK) {
            return TS_OK;
        }
        ts_log("keymap %s: %s; taking %s", name, ts_status_name(status), KEYMAP_DEFAULT);
    }
    status = load(folder, KEYMAP_DEFAULT, file);
    if (status != TS_OK) {
        ts_log("keymap %s: %s", KEYMAP_DEFAULT, ts_status_name(status));
    }
    return status;
}

ts_status_t keymap_compose_load(ts_handle_t folder, struct keymap_compose *out_compose)
{
    void *bytes;
    size_t length;
    ts_status_t status = read_file(folder, "compose", KEYMAP_COMPOSE_MAX, &bytes, &length);
    if (status == TS_OK) {
        status = keymap_compose_parse(bytes, length, out_compose);
        if (status != TS_OK) {
            free(bytes);
        }
    }
    return status;
}
