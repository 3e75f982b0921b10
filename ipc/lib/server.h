// SPDX-License-Identifier: MIT
// Serving objects.
//
// A server is a port on a loop. What it serves are structures with a `struct ts_object` inside,
// whose operations table says what each can do; a client's request becomes a call of one handler:
//
//   struct counter {
//       struct ts_object object;
//       uint64_t value;
//   };
//
//   static void counter_read(struct ts_request *request)
//   {
//       struct counter *counter = TS_OBJECT_OF(request->object, struct counter, object);
//       counter->value++;
//       ts_request_reply_bytes(request, &counter->value, sizeof(counter->value));
//   }
//
//   static const struct ts_operations counter_operations = {.read = counter_read};
//
// Handlers know only struct ts_request, never ring events: the same handlers serve a program they
// are linked into (local.h).
//
// A request's life: the handler is called; it answers (any of the reply functions, exactly once) or
// keeps the request by returning without an answer, links it into a list of its own by
// request->next, and answers later from another callback. A kept request stays valid until it is
// answered, whatever the client does. `cancel` tells that the client wants it to end: answer soon,
// with what was done or TS_ERR_CANCELLED; a server that does not is cut off after 100 ms, which
// costs nothing but a reply that fails with TS_ERR_GONE. It is called as well for a request that is
// kept in the last of the slots that clients share, whose client gets TS_ERR_LIMIT in place of
// TS_ERR_CANCELLED: so there is always a slot for what is answered at once.
//
// An object's life: minted into a free oid (by a reply or by ts_object_mint), used by clients, and
// `closed` is called once when no handle and no undelivered request is left. Delivered requests may
// still be kept then: answer them. `closed` frees the storage, or has it freed.
//
// What clients send is hostile: everything in struct ts_request but `object`, `oid` and `server` is
// the client's choice. The kernel has checked the rights of operation.def; rights that depend on a
// property or method are the handler's to check (ts_request_has).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <tessera/abi/object.h>
#include <tessera/abi/ring.h>
#include <tessera/lib/loop.h>
#include <tessera/lib/op.h>

struct ts_request;
struct ts_object;

// Handlers: one for each operation that operation.def has for any object (ANY), by its name, and
// two more. NULL = TS_ERR_UNSUPPORTED. What the request's fields mean:
//
//   open, create  path to pull; arg: ts_open_arg()
//   remove        path to pull; arg: ts_open_arg(0, kind)
//   rename, link  "old\0new" to pull; perhaps a handle; arg: flags
//   share         path to pull, one handle to take
//   list          room, offset: cookie
//   read          room, offset or TS_FLAG_CURRENT
//   write         length, offset or TS_FLAG_CURRENT
//   sync          offset, span
//   get           room, arg: property (ALIVE is answered before)
//   set           length, arg: property
//   map           offset, span; rights: what will be mapped
//   call          arg: method; length to pull, room to push, handles
struct ts_operations {
#define TS_HANDLER_ANY(name)    void (*name)(struct ts_request *);
#define TS_HANDLER_OBJECT(name) // not a server's
#define TS_HANDLER_KERNEL(name)
#define TS_HANDLER_PORT(name)
#define TS_HANDLER_RING(name)
#define TS_OPERATION(NAME, name, number, rights, answers, ...) TS_HANDLER_##answers(name)
#include <tessera/abi/operation.def>
#undef TS_OPERATION
#undef TS_HANDLER_ANY
#undef TS_HANDLER_OBJECT
#undef TS_HANDLER_KERNEL
#undef TS_HANDLER_PORT
#undef TS_HANDLER_RING
    void (*cancel)(struct ts_request *); // a kept request is to end; NULL: the server answers soon
                                         // anyway
    void (*closed)(struct ts_object *);  // the last handle is gone and the oid free; NULL: nothing
};

// What a served structure embeds. Zero-initialise, set `operations`.
struct ts_object {
    const struct ts_operations *operations;
    struct ts_server *server; // NULL while it is not minted
    uint32_t oid;
    ts_signals_t signals; // as last set
};

#define TS_OBJECT_OF(pointer, type, member) \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

// What may be done with an answer's bytes.
enum ts_reply_bytes {
    TS_REPLY_BYTES_COPY,   // they are gone when the handler returns
    TS_REPLY_BYTES_STABLE, // they stay until the next callback returns
    TS_REPLY_BYTES_NOW,    // the answer goes out at once; the status is wanted
};

