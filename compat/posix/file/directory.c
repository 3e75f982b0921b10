// SPDX-License-Identifier: MIT
// Directory streams: a buffer of entries as the server lists them.
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/lib/op.h>
#include <tessera/proto/file.h>
#include <unistd.h>
#include "core/descriptor.h"
#include "core/posix.h"

#define BUFFER_SIZE 4096

struct ts_directory {
    int fd;
    uint64_t cookie;     // where the buffer's content ends
    uint64_t place;      // cookie of the next entry
    size_t next, filled; // bytes of the buffer
    struct dirent entry;
    _Alignas(8) unsigned char buffer[BUFFER_SIZE];
};

DIR *fdopendir(int fd)
{
    struct open_file *file = descriptor_get(fd);
    if (file == NULL) {
        return NULL;
    }
    bool directory = file->kind == OPEN_DIRECTORY || file->kind == OPEN_INHERITED;
    open_file_put(file);
    if (!directory) {
        posix_fail(ENOTDIR);
        return NULL;
    }
    DIR *stream = malloc(sizeof(*stream));
    if (stream != NULL) {
        memset(stream, 0, offsetof(struct ts_directory, buffer));
        stream->fd = fd;
    }
    return stream;
}

DIR *opendir(const char *name)
{
    int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return NULL;
    }
    DIR *stream = fdopendir(fd);
    if (stream == NULL) {
        close(fd);
    }
    return stream;
}

int closedir(DIR *stream)
{
    int result = close(stream->fd);
    free(stream);
    return result;
}

static bool refill(DIR *stream)
{
    struct open_file *file = descriptor_get(stream->fd);
    if (file == NULL) {
        return false;
    }
    ts_status_t status =
        ts_list(file->handle, stream->buffer, BUFFER_SIZE, stream->cookie, &stream->filled);
    open_file_put(file);
    stream->next = 0;
    if (status != TS_OK || stream->filled > BUFFER_SIZE) {
        stream->filled = 0;
        posix_fail(status != TS_OK ? posix_errno(status) : EPROTO);
        return false;
    }
    return stream->filled > 0;
}

static unsigned char type_of(uint32_t type)
{
    switch (type) {
    case TS_FILE_REGULAR: return DT_REG;
    case TS_FILE_DIRECTORY: return DT_DIR;
    case TS_FILE_STREAM: return DT_FIFO;
    case TS_FILE_DEVICE:
    case TS_FILE_SERVICE: return DT_CHR;
    default: return DT_UNKNOWN;
    }
}

// The next record, checked: a server is not trusted with our memory.
static const struct ts_file_entry *record_next(DIR *stream)
{
    if (stream->next >= stream->filled && !refill(stream)) {
        return NULL;
    }
    const struct ts_file_entry *record = (const void *)(stream->buffer + stream->next);
    size_t left = stream->filled - stream->next;
    if (left < sizeof(*record) || record->record_length < sizeof(*record) ||
        record->record_length > left || record->record_length % 8 ||
        record->name_length > record->record_length - sizeof(*record) ||
        record->name_length > MAXNAMLEN) {
        stream->next = stream->filled = 0;
        posix_fail(EPROTO);
        return NULL;
    }
    stream->next += record->record_length;
    stream->cookie = stream->place = record->next;
    return record;
}

struct dirent *readdir(DIR *stream)
{
    const struct ts_file_entry *record = record_next(stream);
    if (record == NULL) {
        return NULL;
    }
    stream->entry = (struct dirent){
        .d_ino = record->identity,
        .d_off = (off_t)record->next,
        .d_reclen = sizeof(stream->entry),
        .d_type = type_of(record->type),
    };
    memcpy(stream->entry.d_name, record->name, record->name_length);
    return &stream->entry;
}

int readdir_r(DIR *restrict stream, struct dirent *restrict entry, struct dirent **restrict result)
{
    int saved = errno;
    errno = 0;
    struct dirent *found = readdir(stream);
    int error = errno;
    errno = saved;
    if (found != NULL) {
        *entry = *found;
    }
    *result = found != NULL ? entry : NULL;
    return found != NULL ? 0 : error;
}

long telldir(DIR *stream)
{
    return (long)stream->place;
}

void seekdir(DIR *stream, long place)
{
    stream->cookie = stream->place = (uint64_t)place;
    stream->next = stream->filled = 0;
}

void rewinddir(DIR *stream)
{
    seekdir(stream, 0);
}

int dirfd(DIR *stream)
{
    return stream->fd;
}

int alphasort(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

struct list {
    struct dirent **entries;
    size_t count, capacity;
};

static bool list_add(struct list *list, const struct dirent *entry)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 16;
        struct dirent **larger = realloc(list->entries, capacity * sizeof(*larger));
        if (larger == NULL) {
            return false;
        }
        list->entries = larger;
        list->capacity = capacity;
    }
    struct dirent *copy = malloc(sizeof(*copy));
    if (copy == NULL) {
        return false;
    }
    *copy = *entry;
    list->entries[list->count++] = copy;
    return true;
}

int scandir(const char *name, struct dirent ***out, int (*select)(const struct dirent *),
            int (*compare)(const struct dirent **, const struct dirent **))
{
    DIR *stream = opendir(name);
    if (stream == NULL) {
        return -1;
    }
    struct list list = {0};
    bool ok = true;
    struct dirent *entry;
    errno = 0;
    while (ok && ((entry = readdir(stream)) != NULL)) {
        ok = (select != NULL && !select(entry)) || list_add(&list, entry);
    }
    int error = errno;
    closedir(stream);
    if (!ok || error) {
        for (size_t i = 0; i < list.count; i++) {
            free(list.entries[i]);
        }
        free(list.entries);
        return posix_fail(ok ? error : ENOMEM);
    }
    if (compare != NULL && list.count) {
        qsort(list.entries, list.count, sizeof(*list.entries),
              (int (*)(const void *, const void *))compare);
    }
    *out = list.entries;
    return (int)list.count;
}
