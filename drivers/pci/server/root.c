// SPDX-License-Identifier: MIT
#include "root.h"

#include "device_object.h"
#include "grant.h"

#include <stdlib.h>
#include <string.h>
#include <tessera/lib/listing.h>
#include <tessera/lib/log.h>

#define ADDRESS_LENGTH 7u  // "00:03.0"
#define PATH_MAX_HERE  64u // no match is longer
#define CLASS_IOMMU    0x0806u

// The root, and each session of it: the same operations.
struct root {
    struct ts_object object;
    struct bus *bus;
};

// What "…/all" opens: a list.
struct selection {
    struct ts_object object;
    struct bus *bus;
    struct pci_match match;
};

// What "…/info" opens.
struct view {
    struct ts_object object;
    struct device *device;
};

static void view_get(struct ts_request *request)
{
    device_get(TS_OBJECT_OF(request->object, struct view, object)->device, request);
}

static void view_read(struct ts_request *request)
{
    device_read(TS_OBJECT_OF(request->object, struct view, object)->device, request);
}

static void view_closed(struct ts_object *object)
{
    free(TS_OBJECT_OF(object, struct view, object));
}

static const struct ts_operations view_operations = {
    .get = view_get,
    .read = view_read,
    .closed = view_closed,
};

// Bridges forward other functions' traffic; IOMMUs are the kernel's.
static bool is_drivable(const struct device *d)
{
    return d->header == 0 && d->identity.class_code >> 8 != CLASS_IOMMU;
}

// Whether a function is to be listed: any, or one that a driver can have and that fits.
static bool is_listed(const struct device *d, const struct pci_match *only)
{
    return only == NULL || (is_drivable(d) && pci_match_fits(only, &d->identity));
}

static void list(struct ts_request *request, const struct bus *bus, const struct pci_match *only)
{
    uint8_t buffer[1024] __attribute__((aligned(8)));
    struct ts_listing listing = {
        (char *)buffer, request->room < sizeof(buffer) ? request->room : sizeof(buffer), 0};
    bool room = true;
    for (uint64_t i = request->offset; room && i < bus->count; i++) {
        char name[ADDRESS_LENGTH + 1];
        uint16_t address = bus->devices[i].function.address;
        if (is_listed(&bus->devices[i], only)) {
            ts_format(name, sizeof(name), "%02x:%02x.%x", ts_device_id_bus(address),
                      ts_device_id_slot(address), ts_device_id_function(address));
            room =
                ts_listing_add(&listing, i + 1, TS_FILE_DEVICE, 0, address, name, ADDRESS_LENGTH);
        }
    }
    if (listing.used == 0 && !room) {
        ts_request_reply(request, TS_ERR_OVERFLOW, 0); // not even one entry fits
    } else {
        ts_request_reply_bytes(request, buffer, (uint32_t)listing.used);
    }
}

static void selection_list(struct ts_request *request)
{
    const struct selection *s = TS_OBJECT_OF(request->object, struct selection, object);
    list(request, s->bus, &s->match);
}

static void selection_closed(struct ts_object *object)
{
    free(TS_OBJECT_OF(object, struct selection, object));
}

static const struct ts_operations selection_operations = {
    .list = selection_list,
    .closed = selection_closed,
};

static void open_selection(struct ts_request *request, struct bus *bus,
                           const struct pci_match *match)
{
    struct selection *selection = calloc(1, sizeof(*selection));
    if (selection == NULL) {
        ts_request_reply(request, TS_ERR_MEMORY, 0);
        return;
    }
    *selection =
        (struct selection){.object.operations = &selection_operations, .bus = bus, .match = *match};
    ts_rights_t rights = TS_RIGHT_READ | TS_RIGHT_OPEN | TS_RIGHT_DUPLICATE | TS_RIGHT_TRANSFER;
    if (ts_request_reply_mint(request, &selection->object, rights & request->rights, 0) != TS_OK) {
        free(selection);
    }
}

