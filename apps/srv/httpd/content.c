// SPDX-License-Identifier: MIT
// A cache entry's life: made LOADING, with its path; opened, attributes asked for, then mapped or
// read, in steps of one asynchronous operation each (`step`); then it is what it is until it is
// the longest unused and another needs its place. An entry with users, or loading, stays.
#include "content.h"

#include <string.h>

#include <tessera/lib/memory.h>
#include <tessera/lib/op.h>
#include <tessera/lib/server.h>

#include "http/head.h"
#include "httpd.h"
#include "pool.h"

#define BUCKETS     256u
#define FILE_RIGHTS (TS_RIGHT_READ | TS_RIGHT_OPEN | TS_RIGHT_MAP)
#define STEP_NS     (10 * INT64_C(1000000000))
#define INDEX       "index.html"

static struct pool entries = {.size = (sizeof(struct content) + 15u) & ~15u,
                              .limit = CONTENT_FILES};
static struct content *buckets[BUCKETS];
static struct content *newest, *oldest;
static uint64_t read_bytes, mapped_bytes;

static void on_open(struct ts_async *async, const struct ts_event *event);
static void on_attributes(struct ts_async *async, const struct ts_event *event);
static void on_map(struct ts_async *async, const struct ts_event *event);
static void on_read(struct ts_async *async, const struct ts_event *event);

uint32_t content_count(void)
{
    return entries.used;
}

// The cache ---------------------------------------------------------------------------------

static uint32_t hash_path(struct text path)
{
    uint32_t hash = 2166136261u; // FNV-1a; the keys are names that exist or fail one by one
    for (size_t i = 0; i < path.length; i++)
        hash = (hash ^ (uint8_t)path.data[i]) * 16777619u;
    return hash;
}

static void unlink_use(struct content *content)
{
    if (content->newer != NULL)
        content->newer->older = content->older;
    else if (newest == content)
        newest = content->older;
    if (content->older != NULL)
        content->older->newer = content->newer;
    else if (oldest == content)
        oldest = content->newer;
    content->newer = content->older = NULL;
}

static void link_newest(struct content *content)
{
    content->older = newest;
    content->newer = NULL;
    if (newest != NULL)
        newest->newer = content;
    else
        oldest = content;
    newest = content;
}

static void drop(struct content *content)
{
    struct content **at = &buckets[content->hash % BUCKETS];
    while (*at != content)
        at = &(*at)->hash_next;
    *at = content->hash_next;
    unlink_use(content);
    if (content->bytes != NULL)
        (void)ts_memory_unmap((void *)(uintptr_t)content->bytes, content->mapped);
    if (content->was_read)
        read_bytes -= content->mapped;
    else
        mapped_bytes -= content->mapped;
    ts_close(content->handle);
    pool_give(&entries, content);
}

static bool can_drop(const struct content *content)
{
    return content->users == 0 && content->state != CONTENT_LOADING;
}

// Drops the longest unused entry that satisfies `with_bytes`. False: there is none.
static bool drop_oldest(bool with_bytes)
{
    for (struct content *content = oldest; content != NULL; content = content->newer) {
        if (can_drop(content) && (!with_bytes || content->mapped > 0)) {
            drop(content);
            return true;
        }
    }
    return false;
}

static void make_room(uint64_t *sum, uint64_t limit, uint64_t wanted)
{
    while (*sum + wanted > limit && drop_oldest(true))
        ;
}

// Loading -----------------------------------------------------------------------------------

static void loaded(struct content *content, enum content_state state, ts_status_t status)
{
    content->state = state;
    content->status = status;
    ts_close(content->opened);
    content->opened = TS_HANDLE_NONE;
    struct content_waiter *waiter = content->waiters;
    content->waiters = NULL;
    content->users++; // those who are told may put it
    while (waiter != NULL) {
        struct content_waiter *next = waiter->next;
        waiter->ready(waiter);
        waiter = next;
    }
    content_put(content);
}

static struct ts_submission *begin(struct content *content,
                                   void (*done)(struct ts_async *, const struct ts_event *))
{
    content->step.done = done;
    struct ts_submission *slot = ts_loop_begin(&httpd.loop, &content->step);
    if (slot == NULL)
        loaded(content, CONTENT_FAILED, TS_ERR_LIMIT);
    return slot;
}

