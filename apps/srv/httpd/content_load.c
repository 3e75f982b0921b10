// SPDX-License-Identifier: MIT
// A file that is asked for, from the cache or loaded: opened, attributes asked for, then mapped or
// read. When the tree's server dies on the way, all is begun again with its next instance, once
// (content_failed).
#include <string.h>

#include <tessera/lib/memory.h>
#include <tessera/lib/op.h>
#include <tessera/lib/server.h>

#include "content.h"
#include "http/head.h"
#include "httpd.h"

#define FILE_RIGHTS (TS_RIGHT_READ | TS_RIGHT_OPEN | TS_RIGHT_MAP)
#define STEP_NS     CONTENT_STEP_NS

static void on_open(struct ts_async *async, const struct ts_event *event);
static void on_attributes(struct ts_async *async, const struct ts_event *event);
static void on_map(struct ts_async *async, const struct ts_event *event);
static void on_read(struct ts_async *async, const struct ts_event *event);

static void open_path(struct content *content, ts_handle_t root);

static void on_root(struct root_waiter *waiter, ts_status_t status)
{
    struct content *content = TS_OBJECT_OF(waiter, struct content, root);
    if (status == TS_OK) {
        open_path(content, root_handle());
    } else {
        content_end(content, CONTENT_FAILED, status);
    }
}

static void open_path(struct content *content, ts_handle_t root)
{
    struct ts_submission *slot = content_begin(content, on_open);
    if (slot == NULL) {
        return;
    }
    uint32_t end = content->path_length;
    if (end > content->consumed && content->path[end - 1] == '/') {
        end--; // says what the client expects, is no part of the name
    }
    ts_prepare_open(slot, root, content->path + content->consumed, end - content->consumed, 0,
                    FILE_RIGHTS, ts_loop_now(&httpd.loop) + STEP_NS, ts_async_data(&content->step));
}

// All of the path: the index, or what the directory itself is listed from.
static void open_from_root(struct content *content)
{
    content->consumed = content->redirects = 0;
    open_path(content, root_handle());
}

static void on_open(struct ts_async *async, const struct ts_event *event)
{
    struct content *content = TS_OBJECT_OF(async, struct content, step);
    ts_close(content->opened); // the server that redirected
    content->opened = TS_HANDLE_NONE;
    if (event->status != TS_OK) {
        // A directory without an index is one whose page cannot be found, unless it is listed.
        if (event->status == TS_ERR_NOT_FOUND && content->at_index && content->lists) {
            if (content_list_start(content)) {
                open_from_root(content);
            }
        } else {
            content_failed(content, event->status);
        }
        return;
    }
    content->opened = (ts_handle_t)event->value;
    if ((event->flags & TS_EVENT_REDIRECT) != 0) {
        uint64_t left = content->path_length - content->consumed;
        if (event->extra > left || ++content->redirects > TS_REDIRECTS_MAX) {
            content_end(content, CONTENT_FAILED, TS_ERR_LOOP);
            return;
        }
        content->consumed += (uint32_t)event->extra;
        open_path(content, content->opened);
        return;
    }
    httpd.statistics.files_opened++;
    struct ts_submission *slot = content_begin(content, on_attributes);
    if (slot != NULL) {
        ts_prepare_get(slot, content->opened, TS_PROPERTY_ATTRIBUTES, &content->attributes,
                       sizeof(content->attributes), ts_loop_now(&httpd.loop) + STEP_NS,
                       ts_async_data(&content->step));
    }
}

// The requested path ended in '/': what is served is the index in it.
static void open_index(struct content *content)
{
    ts_close(content->opened);
    content->opened = TS_HANDLE_NONE;
    content->at_index = true;
    memcpy(content->path + content->path_length, CONTENT_INDEX, sizeof(CONTENT_INDEX) - 1);
    content->path_length = (uint16_t)(content->path_length + sizeof(CONTENT_INDEX) - 1);
    open_from_root(content);
}

static void ask_for_content(struct content *content)
{
    size_t size = TS_PAGE_ROUND(content->resource.size);
    if (size == 0) {
        content->bytes = NULL;
        content_end(content, CONTENT_FILE, TS_OK);
        return;
    }
    (void)content_room(false, size);
    struct ts_submission *slot = content_begin(content, on_map);
    if (slot == NULL) {
        return;
    }
    ts_prepare(slot, content->opened,
               &(struct ts_op){.op = TS_OP_MAP,
                               .arg = content->resource.size,
                               .deadline = ts_loop_now(&httpd.loop) + STEP_NS},
               ts_async_data(&content->step));
    slot->rights = TS_RIGHT_READ | TS_RIGHT_MAP;
}