static const struct ts_operations root_operations;

static void open_session(struct ts_request *request, struct bus *bus)
{
    struct root *session = calloc(1, sizeof(*session));
    if (session == NULL) {
        ts_request_reply(request, TS_ERR_MEMORY, 0);
        return;
    }
    session->object.operations = &root_operations;
    session->bus = bus;
    if (ts_request_reply_mint(request, &session->object, request->rights, 0) != TS_OK) {
        free(session);
    }
}

static void open_view(struct ts_request *request, struct device *d)
{
    struct view *view = calloc(1, sizeof(*view));
    if (view == NULL) {
        ts_request_reply(request, TS_ERR_MEMORY, 0);
        return;
    }
    view->object.operations = &view_operations;
    view->device = d;
    ts_rights_t rights = TS_RIGHT_READ | TS_RIGHT_WAIT | TS_RIGHT_DUPLICATE | TS_RIGHT_TRANSFER;
    if (ts_request_reply_mint(request, &view->object, rights & request->rights, 0) != TS_OK) {
        free(view);
    }
}

static void open_device(struct ts_request *request, struct device *d)
{
    ts_status_t status = d->state == DEVICE_FREE ? grant_begin(d) : TS_ERR_BUSY;
    if (status != TS_OK) {
        ts_request_reply(request, status, 0);
        return;
    }
    d->closed = false;
    d->object.operations = &device_operations;
    ts_rights_t rights = request->rights & ~(TS_RIGHT_MANAGE | TS_RIGHT_SHARE);
    if (ts_request_reply_mint(request, &d->object, rights, 0) == TS_OK) {
        d->state = DEVICE_HELD;
    } else {
        grant_end(d);
    }
}

static struct device *find(struct bus *bus, const struct pci_match *match)
{
    uint32_t left = match->index;
    for (unsigned i = 0; i < bus->count; i++) {
        struct device *d = &bus->devices[i];
        if (pci_match_fits(match, &d->identity) && left-- == 0) {
            return d;
        }
    }
    return NULL;
}

static void on_open(struct ts_request *request)
{
    struct bus *bus = TS_OBJECT_OF(request->object, struct root, object)->bus;
    char path[PATH_MAX_HERE];
    size_t length;
    struct pci_match match;
    ts_status_t status = ts_request_path(request, path, sizeof(path), &length);
    if (status == TS_OK && length == 0) {
        open_session(request, bus);
        return;
    }
    if (status == TS_OK) {
        status = pci_match_parse(path, length, &match);
    }
    if (status == TS_OK && match.all) {
        open_selection(request, bus, &match);
        return;
    }
    struct device *d = status == TS_OK ? find(bus, &match) : NULL;
    if (d == NULL || (!is_drivable(d) && !match.information)) {
        ts_request_reply(request,
                         status != TS_OK ? status
                         : d != NULL     ? TS_ERR_RIGHTS
                                         : TS_ERR_NOT_FOUND,
                         0);
    } else if (match.information) {
        open_view(request, d);
    } else {
        open_device(request, d);
    }
}

static void on_list(struct ts_request *request)
{
    list(request, TS_OBJECT_OF(request->object, struct root, object)->bus, NULL);
}

static void on_closed(struct ts_object *object)
{
    free(TS_OBJECT_OF(object, struct root, object));
}

static const struct ts_operations root_operations = {
    .open = on_open,
    .list = on_list,
    .closed = on_closed,
};

ts_status_t root_create(struct bus *bus, ts_handle_t *out_root)
{
    struct root *root = calloc(1, sizeof(*root));
    if (root == NULL) {
        return TS_ERR_MEMORY;
    }
    root->object.operations = &root_operations;
    root->bus = bus;
    ts_status_t status = ts_object_mint(&bus->server, &root->object, TS_RIGHTS_ALL, out_root);
    if (status != TS_OK) {
        free(root);
    }
    return status;
}
