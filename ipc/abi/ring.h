// SPDX-License-Identifier: MIT
// The shared layout of a ring, of submissions, events and calls.
//
// A ring is one mapping: the header (512 bytes), `submissions` x struct ts_submission, then
// `events` x struct ts_event. Indices run free modulo 2^32; a slot is index & (size - 1). Each
// side reads the other's index once a batch and clamps what it says.
#pragma once

#include <tessera/abi/types.h>
#include <tessera/abi/word.h>

#define TS_RING_VERSION 1u
#define TS_RING_PENDING 1u // flags: events wait in the kernel for room; enter to receive them

#define TS_RING_MIN 8u
#define TS_RING_MAX 4096u

struct ts_ring {
    uint32_t version; // line 0: the kernel writes
    uint32_t flags;
    uint32_t submissions;
    uint32_t events;
    uint32_t reserved0[12];
    uint32_t submit_tail; // line 1: the user writes
    uint32_t reserved1[15];
    uint32_t submit_head; // line 2: the kernel writes
    uint32_t reserved2[15];
    uint32_t event_tail; // line 3: the kernel writes
    uint32_t reserved3[15];
    uint32_t event_head; // line 4: the user writes
    uint32_t reserved4[15];
    uint32_t reserved5[48];
};
_Static_assert(sizeof(struct ts_ring) == 512, "ring header");

struct ts_submission {
    uint8_t op, flags;
    uint16_t rights; // asked for the resulting handle
    uint32_t handle;
    uint64_t user_data;
    uint64_t address;
    uint32_t length, aux;
    uint64_t offset, arg, arg2, deadline;
};
_Static_assert(sizeof(struct ts_submission) == 64, "submission");

enum ts_event_kind {
    TS_EVENT_COMPLETION = 1, // status, value, extra of an own submission
    TS_EVENT_REQUEST = 2,    // a client asks
    TS_EVENT_CANCEL = 3,     // the client of `value` wants it to end, or is gone; a reply is due
    TS_EVENT_CLOSED = 4,     // the last handle of oid is gone; the oid is free now
    TS_EVENT_POST = 5,       // posted by a thread of this process
};

#define TS_EVENT_MORE     1u // flags: a multishot operation goes on
#define TS_EVENT_OWN      2u // the handle came home: value = oid, extra = tag
#define TS_EVENT_REDIRECT 4u // open: extra = bytes of the path consumed; go on at the handle
// Those of REQUEST are the operation's: ts_event_op_flags().

struct ts_event {
    uint64_t user_data; // the submission's; for REQUEST, CANCEL, CLOSED the binding's cookie
    union {
        int32_t status;
        uint32_t client; // REQUEST: the client's number
    };
    uint8_t kind, op;
    uint16_t flags;
    uint64_t value; // REQUEST, CANCEL: request id
    uint64_t extra; // REQUEST: arg (property, method, open flags)
    // A completion ends here: the kernel writes 32 bytes. The rest is for REQUEST, CANCEL, CLOSED.
    uint64_t tag;
    uint32_t oid;
    uint16_t rights; // the handle's; cut to those asked where a handle results
    uint8_t in_handles, out_handles;
    uint32_t length; // bytes of the client that can be pulled
    uint32_t room;   // bytes the client accepts
    uint64_t offset;
};
_Static_assert(sizeof(struct ts_event) == 64, "event");
_Static_assert(offsetof(struct ts_event, tag) == 32, "a completion is half an event");

#define TS_CALL_HANDLES 4u

// What call, share, rename and link point to (address; length = sizeof). Read once at issue;
// out_handle is written at completion (0 where none came).
struct ts_call {
    uint64_t in_address, out_address;
    uint32_t in_length, out_length, method;
    uint8_t in_handles, out_handles;
    uint16_t reserved;
    uint32_t in_handle[TS_CALL_HANDLES], out_handle[TS_CALL_HANDLES];
};
_Static_assert(sizeof(struct ts_call) == 64, "call");

#define TS_SEGMENTS_MAX 16u
struct ts_segment {
    uint64_t address, length;
};

#define TS_LENGTH_MAX    0x7fffffffu // bytes in one operation
#define TS_PATH_MAX      4096u
#define TS_COMPONENT_MAX 255u
#define TS_REDIRECTS_MAX 32u

// Operations on a port (system call op, or submissions with `handle` = the port):
//   reply   arg = request id, offset = value, address/length = bytes pushed to the start of the
//           client's range, aux = oid or handle, arg2 = ts_reply_word(status, result),
//           rights = granted, deadline = tag for MINT. By system call op the fields that have no
//           register come from struct ts_reply: address = it, length = sizeof.
//   pull    arg = request id, address, length, offset in the client's range; value = bytes
//   push    the same, to the client
//   take    arg = request id, offset = index; value = handle, or event flag OWN as below
//   mint    arg = oid (| TS_MINT_RESERVE), offset = tag, rights; value = the first handle
//   signal  arg = oid, offset = clear | set << 32
//   revoke  arg = oid
enum ts_reply_result {
    TS_REPLY_NONE = 0,     // no handle
    TS_REPLY_MOVE = 1,     // aux: a handle of the server, which is moved to the client
    TS_REPLY_MINT = 2,     // aux: a free oid, becomes an object with `tag`; same session
    TS_REPLY_OWN = 3,      // aux: an oid in use; the client gets a further handle to it
    TS_REPLY_REDIRECT = 4, // as MOVE; value = bytes of the path consumed
};

// reply_wait can mint: its status is ts_reply_word(TS_OK, TS_REPLY_MINT) then, its address the tag,
// and its length ts_reply_object(oid, rights, signals).

struct ts_reply {
    uint64_t id;
    int32_t status;
    uint32_t result; // enum ts_reply_result
    uint64_t value;
    uint64_t address;
    uint32_t length;
    uint32_t object; // oid or handle
    uint64_t tag;
    uint16_t rights;
    uint16_t signals;    // MINT: of those below 16, what the new object has from its start
    uint32_t handles[3]; // call: further handles moved to out_handle[1..3]; 0 = none
};
_Static_assert(sizeof(struct ts_reply) == 64, "reply");

// The object has the port's reserve: a slot that takes its requests alone, one at a time.
#define TS_MINT_RESERVE (UINT64_C(1) << 32)

// take by system call op: an own object comes as value = oid | TS_TAKE_OWN, its tag in the struct
// at address (length = sizeof), which may be 0 for a caller that does not pass own objects.
#define TS_TAKE_OWN (UINT64_C(1) << 63)
struct ts_taken {
    uint64_t tag;
    uint32_t oid;
    uint16_t rights, reserved;
};

#define TS_PORT_REQUESTS_MAX 65536u
#define TS_PORT_OBJECTS_MAX  (1u << 20)
#define TS_PORT_INBOX_MAX    4096u
