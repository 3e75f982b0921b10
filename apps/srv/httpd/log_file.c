// SPDX-License-Identifier: MIT
#include "log_file.h"

#include <drivers/service/pool.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/listing.h>
#include <tessera/lib/path.h>

#include "access_log.h"
#include "config_file.h"

#define NAME "access.log"
#define RIGHTS                                                                            \
    (TS_RIGHT_READ | TS_RIGHT_OPEN | TS_RIGHT_CALL | TS_RIGHT_WAIT | TS_RIGHT_DUPLICATE | \
     TS_RIGHT_TRANSFER | TS_RIGHT_MANAGE)
#define LIST_BYTES (ACCESS_LOG_FILES * TS_FILE_ENTRY_LENGTH(sizeof(NAME) + 1))

// LOG + n is access.log.n.
enum identity { DIRECTORY = 1, LOG };

struct opened {
    struct ts_object object;
    unsigned identity;
    uint64_t position, end;
};

static struct pool objects = {
    .size = POOL_SIZE(struct opened), .clear = sizeof(struct opened), .limit = LOG_FILE_OBJECTS};

static const struct ts_operations operations;

static struct opened *opened_of(const struct ts_request *request)
{
    return TS_OBJECT_OF(request->object, struct opened, object);
}

static void file_closed(struct ts_object *object)
{
    pool_give(&objects, TS_OBJECT_OF(object, struct opened, object));
}

static void file_answer(struct ts_request *request, unsigned identity)
{
    struct opened *opened = pool_take(&objects);
    if (opened == NULL) {
        ts_request_reply(request, TS_ERR_LIMIT, 0);
        return;
    }
    opened->object.operations = &operations;
    opened->identity = identity;
    if (identity != DIRECTORY) {
        (void)access_log_file(identity - LOG, &opened->position, &opened->end);
    }
    uint16_t signals = identity != DIRECTORY ? TS_SIGNAL_READABLE : 0; // nothing is waited for
    if (ts_request_reply_mint_with(request, &opened->object, request->rights & RIGHTS, 0,
                                   signals) != TS_OK) {
        file_closed(&opened->object);
    }
}

// The log of a name. False: there is none.
static bool find_log(struct text name, unsigned *out_identity)
{
    uint64_t number = 0, start, end;
    struct text plain = TEXT(NAME);
    if (name.length < plain.length || !text_equal((struct text){name.data, plain.length}, plain)) {
        return false;
    }
    struct text rest = {name.data + plain.length, name.length - plain.length};
    bool numbered = rest.length == 2 && text_take(&rest, '.') && rest.data[0] != '0' &&
                    text_take_number(&rest, &number);
    *out_identity = LOG + (unsigned)number;
    return rest.length == 0 && numbered == (name.length > plain.length) &&
           access_log_file((unsigned)number, &start, &end);
}

// What a path below an object leads to; "" is the object itself.
static ts_status_t file_find(unsigned from, const char *path, size_t length, uint32_t flags,
                             unsigned *out_identity)
{
    struct ts_path_walk walk;
    ts_path_walk_init(&walk, path, length);
    ts_status_t status;
    *out_identity = from;
    while ((status = ts_path_step(&walk)) == TS_OK) {
        struct text name = {walk.component, walk.length};
        if (*out_identity != DIRECTORY) {
            return TS_ERR_NOT_DIRECTORY;
        }
        if (!find_log(name, out_identity)) {
            return (flags & TS_OPEN_CREATE) != 0 ? TS_ERR_READ_ONLY : TS_ERR_NOT_FOUND;
        }
    }
    if (status != TS_ERR_NOT_FOUND) { // the end of the path
        return status;
    }
    if ((flags & (TS_OPEN_CREATE | TS_OPEN_TRUNCATE | TS_OPEN_APPEND)) != 0) {
        return TS_ERR_READ_ONLY;
    }
    return (flags & TS_OPEN_DIRECTORY) != 0 && *out_identity != DIRECTORY ? TS_ERR_NOT_DIRECTORY
                                                                          : TS_OK;
}

