// SPDX-License-Identifier: MIT
// Pipes: bounded buffers of bytes between programs, served by apps/srv/pipes.
//
//   session     call(MAKE) -> two handles; open("null"), open("zero") -> stream; get(ALIVE)
//   read end    read: waits for bytes, takes what is there; 0 = the end: no writer is left.
//               NOWAIT (of the operation or in STATUS_FLAGS): TS_ERR_AGAIN
//   write end   write: waits for room. Up to TS_PIPE_ATOMIC bytes go in together; of a longer write
//               the client gets a short count and goes on. TS_ERR_PEER_CLOSED: no reader is left
//   both        get: STATUS_FLAGS, ATTRIBUTES (type STREAM), TS_PROPERTY_PIPE_BYTES; set:
//               STATUS_FLAGS
//
// Signals: READABLE a read would not wait (bytes, or the end); WRITABLE a write of TS_PIPE_ATOMIC
// bytes would not; CLOSED the other end is gone.
// Bytes leave the buffer only when the reply that carries them succeeded.
//
// TS_ERR_LIMIT: the client has its share of pipes (MAKE), or of the reads and writes that wait.
#pragma once

#include <tessera/abi/object.h>
#include <tessera/abi/types.h>

#define TS_NAME_PIPE "pipe" // the named handle, by convention

#define TS_PIPE_MAKE   1u // out_handle[0]: read end, out_handle[1]: write end
#define TS_PIPE_SIZE   65536u
#define TS_PIPE_ATOMIC 4096u

#define TS_PROPERTY_PIPE_BYTES (TS_PROPERTY_PROTOCOL_FIRST + 0) // bytes that wait to be read