// How bytes and answers travel: the port's (server.c) or in-process (local.c).
struct ts_request_backend {
    ts_status_t (*pull)(struct ts_request *, void *, size_t, uint64_t, size_t *);
    ts_status_t (*push)(struct ts_request *, const void *, size_t, uint64_t, size_t *);
    ts_status_t (*take)(struct ts_request *, unsigned, ts_handle_t *, struct ts_object **,
                        ts_rights_t *);
    ts_status_t (*reply)(struct ts_request *, struct ts_reply *, struct ts_object *,
                         enum ts_reply_bytes);
};

enum ts_request_state { TS_REQUEST_OVER, TS_REQUEST_OPEN, TS_REQUEST_KEPT };

struct ts_request {
    const struct ts_request_backend *backend;
    struct ts_server *server;
    struct ts_object *object; // that was asked
    struct ts_request *next;  // for the handler's own lists while the request is kept
    struct ts_async answer;   // told when an answer fails that was not waited for
    void *context;            // the handler's
    uint64_t id;
    uint64_t offset;
    uint64_t arg;
    uint64_t span;     // sync, map: length of the range meant; else the handler may use it
    const void *inbox; // the first `inbox_length` of them are here already: private memory
    uint32_t inbox_length;
    // In the order of struct ts_event, so that they are moved together.
    ts_rights_t rights; // of the client's handle, cut to those asked where one results
    uint8_t in_handles, out_handles;
    uint32_t length;   // bytes that can be pulled
    uint32_t room;     // bytes that can be pushed
    uint32_t client;   // whatever is kept for it is taken from its share (share.h)
    uint8_t op, flags; // enum ts_operation, TS_FLAG_*
    uint8_t state;     // enum ts_request_state, the framework's
    bool cancelled;    // it is to end
};

// ---- Payload

// Copies `length` bytes from byte `offset` of the client's range; from the inbox where it has them,
// without a system call. TS_ERR_CLIENT_FAULT, TS_ERR_RANGE, TS_ERR_GONE (as ts_request_push).
TS_MUST_USE ts_status_t ts_request_pull(struct ts_request *request, void *buffer, size_t length,
                                        uint64_t offset);

// Copies to byte `offset` of the client's range.
TS_MUST_USE ts_status_t ts_request_push(struct ts_request *request, const void *buffer,
                                        size_t length, uint64_t offset);

// Pulls a structure of exactly `size` bytes: TS_ERR_ARGUMENT when the client sent another length.
TS_MUST_USE ts_status_t ts_request_pull_exact(struct ts_request *request, void *buffer,
                                              size_t size);

// Pulls the request's path into `buffer`, ends it with zero. TS_ERR_NAME_TOO_LONG: capacity;
// TS_ERR_ARGUMENT: a zero byte in it.
TS_MUST_USE ts_status_t ts_request_path(struct ts_request *request, char *buffer, size_t capacity,
                                        size_t *out_length);

// Takes a handle that came with the request. When it names an object of this very server,
// *out_handle is 0, *out_object that object and *out_rights its rights; else *out_object is NULL.
TS_MUST_USE ts_status_t ts_request_take(struct ts_request *request, unsigned index,
                                        ts_handle_t *out_handle, struct ts_object **out_object,
                                        ts_rights_t *out_rights);

static inline bool ts_request_has(const struct ts_request *request, ts_rights_t rights)
{
    return (request->rights & rights) == rights;
}

// ---- Answers
// After an answer the request is no longer there. Those that return a status say whether it
// reached the client: TS_ERR_GONE when it gave up, TS_ERR_CLIENT_FAULT. Only a server that must
// know (handles, consumed input) looks; for that the answer goes out at once.

// Status and value. May be kept back until the next wait.
void ts_request_reply(struct ts_request *request, ts_status_t status, uint64_t value);

// The same with bytes for the start of the client's range, cut to its room; value = bytes given.
// The bytes are copied or sent before it returns.
void ts_request_reply_bytes(struct ts_request *request, const void *bytes, size_t length);

// The same for bytes that stay unchanged until the next callback of the loop returns (a cache, an
// archive): saves a copy.
void ts_request_reply_stable(struct ts_request *request, const void *bytes, size_t length);

// The same of a structure: all of it, or TS_ERR_OVERFLOW when the client has no room for that.
void ts_request_reply_whole(struct ts_request *request, const void *bytes, size_t length);

// get(property) of a number: TS_ERR_OVERFLOW when the client has no room for 8 bytes.
void ts_request_reply_u64(struct ts_request *request, uint64_t number);