static void file_open(struct ts_request *request)
{
    char path[64];
    size_t length;
    unsigned identity;
    ts_status_t status = ts_request_path(request, path, sizeof(path), &length);
    if (status == TS_OK) {
        status = file_find(opened_of(request)->identity, path, length, (uint32_t)request->arg,
                           &identity);
    }
    if (status == TS_OK) {
        file_answer(request, identity);
    } else {
        ts_request_reply(request, status, 0);
    }
}

static void file_read(struct ts_request *request)
{
    struct opened *opened = opened_of(request);
    bool current = (request->flags & TS_FLAG_CURRENT) != 0;
    uint64_t position = current ? opened->position : request->offset;
    if (opened->identity == DIRECTORY) {
        ts_request_reply(request, TS_ERR_IS_DIRECTORY, 0);
        return;
    }
    struct text text = access_log_at(&position, opened->end);
    if (text.length > request->room) {
        text.length = request->room;
    }
    if (ts_request_reply_now(request, TS_OK, text.length, text.data, text.length) == TS_OK &&
        current) {
        opened->position = position + text.length;
    }
}

static void file_list(struct ts_request *request)
{
    _Alignas(8) char buffer[LIST_BYTES];
    struct ts_listing listing = {
        buffer, request->room < sizeof(buffer) ? request->room : sizeof(buffer), 0};
    uint64_t next = request->offset, start, end;
    if (opened_of(request)->identity != DIRECTORY) {
        ts_request_reply(request, TS_ERR_NOT_DIRECTORY, 0);
        return;
    }
    bool fits = true;
    for (; next < ACCESS_LOG_FILES && access_log_file((unsigned)next, &start, &end); next++) {
        char name[sizeof(NAME) + 2] = NAME ".";
        name[sizeof(NAME)] = (char)('0' + next);
        fits = ts_listing_add(&listing, next + 1, TS_FILE_STREAM, 0, LOG + next, name,
                              next == 0 ? sizeof(NAME) - 1 : sizeof(NAME) + 1);
        if (!fits) {
            break;
        }
    }
    if (!fits && listing.used == 0) {
        ts_request_reply(request, TS_ERR_OVERFLOW, 0);
    } else {
        ts_request_reply_bytes(request, buffer, listing.used);
    }
}

static void file_get(struct ts_request *request)
{
    unsigned identity = opened_of(request)->identity;
    struct ts_attributes attributes = {
        .type = identity == DIRECTORY ? TS_FILE_DIRECTORY : TS_FILE_STREAM,
        .mode = identity == DIRECTORY ? 0555 : 0444,
        .links = 1,
        .identity = identity,
        .modified_ns = ts_clock_realtime(),
    };
    if (request->arg == TS_PROPERTY_STATUS_FLAGS) {
        ts_request_reply_u64(request, 0);
    } else if (request->arg != TS_PROPERTY_ATTRIBUTES) {
        ts_request_reply(request, TS_ERR_UNSUPPORTED, 0);
    } else {
        ts_request_reply_whole(request, &attributes, sizeof(attributes));
    }
}

static void file_call(struct ts_request *request)
{
    if (opened_of(request)->identity == DIRECTORY) {
        config_file_call(request);
    } else {
        ts_request_reply(request, TS_ERR_UNSUPPORTED, 0);
    }
}

static const struct ts_operations operations = {.open = file_open,
                                                .read = file_read,
                                                .list = file_list,
                                                .get = file_get,
                                                .call = file_call,
                                                .cancel = config_file_cancel,
                                                .closed = file_closed};

static void root_opened(struct ts_request *request)
{
    if (request->length == 0) {
        file_answer(request, DIRECTORY);
    } else {
        ts_request_reply(request, TS_ERR_NOT_FOUND, 0);
    }
}

const struct ts_operations log_file_root = {.open = root_opened};
