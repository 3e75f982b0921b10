// SPDX-License-Identifier: MIT
// Connections. Each has one operation in flight at any time (`io`) and is in one state; what it
// waits for has a deadline, so that no peer holds it for ever:
//
//   READING   until a head is whole, from a small buffer of its own, a large one if need be
//   BODY      a body is read and dropped
//   STARVING  for something that is used up (shared.h)
//   LOADING   for the file
//   WRITING   head and content, as one write of several segments, until all is taken; large files
//             that are not mapped alternate with FETCHING a piece
//   DRAINING  after a refusal: the end was sent, what still comes is dropped, then it is closed
//
// Requests that came along (pipelining) wait in the buffer until the answer before is written.
#pragma once

#include <tessera/abi/ring.h>
#include <tessera/lib/loop.h>
#include <tessera/proto/net.h>

#include "access_log.h"
#include "config/config.h"
#include "content.h"
#include "http/body.h"
#include "http/head.h"
#include "http/request.h"
#include "shared.h"

#define CONNECTION_BUFFER    1024u           // most heads fit
#define CONNECTION_LARGE     (HTTP_HEAD_MAX) // the rest
#define CONNECTION_LARGE_MAX 256u            // such buffers at the same time
#define CONNECTION_PIECE     (64u * 1024u)   // of a file that is not mapped
#define CONNECTION_PIECE_MAX 64u
#define RESPONSE_LOCATION    (3 * CONTENT_PATH + 16) // longer ones are not sent
#define RESPONSE_HEAD        (HTTP_RESPONSE_HEAD_MAX + RESPONSE_LOCATION)

enum connection_state {
    CONNECTION_READING,
    CONNECTION_BODY,
    CONNECTION_STARVING,
    CONNECTION_LOADING,
    CONNECTION_WRITING,
    CONNECTION_FETCHING,
    CONNECTION_SHUTTING,
    CONNECTION_DRAINING,
};

// What is being answered; only while there is something.
struct response {
    struct ts_segment segments[2]; // what is left of the head; of the bytes at hand
    uint64_t offset, left;         // FETCHING: of the file, not at hand yet
    uint64_t body_sent;
    unsigned status;
    bool again; // its file was loaded a second time, and was this before
    uint64_t size;
    int64_t modified;
    uint8_t *piece;      // fetch.c's: at hand, of a file that is not had whole
    size_t mapped;       // bytes of its server's pages; 0: a buffer
    char *page;          // a page made for this answer
    uint8_t parts, part; // of several ranges: how many, and which is sent
    char head[RESPONSE_HEAD];
    char boundary[HTTP_BOUNDARY_LENGTH];
    struct http_range ranges[HTTP_RANGES_MAX];
};

struct connection {
    struct holder holder; // of what connections share
    struct ts_async io, asking_peer;
    struct ts_call call;           // GET_PEER, SHUTDOWN
    struct ts_net_address address; // GET_PEER's answer
    ts_handle_t handle;
    ts_time_t deadline; // of the head or body
    enum connection_state state;
    uint16_t length;      // bytes in the buffer
    bool ending, closing; // closing: as soon as nothing is in flight
    bool head_only, keep_alive, minor0;
    bool told;             // what was asked for is on the page for `refused`
    uint8_t coding;        // enum http_coding of the content
    uint8_t tried;         // a bit for each coding that cannot be had now
    uint16_t refused;      // the status whose page is loaded; 0: it is no page for an error
    char *buffer;          // own or large
    struct config *config; // by which the answer is made, until its head is
    const struct host *host;
    struct content *content;
    struct content *original; // while what is loaded stands beside it
    struct content_waiter waiter;
    struct response *response;
    void (*written)(struct connection *connection); // all that the response holds is
    struct http_request request;                    // points into the buffer until it is answered
    struct http_body body;
    uint16_t consumed; // the head's length
    uint32_t shutdown;
    struct peer_name peer; // for the log
    char own[CONNECTION_BUFFER];
};