static void open_path(struct content *content, ts_handle_t root)
{
    struct ts_submission *slot = begin(content, on_open);
    if (slot == NULL)
        return;
    uint32_t end = content->path_length;
    if (end > content->consumed && content->path[end - 1] == '/')
        end--; // says what the client expects, is no part of the name
    ts_prepare_open(slot, root, content->path + content->consumed, end - content->consumed, 0,
                    FILE_RIGHTS, httpd.loop.now + STEP_NS, ts_async_data(&content->step));
}

static void on_open(struct ts_async *async, const struct ts_event *event)
{
    struct content *content = TS_OBJECT_OF(async, struct content, step);
    ts_close(content->opened); // the server that redirected
    content->opened = TS_HANDLE_NONE;
    if (event->status != TS_OK) {
        // A directory without an index is one whose page cannot be found.
        loaded(content, CONTENT_FAILED, event->status);
        return;
    }
    content->opened = (ts_handle_t)event->value;
    if ((event->flags & TS_EVENT_REDIRECT) != 0) {
        uint64_t left = content->path_length - content->consumed;
        if (event->extra > left || ++content->redirects > TS_REDIRECTS_MAX) {
            loaded(content, CONTENT_FAILED, TS_ERR_LOOP);
            return;
        }
        content->consumed += (uint32_t)event->extra;
        open_path(content, content->opened);
        return;
    }
    httpd.statistics.files_opened++;
    struct ts_submission *slot = begin(content, on_attributes);
    if (slot != NULL)
        ts_prepare_get(slot, content->opened, TS_PROPERTY_ATTRIBUTES, &content->attributes,
                       sizeof(content->attributes), httpd.loop.now + STEP_NS,
                       ts_async_data(&content->step));
}

// The requested path ended in '/': what is served is the index in it.
static void open_index(struct content *content)
{
    ts_close(content->opened);
    content->opened = TS_HANDLE_NONE;
    content->at_index = true;
    content->consumed = 0;
    content->redirects = 0;
    memcpy(content->path + content->path_length, INDEX, sizeof(INDEX) - 1);
    content->path_length = (uint16_t)(content->path_length + sizeof(INDEX) - 1);
    open_path(content, httpd.root);
}

static void ask_for_content(struct content *content)
{
    size_t size = TS_PAGE_ROUND(content->resource.size);
    if (size == 0) {
        content->bytes = NULL;
        loaded(content, CONTENT_FILE, TS_OK);
        return;
    }
    make_room(&mapped_bytes, CONTENT_MAP_BYTES, size);
    struct ts_submission *slot = begin(content, on_map);
    if (slot == NULL)
        return;
    ts_prepare(slot, TS_OP_MAP, content->opened, NULL, 0, 0, content->resource.size,
               httpd.loop.now + STEP_NS, ts_async_data(&content->step));
    slot->rights = TS_RIGHT_READ | TS_RIGHT_MAP;
}

