// SPDX-License-Identifier: MIT
// The card's life: attach, detach, restart, link. work.c has the data path.
#include <drivers/frame/card.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <tessera/lib/clock.h>

static ts_status_t allocate(struct frame_direction *d, uint16_t tokens)
{
    d->tokens = tokens;
    d->held = calloc(tokens, sizeof(*d->held));
    return d->held != NULL ? TS_OK : TS_ERR_MEMORY;
}

ts_status_t frame_card_init(struct frame_card *card, void *context, uint16_t rx_tokens,
                            uint16_t tx_tokens, const struct ts_frame_information *information)
{
    *card = (struct frame_card){.context = context, .information = *information};
    card->information.version = TS_FRAME_VERSION;
    card->information.link = 0;
    ts_status_t status = allocate(&card->rx, rx_tokens);
    if (status == TS_OK) {
        status = allocate(&card->tx, tx_tokens);
    }
    if (status != TS_OK) {
        frame_card_fini(card);
    }
    return status;
}

void frame_card_fini(struct frame_card *card)
{
    free(card->rx.held);
    free(card->tx.held);
    card->rx.held = card->tx.held = NULL;
}

static bool is_entries(uint32_t entries)
{
    return entries >= TS_FRAME_ENTRIES_MIN && entries <= TS_FRAME_ENTRIES_MAX &&
           (entries & (entries - 1)) == 0;
}

ts_status_t frame_geometry(const struct ts_frame_attach *a)
{
    if (a->version != TS_FRAME_VERSION) {
        return TS_ERR_VERSION;
    }
    if (a->reserved != 0 || !is_entries(a->rx_entries) || !is_entries(a->tx_entries) ||
        a->memory_size % TS_PAGE_SIZE != 0 ||
        a->memory_size <= ts_frame_data_start(a->rx_entries, a->tx_entries)) {
        return TS_ERR_ARGUMENT;
    }
    return a->memory_size > TS_FRAME_MEMORY_MAX ? TS_ERR_TOO_LARGE : TS_OK;
}

static ts_status_t start(struct frame_card *card)
{
    ts_status_t status = frame_chip.start(card->context);
    card->tx_progress = ts_clock_now();
    card->information.link = status == TS_OK && frame_chip.link(card->context);
    return status;
}

// To a client, if there is one.
static void show_link(struct frame_card *card)
{
    struct ts_frame_control *control = (struct ts_frame_control *)(void *)card->memory.base;
    if (control != NULL) {
        atomic_store_explicit(TS_ATOMIC(&control->link), card->information.link,
                              memory_order_relaxed);
    }
}

// Forgets what was in flight.
static void forget(struct frame_direction *d)
{
    for (uint32_t i = 0; i < d->tokens; i++) {
        d->held[i].slots = 0;
    }
    d->in_hand = 0;
}

ts_status_t frame_card_attach(struct frame_card *card, const struct frame_memory *memory,
                              const struct ts_frame_attach *attach)
{
    ts_status_t status = start(card);
    if (status != TS_OK) {
        return status;
    }
    card->memory = *memory;
    card->rx.entries = attach->rx_entries;
    card->tx.entries = attach->tx_entries;
    forget(&card->rx);
    forget(&card->tx);
    ts_frame_driver_init(&card->rings, memory->base, attach->rx_entries, attach->tx_entries);
    show_link(card);
    card->statistics.attaches++;
    return TS_OK;
}

ts_status_t frame_card_detach(struct frame_card *card)
{
    card->memory = (struct frame_memory){0};
    forget(&card->rx); // else the service comes by for frames that nobody waits for
    forget(&card->tx);
    return frame_chip.stop(card->context);
}

// Gives all that the chip had back to the client, as failed.
static void give_back(struct frame_direction *d, struct ts_frame_producer *done, uint64_t *errors)
{
    for (uint32_t token = 0; token < d->tokens; token++) {
        if (d->held[token].slots == 0) {
            continue;
        }
        struct ts_frame_slot slot = {.id = d->held[token].id, .flags = TS_FRAME_FAILED};
        ts_frame_put(done, &slot);
        ++*errors;
    }
    forget(d);
}

ts_status_t frame_card_restart(struct frame_card *card)
{
    ts_status_t status = frame_chip.stop(card->context);
    if (status != TS_OK) {
        return status;
    }
    card->statistics.resets++;
    give_back(&card->rx, &card->rings.rx_done, &card->statistics.rx_errors);
    give_back(&card->tx, &card->rings.tx_done, &card->statistics.tx_errors);
    status = start(card);
    show_link(card); // a change has no cause any more: the reset took it
    return status;
}

bool frame_card_link_changed(struct frame_card *card)
{
    uint32_t link = frame_chip.link(card->context);
    if (link == card->information.link) {
        return false;
    }
    card->information.link = link;
    show_link(card);
    return true;
}