uint32_t connection_count(void);
bool connection_room(void); // an accept may be in flight

// ---- Between the parts, from the lowest to the highest

// buffer.c
size_t buffer_size(const struct connection *connection);
bool buffer_grow(struct connection *connection); // a large one, with its bytes; false: none is free
void buffer_free(struct connection *connection); // it is its own again

// response.c: storage. NULL: there is none.
struct response *response_take(struct connection *connection);
void response_free(struct connection *connection);
#define RESPONSE_PAGE 32768u                             // bytes
char *response_page_take(struct connection *connection); // so many
void response_page_give(struct connection *connection, char *page);
uint8_t *response_piece_take(struct connection *connection); // CONNECTION_PIECE bytes
void response_piece_free(struct connection *connection);     // them, or its server's pages

// connection.c. `when_place_is_free` is called whenever a connection has ended.
void connection_init(void (*when_place_is_free)(void));
// Takes the handle. NULL: the job has no memory for it.
struct connection *connection_new(ts_handle_t handle);
void connection_make_room(void); // beyond HTTPD_CONNECTIONS one gives way
void connection_close(struct connection *connection);
void connection_release(struct connection *connection);     // its content is not needed any more
bool connection_was_closing(struct connection *connection); // true: there is nothing more to do
// There is nothing left of the pool: one that holds some gives way, and `retry` is called then.
void connection_starve(struct connection *connection, enum shared pool,
                       void (*retry)(struct holder *holder));
// By the configuration in force when this is first called, until the answer's head is written or
// the connection ends.
void connection_take_config(struct connection *connection);
void connection_give_config(struct connection *connection);

// transfer.c: writes what the response holds; then `written` is called, if that did not fail.
void transfer_start(struct connection *connection);
void transfer_log(const struct connection *connection); // in the access log: the answer is over

// fetch.c: the next piece of the file, which is then sent.
void fetch_piece(struct connection *connection);

// respond.c: the response's storage, its head started. NULL: the connection is closed for want of
// memory.
struct response *respond_start(struct connection *connection, unsigned status,
                               struct http_head *head);
struct text respond_media_type(const struct connection *connection); // of the content
// The head as it is to be sent; the configuration is not needed any more.
void respond_head(struct connection *connection, const struct http_head *head);
// `first` to `first + length` of the content are the next of the answer.
void respond_bytes(struct connection *connection, uint64_t first, uint64_t length);
// Head, then `length` bytes of body that stay until they are sent.
void respond_send(struct connection *connection, const struct http_head *head, const void *body,
                  uint64_t length);
// 200 with a page that response_page_take gave; it is freed when it is sent.
void respond_page(struct connection *connection, char *page, size_t length,
                  struct text cache_control);
// Gets what is at `path` below the host's root and calls `ready` when it is loaded, perhaps before
// it returns. False: the cache is full of files in use.
bool respond_load(struct connection *connection, struct text path, bool lists,
                  void (*ready)(struct content_waiter *waiter));
// A page that is made, or a refusal's.
#define RESPOND_HTML    TEXT("text/html; charset=utf-8")
#define RESPOND_METHODS TEXT("GET, HEAD, OPTIONS")

// parts.c: begins an answer of several ranges; goes on when a part is sent.
void parts_start(struct connection *connection, struct http_head *head);
void parts_next(struct connection *connection);

// refusal.c: an error's answer. Of a request that cannot be gone on after; of any other, whose path
// is shown if it is `told`.
void respond_refusal(struct connection *connection, unsigned status);
void respond_error(struct connection *connection, unsigned status, bool told);

// representation.c: the answer with a file that is loaded, or with what stands beside it.
void respond_content(struct connection *connection);

// route.c: begins the answer of a request that is whole.
void route_request(struct connection *connection);

// reading.c
void connection_read(struct connection *connection);  // the next request, or the buffer's
void connection_drain(struct connection *connection); // ends it
