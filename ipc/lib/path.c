// SPDX-License-Identifier: MIT
#include <string.h>
#include <tessera/abi/ring.h>
#include <tessera/lib/path.h>

struct path_writer {
    char *out;
    size_t capacity, length;
};

static void drop_component(struct path_writer *writer)
{
    while (writer->length > 0 && writer->out[writer->length - 1] != '/') {
        writer->length--;
    }
    if (writer->length > 0) {
        writer->length--; // the separator
    }
}

static ts_status_t add_component(struct path_writer *writer, const char *component, size_t length)
{
    size_t separator = writer->length > 0 ? 1 : 0;
    if (length > TS_COMPONENT_MAX || writer->length + separator + length >= writer->capacity) {
        return TS_ERR_NAME_TOO_LONG;
    }
    if (separator) {
        writer->out[writer->length++] = '/';
    }
    memcpy(writer->out + writer->length, component, length);
    writer->length += length;
    return TS_OK;
}

static ts_status_t add_path(struct path_writer *writer, const char *path, bool *out_directory)
{
    *out_directory = true; // so is the empty path
    while (*path) {
        size_t length = strcspn(path, "/");
        bool dot = length == 1 && path[0] == '.';
        bool dots = length == 2 && path[0] == '.' && path[1] == '.';
        *out_directory = dot || dots || length == 0 || path[length] == '/';
        if (dots) {
            drop_component(writer);
        } else if (length > 0 && !dot) {
            ts_status_t status = add_component(writer, path, length);
            if (status != TS_OK) {
                return status;
            }
        }
        path += length;
        path += *path == '/';
    }
    return TS_OK;
}

ts_status_t ts_path_normalise(const char *base, const char *path, char *out, size_t capacity,
                              bool *out_directory)
{
    struct path_writer writer = {out, capacity, 0};
    bool directory;
    ts_status_t status = TS_OK;
    if (capacity == 0) {
        return TS_ERR_NAME_TOO_LONG;
    }
    if (path[0] != '/') {
        status = add_path(&writer, base, &directory);
    }
    if (status == TS_OK) {
        status = add_path(&writer, path, &directory);
    }
    if (status != TS_OK) {
        return status;
    }
    out[writer.length] = '\0';
    if (out_directory != NULL) {
        *out_directory = directory;
    }
    return TS_OK;
}

void ts_path_walk_init(struct ts_path_walk *walk, const char *path, size_t length)
{
    *walk = (struct ts_path_walk){.next = path, .end = path + length};
}

// Skips separators and "." components.
static void skip_nothing(struct ts_path_walk *walk)
{
    while (walk->next < walk->end) {
        const char *next = walk->next;
        bool dot = *next == '.' && (next + 1 == walk->end || next[1] == '/');
        if (*next != '/' && !dot) {
            return;
        }
        walk->next++;
    }
}

ts_status_t ts_path_step(struct ts_path_walk *walk)
{
    skip_nothing(walk);
    if (walk->next == walk->end) {
        return TS_ERR_NOT_FOUND;
    }
    walk->component = walk->next;
    while (walk->next < walk->end && *walk->next != '/') {
        if (*walk->next == '\0') {
            return TS_ERR_ARGUMENT;
        }
        walk->next++;
    }
    walk->length = (size_t)(walk->next - walk->component);
    if (walk->length > TS_COMPONENT_MAX) {
        return TS_ERR_NAME_TOO_LONG;
    }
    if (walk->length == 2 && walk->component[0] == '.' && walk->component[1] == '.') {
        return TS_ERR_ARGUMENT;
    }
    skip_nothing(walk);
    walk->last = walk->next == walk->end;
    return TS_OK;
}
