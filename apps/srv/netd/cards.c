// SPDX-License-Identifier: MIT
#include "cards.h"

#include <string.h>

#include <tessera/lib/bootstrap.h>
#include <tessera/lib/listing.h>
#include <tessera/lib/log.h>

#include "netd.h"
#include "stack.h"

// A card's link has the same index.
static struct {
    struct ts_loop *loop;
    ts_handle_t class;
    struct nic nics[NETD_CARDS];
    uint32_t count;
    struct ts_async watching, listing;
    uint64_t cookie;
    bool told; // that there are more than NETD_CARDS
    bool told_none;
    _Alignas(8) char buffer[1024];
    void (*attached)(struct nic *nic);
} cards;

static bool is_known(const struct ts_file_entry *entry)
{
    for (uint32_t i = 0; i < cards.count; i++) {
        const char *name = cards.nics[i].name;
        if (strlen(name) == entry->name_length &&
            memcmp(name, entry->name, entry->name_length) == 0) {
            return true;
        }
    }
    return false;
}

static ts_status_t start_nic(const struct ts_file_entry *entry)
{
    if (cards.count == NETD_CARDS) {
        return TS_ERR_LIMIT;
    }
    struct nic *nic = &cards.nics[cards.count];
    *nic = (struct nic){0};
    if (entry->name_length >= sizeof(nic->name)) {
        return TS_ERR_NAME_TOO_LONG;
    }
    memcpy(nic->name, entry->name, entry->name_length);
    ts_status_t status = stack_add_link(&nic->link);
    if (status == TS_OK) {
        cards.count++;
        status = nic_start(nic, cards.loop, cards.class, cards.attached);
    }
    return status;
}

static void add(const struct ts_file_entry *entry)
{
    if (is_known(entry)) {
        return;
    }
    ts_status_t status = start_nic(entry);
    if (status != TS_OK && !cards.told) {
        cards.told = true;
        ts_log("%.*s and what comes after it is not used: %s", (int)entry->name_length, entry->name,
               ts_status_text(status));
    }
}

// ---- what there is

static void watch(void)
{
    struct ts_submission *submission = ts_loop_begin(cards.loop, &cards.watching);
    if (submission == NULL) {
        ts_log("network cards that come later are not seen");
        return;
    }
    ts_prepare_wait(submission, cards.class, TS_SIGNAL_READABLE, TS_DEADLINE_NONE,
                    ts_async_data(&cards.watching));
}

static void list(void)
{
    struct ts_submission *submission = ts_loop_begin(cards.loop, &cards.listing);
    if (submission == NULL) {
        ts_log("network cards: no room to ask for them");
        return;
    }
    ts_prepare_list(submission, cards.class, cards.buffer, sizeof(cards.buffer), cards.cookie,
                    TS_DEADLINE_NONE, ts_async_data(&cards.listing));
}

static void tell_none(void)
{
    if (cards.count == 0 && !cards.told_none) {
        cards.told_none = true;
        ts_log("this machine has no network card that is known: loopback only");
    }
}

static void try_again(void)
{
    for (uint32_t i = 0; i < cards.count; i++) {
        nic_try_again(&cards.nics[i]);
    }
}

static void on_listed(struct ts_async *async, const struct ts_event *event)
{
    (void)async;
    ts_status_t status = event->status;
    size_t bytes = status == TS_OK ? (size_t)event->value : 0, position = 0;
    const struct ts_file_entry *entry;
    while (status == TS_OK &&
           (entry = ts_listing_next(cards.buffer, bytes, &position, &status)) != NULL) {
        cards.cookie = entry->next;
        add(entry);
    }
    if (status != TS_OK) {
        ts_log("network cards: %s", ts_status_text(status));
    } else if (bytes > 0) {
        list();
    } else {
        tell_none();
        try_again();
        watch();
    }
}

static void on_change(struct ts_async *async, const struct ts_event *event)
{
    (void)async;
    if (event->status != TS_OK) {
        ts_log("network cards: %s", ts_status_text(event->status));
        return;
    }
    cards.cookie = 0;
    list();
}

ts_status_t cards_start(struct ts_loop *loop, void (*attached)(struct nic *))
{
    cards.loop = loop;
    cards.attached = attached;
    cards.watching.done = on_change;
    cards.listing.done = on_listed;
    cards.class = ts_named_handle(CARDS_NAME);
    if (cards.class == TS_HANDLE_NONE) {
        ts_log("no network cards: loopback only");
        return TS_OK;
    }
    list();
    return TS_OK;
}

void cards_after_batch(uint32_t signal)
{
    for (uint32_t i = 0; i < cards.count; i++) {
        if ((signal & (1u << i)) != 0) {
            nic_signal(&cards.nics[i]);
        }
        if (cards.nics[i].link->broken) {
            nic_leave(&cards.nics[i]);
        }
    }
}
