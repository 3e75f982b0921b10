// SPDX-License-Identifier: MIT
#include "config_file.h"

#include <string.h>

#include <drivers/service/pool.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/clock.h>
#include <tessera/lib/log.h>
#include <tessera/lib/op.h>
#include <tessera/lib/opening.h>
#include <tessera/proto/reload.h>

#include "access_log.h"
#include "config_remains.h"
#include "httpd.h"

#define NAME_CONFIG "config"
#define READ_NS     (10 * TS_SECOND) // for all of it

static struct pool configs = {.size = POOL_SIZE(struct config), .limit = CONFIGS};
static struct config *in_force;

// One file at a time.
static struct {
    struct config *config;      // that it becomes; NULL: nothing is read
    struct ts_request *request; // that is told; NULL: none, or not any more
    void (*started)(void);      // to be called when it is read
    struct ts_opening opening;
    struct ts_async io;
    ts_handle_t file;
    ts_time_t deadline;
    size_t length;
    bool given;             // it came with RELOAD
    char name[CONFIG_NAME]; // what messages call it
} reader;

struct config *config_get(void)
{
    in_force->users++;
    return in_force;
}

void config_put(struct config *config)
{
    if (--config->users == 0) {
        pool_give(&configs, config);
    }
}

// ---- The end

// At the start there is none before that could stay.
static void begin_with_none(void)
{
    in_force = reader.config;
    config_init(in_force);
    in_force->users = 1;
}

// `text` is what the file has that is wrong, or NULL.
static void finish(ts_status_t status, const char *text)
{
    struct ts_request *request = reader.request;
    void (*started)(void) = reader.started;
    char message[TS_RELOAD_MESSAGE];
    ts_close(reader.file);
    reader.file = TS_HANDLE_NONE;
    if (status != TS_OK && in_force != NULL) {
        config_put(reader.config);
    } else if (status != TS_OK) {
        begin_with_none();
    }
    reader.config = NULL;
    reader.request = NULL;
    reader.started = NULL;
    size_t length =
        ts_format(message, sizeof(message), "%s%s%s", reader.name, text != NULL ? ":" : ": ",
                  text != NULL ? text : ts_status_text(status));
    if (status != TS_OK) {
        ts_log("%s", message);
    } else if (reader.given || request != NULL) {
        ts_log("%s is in force", reader.name);
    }
    if (request != NULL && status != TS_OK) {
        (void)ts_request_push(request, message, length < request->room ? length : request->room, 0);
    }
    if (request != NULL) {
        ts_request_reply(request, status, 0);
    }
    if (started != NULL) {
        started();
    }
}

static void take(void)
{
    char message[CONFIG_MESSAGE];
    struct config *config = reader.config, *before = in_force;
    if (reader.length > CONFIG_BYTES) {
        finish(TS_ERR_TOO_LARGE, NULL);
        return;
    }
    if (reader.given) { // it is changed when it is parsed
        config_remains_note(reader.name, config->text, reader.length);
    }
    if (!config_parse(config, reader.length, message)) {
        finish(TS_ERR_CORRUPT, message);
        return;
    }
    ts_status_t status = access_log_configure(config->log_size, config->log_keep);
    if (status == TS_OK) {
        (reader.given ? config_remains_keep : config_remains_forget)();
        in_force = config;
        if (before != NULL) {
            config_put(before);
        }
    }
    finish(status, NULL);
}

// ---- Reading

static struct ts_submission *begin(void (*done)(struct ts_async *, const struct ts_event *))
{
    reader.io.done = done;
    struct ts_submission *slot = ts_loop_begin(&httpd.loop, &reader.io);
    if (slot == NULL) {
        finish(TS_ERR_LIMIT, NULL);
    }
    return slot;
}

static void on_read(struct ts_async *async, const struct ts_event *event);

static void read_more(void)
{
    struct ts_submission *slot = begin(on_read);
    if (slot != NULL) { // one byte more than it may have tells that it has
        ts_prepare_read(slot, reader.file, reader.config->text + reader.length,
                        (uint32_t)(CONFIG_BYTES + 1 - reader.length), reader.length,
                        reader.deadline, ts_async_data(&reader.io));
    }
}

static void on_read(struct ts_async *async, const struct ts_event *event)
{
    (void)async;
    if (event->status != TS_OK || event->value > CONFIG_BYTES + 1 - reader.length) {
        finish(event->status != TS_OK ? event->status : TS_ERR_PROTOCOL, NULL);
        return;
    }
    reader.length += event->value;
    if (event->value > 0 && reader.length <= CONFIG_BYTES) {
        read_more();
    } else {
        take();
    }
}

