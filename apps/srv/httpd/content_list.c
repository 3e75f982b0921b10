// SPDX-License-Identifier: MIT
// The list of a directory, which is read in steps and becomes a file of the cache.
#include <string.h>

#include <tessera/lib/listing.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/server.h>

#include "content_list.h"
#include "httpd.h"

#define STEPS_MAX 256u // that bring anything: enough for more than is shown

// False: there is no place for another list now, and the entry has failed.
bool content_list_start(struct content *content)
{
    content->at_index = false;
    content->path_length = (uint16_t)(content->path_length - (sizeof(CONTENT_INDEX) - 1));
    if (!content_take_list(content)) {
        content_end(content, CONTENT_FAILED, TS_ERR_LIMIT);
        return false;
    }
    content->list->cookie = 0;
    content->list->steps = 0;
    return true;
}

// The page, in memory of the cache.
static ts_status_t make_page(struct content *content)
{
    struct content_list *list = content->list;
    struct writer writer = writer_make(list->page, sizeof(list->page));
    void *bytes;
    listing_write(&writer, &list->listing, content->path_length > 0);
    size_t size = TS_PAGE_ROUND(writer.length);
    if (!content_room(true, size)) {
        return TS_ERR_LIMIT;
    }
    ts_status_t status = ts_memory_allocate(size, 0, NULL, &bytes);
    if (status != TS_OK) {
        return status;
    }
    memcpy(bytes, list->page, writer.length);
    content_set_bytes(content, bytes, size, true);
    content->resource.size = writer.length;
    content->resource.modified = content->attributes.modified_ns / INT64_C(1000000000);
    http_resource_tag(&content->resource, (uint64_t)content->attributes.modified_ns);
    content->media_type = TEXT("text/html; charset=utf-8");
    return TS_OK;
}

static void on_list(struct ts_async *async, const struct ts_event *event)
{
    struct content *content = TS_OBJECT_OF(async, struct content, step);
    struct content_list *list = content->list;
    const struct ts_file_entry *entry;
    ts_status_t status = event->status;
    size_t position = 0;
    bool more = status == TS_OK && event->value > 0 && event->value <= sizeof(list->buffer);
    if (status == TS_OK && event->value > sizeof(list->buffer)) {
        status = TS_ERR_PROTOCOL;
    }
    while (more && status == TS_OK) {
        entry = ts_listing_next(list->buffer, (size_t)event->value, &position, &status);
        if (entry == NULL) {
            break;
        }
        struct text name = {entry->name, entry->name_length};
        more = listing_add(&list->listing, name, entry->type == TS_FILE_DIRECTORY, entry->size);
        list->cookie = entry->next;
    }
    if (status == TS_OK && more) {
        content_list_read(content);
        return;
    }
    if (status == TS_OK) {
        status = make_page(content);
    }
    if (status == TS_OK) {
        content_end(content, CONTENT_FILE, TS_OK);
    } else {
        content_failed(content, status);
    }
}

void content_list_read(struct content *content)
{
    struct content_list *list = content->list;
    if (list->steps++ == STEPS_MAX) { // its server goes round in circles
        content_end(content, CONTENT_FAILED, TS_ERR_PROTOCOL);
        return;
    }
    struct ts_submission *slot = content_begin(content, on_list);
    if (slot != NULL) {
        ts_prepare(slot, content->opened,
                   &(struct ts_op){.op = TS_OP_LIST,
                                   .address = list->buffer,
                                   .length = sizeof(list->buffer),
                                   .offset = list->cookie,
                                   .deadline = ts_loop_now(&httpd.loop) + CONTENT_STEP_NS},
                   ts_async_data(&content->step));
    }
}
