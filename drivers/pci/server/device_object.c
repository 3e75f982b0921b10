// SPDX-License-Identifier: MIT
#include "device_object.h"

#include "grant.h"
#include "quiet.h"

#include <drivers/pci/registers.h>

// Which bits of a register a driver may change itself: those that reach nobody else.
static uint32_t writable(uint64_t offset, uint32_t length)
{
    if ((offset == PCI_CACHE_LINE || offset == PCI_LATENCY) && length == 1) {
        return 0xff;
    }
    if (offset == PCI_CACHE_LINE && length == 2) {
        return 0xffff; // and the latency timer
    }
    return offset == PCI_STATUS && length == 2 ? PCI_STATUS_ERRORS : 0;
}

static void on_write(struct ts_request *request)
{
    struct device *d = TS_OBJECT_OF(request->object, struct device, object);
    uint32_t length = request->length, value = 0;
    ts_status_t status = device_check_register(d, request->offset, length);
    if (status == TS_OK && (request->flags & TS_FLAG_CURRENT)) {
        status = TS_ERR_UNSUPPORTED;
    }
    if (status == TS_OK && !writable(request->offset, length)) {
        status = TS_ERR_RIGHTS;
    }
    if (status == TS_OK) {
        status = ts_request_pull(request, &value, length, 0);
    }
    if (status == TS_OK && (value & ~writable(request->offset, length)) != 0) {
        status = TS_ERR_RIGHTS;
    }
    if (status == TS_OK) {
        const struct pci_function *f = &d->function;
        f->write(f->context, f->address, (uint16_t)request->offset, length, value);
    }
    ts_request_reply(request, status, status == TS_OK ? length : 0);
}

static void on_read(struct ts_request *request)
{
    device_read(TS_OBJECT_OF(request->object, struct device, object), request);
}

static void on_get(struct ts_request *request)
{
    device_get(TS_OBJECT_OF(request->object, struct device, object), request);
}

// open "": a further handle to the same device, so that a driver opens what it is given alike,
// be it the device or a name for it.
static void on_open(struct ts_request *request)
{
    if (request->length != 0) {
        ts_request_reply(request, TS_ERR_NOT_FOUND, 0);
        return;
    }
    // When it fails nothing is left: the client has its status.
    (void)ts_request_reply_own(request, request->object, request->rights);
}

static void on_call(struct ts_request *request)
{
    struct device *d = TS_OBJECT_OF(request->object, struct device, object);
    if (d->state != DEVICE_HELD) {
        ts_request_reply(request, TS_ERR_BUSY, 0);
        return;
    }
    switch (request->arg) {
    case TS_PCI_BAR: grant_bar(d, request); break;
    case TS_PCI_VECTOR: grant_vector(d, request); break;
    case TS_PCI_DOMAIN: grant_domain(d, request); break;
    case TS_PCI_ENABLE: grant_enable(d, request); break;
    case TS_PCI_RESET:
        d->reset = request;
        quiet_start(d);
        break;
    default: ts_request_reply(request, TS_ERR_UNSUPPORTED, 0); break;
    }
}

static void on_closed(struct ts_object *object)
{
    struct device *d = TS_OBJECT_OF(object, struct device, object);
    d->closed = true;
    // (STUCK: by a reset while a driver was about that could have been the reason.)
    if (d->state == DEVICE_HELD || d->state == DEVICE_STUCK) {
        quiet_start(d);
    }
}

const struct ts_operations device_operations = {
    .open = on_open,
    .read = on_read,
    .write = on_write,
    .get = on_get,
    .call = on_call,
    .closed = on_closed,
};
