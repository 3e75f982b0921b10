// SPDX-License-Identifier: MIT
// What a request is answered with: a redirect, the status page, a file, or an error.
#include <string.h>

#include <tessera/lib/server.h>

#include "connection.h"
#include "http/path.h"
#include "status_page.h"

// ---- Redirects

// `location` has been written; one that does not fit is too long.
static void redirect(struct connection *connection, unsigned status, const struct writer *location)
{
    struct http_head head;
    if (location->overflow) {
        respond_error(connection, 414, false);
        return;
    }
    if (respond_start(connection, status, &head) == NULL) {
        return;
    }
    head.location = (struct text){location->data, location->length};
    respond_send(connection, &head, NULL, 0);
}

// To a directory, with a slash: the decoded path encoded again, with the query.
static void redirect_to_directory(struct connection *connection)
{
    char location[RESPONSE_LOCATION];
    struct writer writer = writer_make(location, sizeof(location));
    struct text path = content_file(connection->content);
    size_t root = connection->host->root.length;
    const struct redirect to_path = {.from = {.kind = PATTERN_PREFIX}, .to = TEXT("/")};
    const struct redirect slash = {.from = {.kind = PATTERN_EXACT}, .to = TEXT("/")};
    redirect_write(&writer, &to_path, (struct text){path.data + root, path.length - root},
                   (struct text){0});
    redirect_write(&writer, &slash, (struct text){0}, connection->request.query);
    redirect(connection, 301, &writer);
}

// True: the configuration leads elsewhere, and the answer has begun.
static bool redirect_by_config(struct connection *connection, struct text path)
{
    char location[RESPONSE_LOCATION];
    struct writer writer = writer_make(location, sizeof(location));
    const struct redirect *found = config_redirect(connection->config, connection->host, path);
    if (found == NULL) {
        return false;
    }
    redirect_write(&writer, found, path, connection->request.query);
    redirect(connection, found->status, &writer);
    return true;
}

// ---- Requests

static unsigned status_of(ts_status_t status)
{
    switch (status) {
    case TS_ERR_NOT_FOUND:
    case TS_ERR_NOT_DIRECTORY:
    case TS_ERR_NAME_TOO_LONG:
    case TS_ERR_IS_DIRECTORY: return 404;
    case TS_ERR_RIGHTS: return 403;
    case TS_ERR_ARGUMENT: return 400;
    case TS_ERR_LIMIT:
    case TS_ERR_MEMORY:
    case TS_ERR_TIMED_OUT: return 503;
    default: return 500;
    }
}

static void on_loaded(struct content_waiter *waiter)
{
    struct connection *connection = TS_OBJECT_OF(waiter, struct connection, waiter);
    struct content *content = connection->content;
    if (connection->closing) {
        return;
    }
    switch (content->state) {
    case CONTENT_FILE: respond_content(connection); break;
    case CONTENT_DIRECTORY: redirect_to_directory(connection); break;
    default: respond_error(connection, status_of(content->status), true); break;
    }
}

static void route_again(struct holder *holder)
{
    route_request(TS_OBJECT_OF(holder, struct connection, holder));
}

static void answer_options(struct connection *connection)
{
    struct http_head head;
    if (respond_start(connection, 204, &head) == NULL) {
        return;
    }
    head.content_length = -1;
    head.allow = RESPOND_METHODS;
    respond_send(connection, &head, NULL, 0);
}

// A path that is decoded, without the host's root; `file` is with it.
static void route_path(struct connection *connection, struct text path, struct text file)
{
    const struct host *host = connection->host;
    if (host->redirects.count > 0 && redirect_by_config(connection, path)) {
        return;
    }
    if (connection->request.method == HTTP_OTHER) {
        respond_error(connection, 405, false);
    } else if (host->status && text_equal(path, TEXT("status"))) {
        if (!status_page(connection)) {
            connection_starve(connection, SHARED_PAGE, route_again);
        }
    } else {
        bool lists = host->listing && (path.length == 0 || path.data[path.length - 1] == '/');
        if (!respond_load(connection, file, lists, on_loaded)) {
            connection_starve(connection, SHARED_CONTENT, route_again);
        }
    }
}

void route_request(struct connection *connection)
{
    const struct http_request *request = &connection->request;
    char path[CONTENT_PATH]; // a longer one is not found
    struct text decoded;
    shared_go_on(&connection->holder);
    connection_take_config(connection);
    connection->keep_alive = request->keep_alive;
    connection->minor0 = request->minor == 0;
    connection->head_only = request->method == HTTP_HEAD;
    connection->ending = request->ends_early; // its body may still come
    if (request->method == HTTP_OPTIONS) {
        answer_options(connection);
        return;
    }
    if (request->method == HTTP_CONNECT || request->method == HTTP_UNKNOWN) {
        respond_error(connection, request->method == HTTP_UNKNOWN ? 501 : 405, false);
        return;
    }
    size_t root = connection->host->root.length;
    if (root > 0) {
        memcpy(path, connection->host->root.data, root);
    }
    ts_status_t status = path_decode(request->path, path + root, sizeof(path) - root, &decoded);
    if (status == TS_OK) {
        route_path(connection, decoded, (struct text){path, root + decoded.length});
    } else if (request->method == HTTP_OTHER) {
        respond_error(connection, 405, false);
    } else {
        respond_error(connection, status_of(status), true);
    }
}