static void on_attributes(struct ts_async *async, const struct ts_event *event)
{
    struct content *content = TS_OBJECT_OF(async, struct content, step);
    const struct ts_attributes *attributes = &content->attributes;
    bool slash = content->path_length == 0 || content->path[content->path_length - 1] == '/';
    if (event->status != TS_OK || event->value < sizeof(*attributes)) {
        content_failed(content, event->status != TS_OK ? event->status : TS_ERR_PROTOCOL);
    } else if (attributes->type == TS_FILE_DIRECTORY && content->list != NULL) {
        content_list_read(content);
    } else if (attributes->type == TS_FILE_DIRECTORY && slash) {
        open_index(content);
    } else if (attributes->type == TS_FILE_DIRECTORY) {
        content_end(content, CONTENT_DIRECTORY, TS_OK);
    } else if (attributes->type != TS_FILE_REGULAR || slash) {
        content_end(content, CONTENT_FAILED, TS_ERR_NOT_FOUND); // "file/" is not there
    } else {
        content->resource.size = attributes->size;
        content->resource.modified = attributes->modified_ns / INT64_C(1000000000);
        http_resource_tag(&content->resource, (uint64_t)attributes->modified_ns);
        content->media_type = http_media_type((struct text){content->path, content->path_length});
        ask_for_content(content);
    }
}

static void read_more(struct content *content)
{
    struct ts_submission *slot = content_begin(content, on_read);
    if (slot != NULL) {
        ts_prepare_read(slot, content->opened,
                        (uint8_t *)(uintptr_t)content->bytes + content->loaded,
                        (uint32_t)content->resource.size - content->loaded, content->loaded,
                        ts_loop_now(&httpd.loop) + STEP_NS, ts_async_data(&content->step));
    }
}

// Not mapped: small files are read once, large ones by each reader from the handle.
static void read_instead(struct content *content)
{
    size_t size = TS_PAGE_ROUND(content->resource.size);
    void *bytes = NULL;
    if (size <= CONTENT_SMALL) {
        if (!content_room(true, size) || ts_memory_allocate(size, 0, NULL, &bytes) != TS_OK) {
            bytes = NULL;
        }
    }
    if (bytes == NULL) {
        content->handle = content->opened;
        content->has_pages = true; // until its server says that it gives none
        content->opened = TS_HANDLE_NONE;
        content_end(content, CONTENT_FILE, TS_OK);
        return;
    }
    content_set_bytes(content, bytes, size, true);
    read_more(content);
}

static void on_map(struct ts_async *async, const struct ts_event *event)
{
    struct content *content = TS_OBJECT_OF(async, struct content, step);
    size_t size = TS_PAGE_ROUND(content->resource.size);
    void *bytes = NULL;
    if (event->status == TS_OK) {
        ts_handle_t memory = (ts_handle_t)event->value;
        if (!content_room(false, size) ||
            ts_memory_map(memory, NULL, size, 0, TS_MAP_READ, &bytes) != TS_OK) {
            bytes = NULL;
        }
        ts_close(memory);
    }
    if (bytes == NULL) {
        read_instead(content);
        return;
    }
    content_set_bytes(content, bytes, size, false);
    content_end(content, CONTENT_FILE, TS_OK);
}

static void on_read(struct ts_async *async, const struct ts_event *event)
{
    struct content *content = TS_OBJECT_OF(async, struct content, step);
    if (event->status != TS_OK || event->value == 0) { // shorter than it said
        content_failed(content, event->status != TS_OK ? event->status : TS_ERR_IO);
        return;
    }
    content->loaded += (uint32_t)event->value;
    httpd.statistics.bytes_read += event->value;
    if (content->loaded < content->resource.size) {
        read_more(content);
    } else {
        content_end(content, CONTENT_FILE, TS_OK);
    }
}

static void load(struct content *content)
{
    content->root.ready = on_root;
    if (root_handle() != TS_HANDLE_NONE) {
        open_path(content, root_handle());
    } else {
        root_open(&content->root);
    }
}

// NULL: the cache is full of files in use.
static struct content *start_loading(struct text path, bool lists)
{
    struct content *content = content_new(path, lists);
    if (content == NULL) {
        return NULL;
    }
    content->users = 1; // until it is begun, so that it cannot be dropped
    load(content);
    content->users = 0;
    return content;
}

struct content *content_get(struct text path, bool lists, struct content_waiter *waiter)
{
    if (path.length > CONTENT_PATH) {
        return NULL;
    }
    struct content *content = content_find(path, lists);
    if (content == NULL) {
        content = start_loading(path, lists);
    }
    if (content == NULL) {
        return NULL;
    }
    content->users++;
    if (content->state == CONTENT_LOADING) {
        waiter->next = content->waiters;
        content->waiters = waiter;
    }
    return content;
}
