// SPDX-License-Identifier: MIT
// Words that hold several fields: a packer for each, and an unpacker for each field. Nobody else
// shifts. Where a field of one side is named in a comment of this folder as `a | b << 32`, its
// functions are here.
//
// A packer does not cut what is too large, but for what C converts to its parameter's type; an
// unpacker gives its field alone.
#pragma once

#include <tessera/abi/types.h>

// Two words of 32 bits: most of those below are one.
static inline uint64_t ts_pair(uint32_t low, uint32_t high)
{
    return (uint64_t)high << 32 | low;
}

static inline uint32_t ts_pair_low(uint64_t pair)
{
    return (uint32_t)pair;
}

static inline uint32_t ts_pair_high(uint64_t pair)
{
    return (uint32_t)(pair >> 32);
}

// The first register of the system call op, and the first word of a submission: an operation
// (enum ts_operation), TS_FLAG_*, the rights asked for a resulting handle, and a handle.
#define TS_OP_WORD(op, flags, rights, handle) /* in constant expressions */ \
    ((uint64_t)(op) | (uint64_t)(flags) << 8 | (uint64_t)(rights) << 16 | (uint64_t)(handle) << 32)

static inline uint64_t ts_op_word(uint8_t op, uint8_t flags, ts_rights_t rights, ts_handle_t handle)
{
    return TS_OP_WORD(op, flags, rights, handle);
}

static inline uint8_t ts_op_word_op(uint64_t word)
{
    return (uint8_t)word;
}

static inline uint8_t ts_op_word_flags(uint64_t word)
{
    return (uint8_t)(word >> 8);
}

static inline ts_rights_t ts_op_word_rights(uint64_t word)
{
    return (ts_rights_t)(word >> 16);
}

static inline ts_handle_t ts_op_word_handle(uint64_t word)
{
    return ts_pair_high(word);
}

// The first register of the system call create: a kind (enum ts_kind), flags of 24 bits, a handle.
static inline uint64_t ts_create_word(uint8_t kind, uint32_t flags, ts_handle_t handle)
{
    return ts_pair(flags << 8 | kind, handle);
}

static inline uint8_t ts_create_word_kind(uint64_t word)
{
    return (uint8_t)word;
}

static inline uint32_t ts_create_word_flags(uint64_t word)
{
    return ts_pair_low(word) >> 8;
}

static inline ts_handle_t ts_create_word_handle(uint64_t word)
{
    return ts_pair_high(word);
}

// The last register of the system call thread_start: a priority, TS_PRIORITY_*, and flags.
static inline uint64_t ts_priority_word(uint8_t priority, uint64_t flags)
{
    return flags << 8 | priority;
}

static inline uint8_t ts_priority_word_priority(uint64_t word)
{
    return (uint8_t)word;
}

static inline uint64_t ts_priority_word_flags(uint64_t word)
{
    return word >> 8;
}

// A handle: where it stands in its process's table, and how often that place was used.
#define TS_HANDLE_SLOT_BITS 20

static inline ts_handle_t ts_handle_make(uint32_t slot, uint32_t generation)
{
    return generation << TS_HANDLE_SLOT_BITS | slot;
}

static inline uint32_t ts_handle_slot(ts_handle_t handle)
{
    return handle & ((1u << TS_HANDLE_SLOT_BITS) - 1);
}

static inline uint32_t ts_handle_generation(ts_handle_t handle)
{
    return handle >> TS_HANDLE_SLOT_BITS;
}

// A request id: its slot in the port, and how often that was used. 0 is no request's.
static inline uint64_t ts_request_id(uint32_t slot, uint32_t generation)
{
    return ts_pair(slot, generation);
}

static inline uint32_t ts_request_id_slot(uint64_t id)
{
    return ts_pair_low(id);
}

static inline uint32_t ts_request_id_generation(uint64_t id)
{
    return ts_pair_high(id);
}

// What open, create and remove are given as arg: TS_OPEN_*, and the protocol's kind of object.
static inline uint64_t ts_open_arg(uint32_t flags, uint32_t kind)
{
    return ts_pair(flags, kind);
}

static inline uint32_t ts_open_arg_flags(uint64_t arg)
{
    return ts_pair_low(arg);
}

static inline uint32_t ts_open_arg_kind(uint64_t arg)
{
    return ts_pair_high(arg);
}

// The value of open by system call, which has no event to say so, for a REDIRECT: the handle, and
// how many bytes of the path it stands for. Without one the value is the handle alone.
#define TS_OPEN_REDIRECTED (UINT64_C(1) << 63)

static inline uint64_t ts_open_redirect(ts_handle_t handle, uint32_t consumed)
{
    return ts_pair(handle, consumed & 0x7fffffffu) | TS_OPEN_REDIRECTED;
}

static inline uint32_t ts_open_redirect_consumed(uint64_t value)
{
    return ts_pair_high(value) & 0x7fffffffu;
}

// A REQUEST event's flags: the operation's TS_FLAG_*.
static inline uint16_t ts_event_request_flags(uint8_t flags)
{
    return (uint16_t)(flags << 8);
}

static inline uint8_t ts_event_op_flags(uint16_t event_flags)
{
    return (uint8_t)(event_flags >> 8);
}

// The offset of signal on a port: what becomes of an object's signals, first cleared, then set.
static inline uint64_t ts_signal_change(ts_signals_t clear, ts_signals_t set)
{
    return ts_pair(clear, set);
}

static inline ts_signals_t ts_signal_change_clear(uint64_t change)
{
    return ts_pair_low(change);
}

static inline ts_signals_t ts_signal_change_set(uint64_t change)
{
    return ts_pair_high(change);
}

// arg2 of reply by submission: a status, and enum ts_reply_result.
static inline uint64_t ts_reply_word(ts_status_t status, uint32_t result)
{
    return ts_pair((uint32_t)status, result);
}

TS_MUST_USE static inline ts_status_t ts_reply_word_status(uint64_t word)
{
    return (ts_status_t)ts_pair_low(word);
}

static inline uint32_t ts_reply_word_result(uint64_t word)
{
    return ts_pair_high(word);
}

// The last register of reply_wait that mints: an oid, the rights of its first handle, and its
// signals, of those below 16.
static inline uint64_t ts_reply_object(uint32_t oid, ts_rights_t rights, uint16_t signals)
{
    return ts_pair(oid, (uint32_t)signals << 16 | rights);
}

static inline uint32_t ts_reply_object_oid(uint64_t word)
{
    return ts_pair_low(word);
}

static inline ts_rights_t ts_reply_object_rights(uint64_t word)
{
    return (ts_rights_t)ts_pair_high(word);
}

static inline uint16_t ts_reply_object_signals(uint64_t word)
{
    return (uint16_t)(ts_pair_high(word) >> 16);
}

// A function of a PCI bus, as resources, domains and faults name it.
static inline uint32_t ts_device_id(uint16_t segment, uint8_t bus, uint8_t slot, uint8_t function)
{
    return (uint32_t)segment << 16 | (uint32_t)bus << 8 | (uint32_t)slot << 3 | function;
}

static inline uint16_t ts_device_id_segment(uint32_t id)
{
    return (uint16_t)(id >> 16);
}

static inline uint8_t ts_device_id_bus(uint32_t id)
{
    return (uint8_t)(id >> 8);
}

static inline uint8_t ts_device_id_slot(uint32_t id)
{
    return id >> 3 & 31;
}

static inline uint8_t ts_device_id_function(uint32_t id)
{
    return id & 7;
}
