// SPDX-License-Identifier: MIT
#include <drivers/frame/client.h>

#include <stdlib.h>
#include <tessera/lib/event.h>
#include <tessera/lib/log.h>
#include <tessera/lib/memory.h>
#include <tessera/lib/resource.h>

// What came with ATTACH.
struct offer {
    struct ts_frame_attach attach;
    ts_handle_t memory, event;
    struct frame_memory mapped;
};

static ts_status_t take_handle(struct ts_request *request, unsigned index, enum ts_kind kind,
                               ts_handle_t *out)
{
    struct ts_object *own;
    ts_rights_t rights;
    enum ts_kind found;
    ts_status_t status = ts_request_take(request, index, out, &own, &rights);
    if (status == TS_OK && own != NULL) {
        return TS_ERR_KIND;
    }
    if (status == TS_OK) {
        status = ts_kind(*out, &found);
    }
    if (status == TS_OK && found != kind) {
        status = TS_ERR_KIND;
    }
    return status;
}

// The chip's addresses of the data area's pages: pins them, or they are where they were mapped.
static ts_status_t pin(struct frame_service *s, struct offer *o)
{
    struct frame_memory *m = &o->mapped;
    uint64_t length = m->size - m->data_start;
    size_t pages = length / TS_PAGE_SIZE;
    m->bus = calloc(pages, sizeof(*m->bus));
    if (m->bus == NULL) {
        return TS_ERR_MEMORY;
    }
    if (frame_chip.copies) {
        for (size_t i = 0; i < pages; i++) {
            m->bus[i] = (uintptr_t)m->base + m->data_start + i * TS_PAGE_SIZE;
        }
        return TS_OK;
    }
    ts_status_t status = ts_domain_pin(s->domain, o->memory, m->data_start, length, m->bus, pages);
    if (status != TS_OK) {
        free(m->bus);
        m->bus = NULL;
    }
    return status;
}

// How much of the memory is the driver's to look at: the rings, and what the frames hold if that is
// not the device's.
static size_t mapped_size(const struct frame_memory *m)
{
    return frame_chip.copies ? m->size : m->data_start;
}

// Maps that. All pages at once: at the limit of its job the client's memory has none to give at a
// touch, which would end the driver.
static ts_status_t map(struct offer *o)
{
    struct frame_memory *m = &o->mapped;
    uint32_t rings = ts_frame_data_start(o->attach.rx_entries, o->attach.tx_entries);
    struct frame_memory all = {.size = (uint32_t)o->attach.memory_size, .data_start = rings};
    uint64_t size;
    void *base;
    ts_status_t status = ts_get_u64(o->memory, TS_PROPERTY_SIZE, &size);
    if (status == TS_OK && size < o->attach.memory_size) {
        status = TS_ERR_RANGE;
    }
    if (status == TS_OK) {
        status = ts_memory_map(o->memory, NULL, mapped_size(&all), 0,
                               TS_MAP_READ | TS_MAP_WRITE | TS_MAP_POPULATE, &base);
    }
    if (status == TS_OK) {
        *m = all;
        m->base = base;
    }
    return status;
}

// Undoes what was done of an offer. The device must not use the memory.
static void let_go(struct frame_service *s, struct offer *o)
{
    struct frame_memory *m = &o->mapped;
    if (m->bus != NULL && !frame_chip.copies) {
        // A pin that is not undone stays until the device is quiet, which is safe.
        (void)ts_domain_unpin(s->domain, o->memory, m->data_start, m->size - m->data_start);
    }
    free(m->bus);
    if (m->base != NULL) {
        (void)ts_memory_unmap(m->base, mapped_size(m));
    }
    ts_close(o->memory);
    ts_close(o->event);
}

static ts_status_t accept_offer(struct frame_service *s, struct ts_request *request,
                                struct offer *o)
{
    ts_status_t status = ts_request_pull_exact(request, &o->attach, sizeof(o->attach));
    if (status == TS_OK) {
        status = frame_geometry(&o->attach);
    }
    if (status == TS_OK && request->in_handles != 2) {
        status = TS_ERR_ARGUMENT;
    }
    if (status == TS_OK) {
        status = take_handle(request, 0, TS_KIND_MEMORY, &o->memory);
    }
    if (status == TS_OK) {
        status = take_handle(request, 1, TS_KIND_EVENT, &o->event);
    }
    if (status == TS_OK) {
        status = map(o);
    }
    if (status == TS_OK) {
        status = pin(s, o);
    }
    return status;
}

// Answers with the driver's event and what the client should know. When the client is gone the
// session's close detaches it.
static void welcome(struct frame_service *s, struct ts_request *request)
{
    ts_handle_t bell;
    ts_status_t status = ts_duplicate(s->doorbell, TS_RIGHT_WRITE | TS_RIGHT_TRANSFER, &bell);
    if (status != TS_OK) {
        ts_request_reply(request, status, 0);
        return;
    }
    struct ts_reply reply = {
        .result = TS_REPLY_MOVE,
        .object = bell,
        .rights = TS_RIGHT_WRITE,
        .address = (uintptr_t)&s->card->information,
        .length = sizeof(s->card->information),
        .value = sizeof(s->card->information),
    };
    if (reply.length > request->room) {
        reply.length = request->room;
    }
    if (ts_request_reply_full(request, &reply) != TS_OK) {
        ts_close(bell);
    }
}

void frame_client_on_attach(struct frame_session *session, struct ts_request *request)
{
    struct frame_service *s = session->service;
    struct offer o = {0};
    ts_status_t status = s->attached != NULL ? TS_ERR_BUSY : accept_offer(s, request, &o);
    if (status == TS_OK) {
        status = frame_card_attach(s->card, &o.mapped, &o.attach);
        if (status != TS_OK && frame_card_detach(s->card) != TS_OK) {
            service_fail("the device neither starts nor stops", status);
        }
    }
    if (status != TS_OK) {
        let_go(s, &o);
        ts_request_reply(request, status, 0);
        return;
    }
    s->attached = session;
    s->client_memory = o.memory;
    s->client_event = o.event;
    s->pending = true;
    welcome(s, request);
}

// A device that does not stop may still use the memory. It stays pinned until the PCI server has
// made the device quiet, and that begins with the driver's end.
void frame_client_detach(struct frame_service *s)
{
    struct offer o = {
        .memory = s->client_memory, .event = s->client_event, .mapped = s->card->memory};
    s->attached = NULL;
    s->client_memory = s->client_event = TS_HANDLE_NONE;
    ts_status_t status = frame_card_detach(s->card);
    if (status != TS_OK) {
        service_fail("the device does not stop", status);
    }
    let_go(s, &o);
}

void frame_client_on_detach(struct frame_session *session, struct ts_request *request)
{
    struct frame_service *s = session->service;
    ts_status_t status = TS_ERR_NOT_CONNECTED;
    if (s->attached == session) {
        frame_client_detach(s);
        status = TS_OK;
    } else if (session->broke) {
        status = TS_OK; // the driver did it already
    }
    session->broke = false;
    ts_object_signal(&session->object, TS_SIGNAL_ERROR, 0);
    ts_request_reply(request, status, 0);
}

void frame_client_ring(struct frame_service *s)
{
    if (s->attached != NULL) {
        // A client that is gone does not hear it; its session's close follows.
        (void)ts_event_signal(s->client_event, 1);
    }
}