// Messages may go to a terminal.
static void make_printable(size_t length)
{
    reader.name[length] = '\0';
    for (size_t i = 0; i < length; i++) {
        if (reader.name[i] < ' ' || reader.name[i] > '~') {
            reader.name[i] = '?';
        }
    }
}

static void on_name(struct ts_async *async, const struct ts_event *event)
{
    (void)async;
    if (event->status == TS_OK && event->value > 0 && event->value <= CONFIG_NAME - 2) {
        reader.name[0] = '/'; // servers say it without
        make_printable((size_t)event->value + 1);
    }
    read_more();
}

static void on_open(struct ts_opening *opening, ts_status_t status, ts_handle_t handle)
{
    (void)opening;
    if (status != TS_OK) {
        finish(status, NULL);
        return;
    }
    reader.file = handle;
    struct ts_submission *slot = begin(on_name);
    if (slot != NULL) {
        ts_prepare_get(slot, handle, TS_PROPERTY_NAME, reader.name + 1, CONFIG_NAME - 2,
                       reader.deadline, ts_async_data(&reader.io));
    }
}

static void open_own(void)
{
    memcpy(reader.name, "httpd.conf", sizeof("httpd.conf"));
    reader.opening = (struct ts_opening){.loop = &httpd.loop,
                                         .root = ts_named_handle(NAME_CONFIG),
                                         .path = "",
                                         .rights = TS_RIGHT_READ,
                                         .deadline = reader.deadline,
                                         .done = on_open};
    ts_opening_begin(&reader.opening);
}

// TS_ERR_BUSY: one is read, or the place of each is still needed by a request.
static ts_status_t start_reading(void)
{
    if (reader.config != NULL) {
        return TS_ERR_BUSY;
    }
    reader.config = pool_take(&configs);
    if (reader.config == NULL) {
        return TS_ERR_BUSY;
    }
    config_init(reader.config);
    reader.config->users = 1;
    reader.given = false;
    reader.length = 0;
    reader.deadline = ts_loop_now(&httpd.loop) + READ_NS;
    return TS_OK;
}

ts_status_t config_file_start(void (*started)(void))
{
    ts_status_t status = access_log_configure(0, 0);
    if (status == TS_OK) {
        status = start_reading();
    }
    if (status != TS_OK) {
        return status;
    }
    reader.started = started;
    config_remains_init();
    reader.given = config_remains_get(reader.config->text, &reader.length, reader.name);
    if (!reader.given && ts_named_handle(NAME_CONFIG) != TS_HANDLE_NONE) {
        open_own();
    } else {
        take(); // what the instance before was given, or as of an empty file
    }
    return TS_OK;
}

// ---- Methods

// The file that came with the request, and what it is called.
static ts_status_t take_file(struct ts_request *request)
{
    struct ts_object *object;
    ts_rights_t rights;
    size_t length = request->length;
    if (length == 0 || length >= CONFIG_NAME) {
        return TS_ERR_ARGUMENT;
    }
    ts_status_t status = ts_request_pull(request, reader.name, length, 0);
    if (status == TS_OK) {
        status = ts_request_take(request, 0, &reader.file, &object, &rights);
    }
    if (status == TS_OK && object != NULL) {
        status = TS_ERR_KIND; // our own log
    }
    if (status == TS_OK) {
        make_printable(length);
    }
    return status;
}

static void reload(struct ts_request *request)
{
    bool given = request->in_handles > 0;
    ts_status_t status = start_reading();
    if (status == TS_OK && !given && ts_named_handle(NAME_CONFIG) == TS_HANDLE_NONE) {
        status = TS_ERR_NOT_FOUND;
    }
    if (status == TS_OK && given) {
        status = take_file(request);
    }
    if (status != TS_OK) {
        if (status != TS_ERR_BUSY) {
            config_put(reader.config);
            reader.config = NULL;
        }
        ts_request_reply(request, status, 0);
        return;
    }
    reader.request = request;
    reader.given = given;
    if (given) {
        read_more();
    } else {
        open_own();
    }
}

void config_file_call(struct ts_request *request)
{
    if (request->arg != TS_RELOAD) {
        ts_request_reply(request, TS_ERR_UNSUPPORTED, 0);
    } else if (!ts_request_has(request, TS_RIGHT_MANAGE)) {
        ts_request_reply(request, TS_ERR_RIGHTS, 0);
    } else {
        reload(request);
    }
}

void config_file_cancel(struct ts_request *request)
{
    if (reader.request != request) {
        return;
    }
    reader.request = NULL; // what comes of it the log says
    ts_request_reply(request, TS_ERR_CANCELLED, 0);
}
