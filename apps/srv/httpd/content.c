// SPDX-License-Identifier: MIT
// A cache entry's life: made LOADING, with its path; loaded (content_load.c); then it is what it is
// until it is the longest unused and another needs its place. An entry with users, or loading,
// stays.
#include "content.h"

#include <string.h>

#include <drivers/service/pool.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/op.h>

#include "httpd.h"
#include "shared.h"

#define BUCKETS 256u

static struct pool entries = {.size = POOL_SIZE(struct content),
                              .limit = CONTENT_FILES,
                              .clear = offsetof(struct content, path)};
static struct content *buckets[BUCKETS];
static struct content *newest, *oldest;
static uint64_t read_bytes, mapped_bytes;

uint32_t content_count(void)
{
    return entries.used;
}

// ---- The cache

static uint32_t hash_path(struct text path)
{
    uint32_t hash = 2166136261u; // FNV-1a; the keys are names that exist or fail one by one
    for (size_t i = 0; i < path.length; i++) {
        hash = (hash ^ (uint8_t)path.data[i]) * 16777619u;
    }
    return hash;
}

static void unlink_use(struct content *content)
{
    if (content->newer != NULL) {
        content->newer->older = content->older;
    } else if (newest == content) {
        newest = content->older;
    }
    if (content->older != NULL) {
        content->older->newer = content->newer;
    } else if (oldest == content) {
        oldest = content->newer;
    }
    content->newer = content->older = NULL;
}

static void link_newest(struct content *content)
{
    content->older = newest;
    content->newer = NULL;
    if (newest != NULL) {
        newest->newer = content;
    } else {
        oldest = content;
    }
    newest = content;
}

void content_drop_bytes(struct content *content)
{
    if (content->bytes != NULL) {
        (void)ts_memory_unmap((void *)(uintptr_t)content->bytes, content->mapped);
    }
    if (content->was_read) {
        read_bytes -= content->mapped;
    } else {
        mapped_bytes -= content->mapped;
    }
    content->bytes = NULL;
    content->mapped = 0;
    content->was_read = false;
}

static void drop(struct content *content)
{
    struct content **at = &buckets[content->hash % BUCKETS];
    while (*at != content) {
        at = &(*at)->hash_next;
    }
    *at = content->hash_next;
    unlink_use(content);
    content_drop_bytes(content);
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

bool content_room(bool read, uint64_t wanted)
{
    uint64_t *sum = read ? &read_bytes : &mapped_bytes;
    uint64_t limit = read ? CONTENT_READ_BYTES : CONTENT_MAP_BYTES;
    while (*sum + wanted > limit && drop_oldest(true)) {
        ;
    }
    return *sum + wanted <= limit;
}

void content_set_bytes(struct content *content, const void *bytes, size_t size, bool read)
{
    content->bytes = bytes;
    content->mapped = size;
    content->was_read = read;
    *(read ? &read_bytes : &mapped_bytes) += size;
}

void content_loaded(struct content *content, enum content_state state, ts_status_t status)
{
    content->state = state;
    content->status = status;
    struct content_waiter *waiter = content->waiters;
    content->waiters = NULL;
    content->users++; // those that are told may put it
    while (waiter != NULL) {
        struct content_waiter *next = waiter->next;
        waiter->ready(waiter);
        waiter = next;
    }
    content_put(content);
    shared_freed(SHARED_CONTENT); // it can make room now, where nobody waits for it any more
}

// ---- Users

struct text content_path(const struct content *content)
{
    size_t index = content->at_index ? sizeof(CONTENT_INDEX) - 1 : 0;
    return (struct text){content->path, content->path_length - index};
}

void content_stale(struct content *content)
{
    content->state = CONTENT_FAILED;
    content->status = TS_ERR_PEER_CLOSED;
}

static struct content *look_up(struct text path, bool lists, uint32_t hash)
{
    for (struct content *at = buckets[hash % BUCKETS]; at != NULL; at = at->hash_next) {
        if (at->hash == hash && at->lists == lists && at->state != CONTENT_FAILED &&
            text_equal(content_path(at), path)) {
            return at;
        }
    }
    return NULL;
}

struct content *content_find(struct text path, bool lists)
{
    struct content *content = look_up(path, lists, hash_path(path));
    if (content == NULL) {
        return NULL;
    }
    httpd.statistics.cache_hits++;
    if (content != newest) {
        unlink_use(content);
        link_newest(content);
    }
    return content;
}

struct content *content_new(struct text path, bool lists)
{
    uint32_t hash = hash_path(path);
    struct content *content = pool_take(&entries);
    if (content == NULL && drop_oldest(false)) {
        content = pool_take(&entries);
    }
    if (content == NULL) {
        return NULL;
    }
    content->hash = hash;
    content->lists = lists;
    content->hash_next = buckets[hash % BUCKETS];
    buckets[hash % BUCKETS] = content;
    memcpy(content->path, path.data, path.length);
    content->path_length = (uint16_t)path.length;
    link_newest(content);
    return content;
}

void content_put(struct content *content)
{
    // What was not found is not worth a place: the next that asks is told anew.
    content->users--;
    if (content->users == 0 && content->state == CONTENT_FAILED) {
        drop(content);
    }
}

void content_forget(struct content *content, struct content_waiter *waiter)
{
    struct content_waiter **at = &content->waiters;
    while (*at != NULL && *at != waiter) {
        at = &(*at)->next;
    }
    if (*at == waiter) {
        *at = waiter->next;
    }
    content_put(content);
}