static void on_attributes(struct ts_async *async, const struct ts_event *event)
{
    struct content *content = TS_OBJECT_OF(async, struct content, step);
    const struct ts_attributes *attributes = &content->attributes;
    bool slash = content->path_length == 0 || content->path[content->path_length - 1] == '/';
    if (event->status != TS_OK || event->value < sizeof(*attributes)) {
        loaded(content, CONTENT_FAILED, event->status != TS_OK ? event->status : TS_ERR_PROTOCOL);
    } else if (attributes->type == TS_FILE_DIRECTORY && slash) {
        open_index(content);
    } else if (attributes->type == TS_FILE_DIRECTORY) {
        loaded(content, CONTENT_DIRECTORY, TS_OK);
    } else if (attributes->type != TS_FILE_REGULAR || slash) {
        loaded(content, CONTENT_FAILED, TS_ERR_NOT_FOUND); // "file/" is not there
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
    struct ts_submission *slot = begin(content, on_read);
    if (slot != NULL)
        ts_prepare_read(slot, content->opened,
                        (uint8_t *)(uintptr_t)content->bytes + content->loaded,
                        (uint32_t)content->resource.size - content->loaded, content->loaded,
                        httpd.loop.now + STEP_NS, ts_async_data(&content->step));
}

// Not mapped: small files are read once, large ones by each reader from the handle.
static void read_instead(struct content *content)
{
    size_t size = TS_PAGE_ROUND(content->resource.size);
    void *bytes = NULL;
    if (size <= CONTENT_SMALL) {
        make_room(&read_bytes, CONTENT_READ_BYTES, size);
        if (read_bytes + size > CONTENT_READ_BYTES ||
            ts_memory_allocate(size, 0, NULL, &bytes) != TS_OK)
            bytes = NULL;
    }
    if (bytes == NULL) {
        content->handle = content->opened;
        content->opened = TS_HANDLE_NONE;
        loaded(content, CONTENT_FILE, TS_OK);
        return;
    }
    content->bytes = bytes;
    content->mapped = size;
    content->was_read = true;
    read_bytes += size;
    read_more(content);
}

static void on_map(struct ts_async *async, const struct ts_event *event)
{
    struct content *content = TS_OBJECT_OF(async, struct content, step);
    size_t size = TS_PAGE_ROUND(content->resource.size);
    void *bytes = NULL;
    if (event->status == TS_OK) {
        ts_handle_t memory = (ts_handle_t)event->value;
        if (mapped_bytes + size > CONTENT_MAP_BYTES ||
            ts_memory_map(memory, NULL, size, 0, TS_MAP_READ, &bytes) != TS_OK)
            bytes = NULL;
        ts_close(memory);
    }
    if (bytes == NULL) {
        read_instead(content);
        return;
    }
    content->bytes = bytes;
    content->mapped = size;
    mapped_bytes += size;
    loaded(content, CONTENT_FILE, TS_OK);
}

static void on_read(struct ts_async *async, const struct ts_event *event)
{
    struct content *content = TS_OBJECT_OF(async, struct content, step);
    if (event->status != TS_OK || event->value == 0) { // shorter than it said
        loaded(content, CONTENT_FAILED, event->status != TS_OK ? event->status : TS_ERR_IO);
        return;
    }
    content->loaded += (uint32_t)event->value;
    httpd.statistics.bytes_read += event->value;
    if (content->loaded < content->resource.size)
        read_more(content);
    else
        loaded(content, CONTENT_FILE, TS_OK);
}

// Users -------------------------------------------------------------------------------------

static struct content *find(struct text path, uint32_t hash)
{
    for (struct content *at = buckets[hash % BUCKETS]; at != NULL; at = at->hash_next) {
        size_t length = at->path_length - (at->at_index ? sizeof(INDEX) - 1 : 0);
        if (at->hash == hash && at->state != CONTENT_FAILED &&
            text_equal((struct text){at->path, length}, path))
            return at;
    }
    return NULL;
}

static struct content *start_loading(struct text path, uint32_t hash)
{
    struct content *content = pool_take(&entries);
    if (content == NULL && drop_oldest(false))
        content = pool_take(&entries);
    if (content == NULL)
        return NULL;
    content->hash = hash;
    content->hash_next = buckets[hash % BUCKETS];
    buckets[hash % BUCKETS] = content;
    memcpy(content->path, path.data, path.length);
    content->path_length = (uint16_t)path.length;
    link_newest(content);
    content->users = 1; // until it is begun, so that it cannot be dropped
    open_path(content, httpd.root);
    content->users = 0;
    return content;
}

struct content *content_get(struct text path, struct content_waiter *waiter)
{
    uint32_t hash = hash_path(path);
    struct content *content = path.length <= CONTENT_PATH ? find(path, hash) : NULL;
    if (content != NULL) {
        httpd.statistics.cache_hits++;
        unlink_use(content);
        link_newest(content);
    } else if (path.length <= CONTENT_PATH) {
        content = start_loading(path, hash);
    }
    if (content == NULL)
        return NULL;
    content->users++;
    if (content->state == CONTENT_LOADING) {
        waiter->next = content->waiters;
        content->waiters = waiter;
    }
    return content;
}

void content_put(struct content *content)
{
    // What was not found is not worth a place: the next who asks is told anew.
    content->users--;
    if (content->users == 0 && content->state == CONTENT_FAILED)
        drop(content);
}

void content_forget(struct content *content, struct content_waiter *waiter)
{
    struct content_waiter **at = &content->waiters;
    while (*at != NULL && *at != waiter)
        at = &(*at)->next;
    if (*at == waiter)
        *at = waiter->next;
    content_put(content);
}