// As ts_request_reply_bytes with status and value of its own, at once, and whether it arrived: for
// a server that consumes what it sends.
TS_MUST_USE ts_status_t ts_request_reply_now(struct ts_request *request, ts_status_t status,
                                             uint64_t value, const void *bytes, size_t length);

// A new object for the client, which counts for it: takes a free oid, cuts the handle to `rights`.
// TS_ERR_LIMIT: the client has as many as are free (it gets that status). On any error the object
// is not minted and its `closed` will not be called.
TS_MUST_USE ts_status_t ts_request_reply_mint(struct ts_request *request, struct ts_object *object,
                                              ts_rights_t rights, uint64_t value);

// The same, and the object has these signals (of those below 16) from its start: nobody sees it
// without them.
TS_MUST_USE ts_status_t ts_request_reply_mint_with(struct ts_request *request,
                                                   struct ts_object *object, ts_rights_t rights,
                                                   uint64_t value, uint16_t signals);

// The same for servers that need not know whether it arrived: `closed` is called in the end, when
// the last handle is gone or since nobody got one. May be kept back until the next wait; until then
// it is given no signals but those below 16.
void ts_request_give(struct ts_request *request, struct ts_object *object, ts_rights_t rights,
                     uint16_t signals);

// A further handle to an object of this server that is minted already.
TS_MUST_USE ts_status_t ts_request_reply_own(struct ts_request *request, struct ts_object *object,
                                             ts_rights_t rights);

// Moves a handle of the server to the client; closed when that fails.
TS_MUST_USE ts_status_t ts_request_reply_move(struct ts_request *request, ts_handle_t handle,
                                              ts_rights_t rights, uint64_t value);

// open: the client goes on at `handle` (moved, closed on failure) with its path from byte
// `consumed` on.
TS_MUST_USE ts_status_t ts_request_reply_redirect(struct ts_request *request, ts_handle_t handle,
                                                  uint64_t consumed);

// Everything at once (call with several handles): as ts_port_reply; reply->id is filled in.
// Handles stay the caller's on failure.
TS_MUST_USE ts_status_t ts_request_reply_full(struct ts_request *request, struct ts_reply *reply);

// ---- Servers

// Of both tables a client may take one more as long as it has no more than is free.
struct ts_server_limits {
    uint32_t requests;    // delivered at the same time; further ones wait in the kernel
    uint32_t objects;     // minted at the same time
    uint32_t inbox_bytes; // first bytes of each request that arrive with it, 0 … 4096
};

struct ts_server {
    struct ts_loop *loop;
    struct ts_async port_events;
    // The answer that is kept back and mints: told at once when it fails, before any other event.
    struct ts_async minting;
    struct ts_object *gives; // what it mints
    uint64_t gives_to;       // id of the request
    ts_handle_t port;
    struct ts_server_limits limits;
    struct ts_request *requests; // by slot of the request id
    unsigned char *inbox;
    uint32_t *free_oids; // stack, of those that were used
    uint32_t free_count;
    uint32_t oids_used; // those from here on never were: memory is touched as it is needed
    uint32_t slots;     // that clients share: all but the pulse's
    uint32_t kept;      // requests that were not answered when their handler returned, nor since
    void *tables;
    size_t tables_size, inbox_size;
    struct ts_object pulse;
    void *context; // the program's
};

// Creates the port, its tables (memory objects charged to the own job) and binds it to the loop.
TS_MUST_USE ts_status_t ts_server_init(struct ts_server *server, struct ts_loop *loop,
                                       const struct ts_server_limits *limits);

// Ends the port: clients get TS_ERR_PEER_CLOSED; kept requests are gone; `closed` is not called.
void ts_server_fini(struct ts_server *server);

// Mints an object outside of a request: a root. It counts for no client.
TS_MUST_USE ts_status_t ts_object_mint(struct ts_server *server, struct ts_object *object,
                                       ts_rights_t rights, ts_handle_t *out_handle);

// The server's pulse: an object that says nothing but that the loop goes round (get ALIVE), for
// the program that watches the server and for no other. One of limits.requests is its own from now
// on, so that it is answered however full the others are. Once.
TS_MUST_USE ts_status_t ts_server_pulse(struct ts_server *server, ts_handle_t *out_handle);

// Clears, then sets signals; only a change costs anything. Seen by clients after answers that are
// given later.
void ts_object_signal(struct ts_object *object, ts_signals_t clear, ts_signals_t set);

// Makes all handles to it dead; `closed` follows from the loop.
void ts_object_revoke(struct ts_object *object);

// For back-ends: calls the handler.
void ts_request_dispatch(struct ts_request *request);
