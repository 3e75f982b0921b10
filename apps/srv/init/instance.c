// SPDX-License-Identifier: MIT
// The service that has the things is asked for a list of those that fit each match of the kind
// (`MATCH/all`, ipc/proto/pci.h). Each that no instance is for yet gets one, whose names are
// counted from 0 in the order of the lists. It is for that thing for good, so that a driver that
// is started again finds its own device. Two kinds that match the same thing: the first one looks
// first.
//
// It is looked again when the service that has the things was started again, or somebody starts
// the kind; instances that are there stay.
#include "instance.h"
#include <string.h>
#include <tessera/lib/listing.h>
#include <tessera/lib/log.h>
#include "init.h"

#define ALL "/all"

// What is under way: one kind, one match at a time.
static struct {
    struct service *kind; // NULL: nothing
    uint32_t match;
    struct asking asking;
    struct ts_async listing;
    ts_handle_t list;
    uint64_t cookie;
    uint32_t left_out;
    char path[CONFIG_MATCH + sizeof(ALL)];
    _Alignas(8) char buffer[1024];
} search;

static void search_next(void);

static void search_end(ts_status_t status)
{
    struct service *kind = search.kind;
    search.kind = NULL;
    if (search.left_out > 0) {
        ts_log("%s: %u more than can have an instance", kind->name, search.left_out);
    }
    if (kind->state != TS_INIT_WAITING) { // stopped meanwhile
        return;
    }
    if (status != TS_OK) {
        service_failed(kind, status);
    } else {
        service_looked(kind);
    }
}

// ---- instances

static struct service *instance_for(uint32_t owner, const char *thing)
{
    for (uint32_t i = init.config.service_count; i < init.service_count; i++) {
        if (init.services[i].config->each == owner && strcmp(init.services[i].thing, thing) == 0) {
            return &init.services[i];
        }
    }
    return NULL;
}

static uint32_t count_instances(const struct service *kind)
{
    uint32_t count = 0;
    for (uint32_t i = init.config.service_count; i < init.service_count; i++) {
        count += init.services[i].kind == kind;
    }
    return count;
}

static void add_instance(struct service *kind, const char *thing)
{
    struct service *instance = instance_for(kind->config->each, thing);
    if (instance != NULL) {
        if (instance->state == TS_INIT_NO_DEVICE) { // which is there now
            (void)service_start(instance);
        }
        return;
    }
    if (init.service_count == INIT_SERVICES) {
        search.left_out++;
        return;
    }
    instance = &init.services[init.service_count];
    service_init(instance, kind->config);
    instance->kind = kind;
    ts_format(instance->instance_name, sizeof(instance->instance_name), "%s:%u", kind->name,
              count_instances(kind));
    instance->name = instance->instance_name;
    strcpy(instance->thing, thing);
    init.service_count++;
    (void)service_start(instance);
}

static bool add_listed(const struct ts_file_entry *entry)
{
    char thing[SERVICE_THING_MAX + 1] = "";
    if (entry->name_length == 0 || entry->name_length > SERVICE_THING_MAX) {
        return false;
    }
    memcpy(thing, entry->name, entry->name_length);
    if (strlen(thing) != entry->name_length) {
        return false;
    }
    add_instance(search.kind, thing);
    return true;
}

// ---- the search

static void list_more(void);

static void list_done(struct ts_async *async, const struct ts_event *event)
{
    (void)async;
    ts_status_t status = event->status;
    size_t bytes = status == TS_OK ? (size_t)event->value : 0, position = 0;
    const struct ts_file_entry *entry;
    uint64_t before = search.cookie;
    while (search.kind->state == TS_INIT_WAITING && status == TS_OK &&
           (entry = ts_listing_next(search.buffer, bytes, &position, &status)) != NULL) {
        search.cookie = entry->next;
        status = add_listed(entry) ? TS_OK : TS_ERR_PROTOCOL;
    }
    if (status == TS_OK && search.cookie > before) { // else a server could lead it in circles
        list_more();
        return;
    }
    ts_close(search.list);
    search.match++;
    if (status != TS_OK) {
        search_end(status);
    } else {
        search_next();
    }
}

static void list_more(void)
{
    search.listing.done = list_done;
    struct ts_submission *submission = ts_loop_begin(&init.loop, &search.listing);
    if (submission == NULL) {
        ts_close(search.list);
        search_end(TS_ERR_AGAIN);
        return;
    }
    ts_prepare_list(submission, search.list, search.buffer, sizeof(search.buffer), search.cookie,
                    ts_deadline_in(INIT_ASK_NS), ts_async_data(&search.listing));
}

static void list_opened(struct asking *asking, ts_status_t status, ts_handle_t handle)
{
    (void)asking;
    if (status != TS_OK) {
        search_end(status);
        return;
    }
    search.list = handle;
    search.cookie = 0;
    list_more();
}

static void search_next(void)
{
    const struct config_service *config = search.kind->config;
    struct service *owner = &init.services[config->each];
    if (search.match == config->match_count || search.kind->state != TS_INIT_WAITING) {
        search_end(TS_OK);
    } else if (owner->state != TS_INIT_READY_ || !owner->root) {
        search_end(TS_ERR_NOT_FOUND);
    } else {
        ts_format(search.path, sizeof(search.path), "%s" ALL, config->matches[search.match]);
        search.asking.done = list_opened;
        ask_session(&search.asking, owner, search.path, ts_deadline_in(INIT_ASK_NS));
    }
}

void instance_find(struct service *kind)
{
    const struct service *owner = &init.services[kind->config->each];
    if (search.kind != NULL || owner->state == TS_INIT_WAITING ||
        owner->state == TS_INIT_STARTING) {
        return;
    }
    search.kind = kind;
    search.match = search.left_out = 0;
    search_next();
}

// One that has things, and was started again, may have others.
static void on_changed(struct service *service)
{
    for (uint32_t i = 0; service->state == TS_INIT_READY_ && i < init.config.service_count; i++) {
        struct service *kind = &init.services[i];
        if (service_is_kind(kind) && &init.services[kind->config->each] == service &&
            kind->config->start == CONFIG_START_BOOT) {
            (void)service_start(kind); // it waits already, at the first time
        }
    }
}

const struct service_events instance_events = {.changed = on_changed};
