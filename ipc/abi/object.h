// SPDX-License-Identifier: MIT
// Properties, methods and structures of kernel objects.
//
// A kernel object's methods are called with the operation call. Handles that a method *uses* are
// values in its argument structure and stay the caller's; handles that it *keeps* are sent in
// ts_call.in_handle and are moved.
#pragma once

#include <tessera/abi/right.h>
#include <tessera/abi/types.h>
#include <tessera/abi/word.h>
#include <tessera/machine/registers.h>

enum ts_property {
#define TS_PROPERTY(name, number, right, meaning) TS_PROPERTY_##name = (number),
#include <tessera/abi/property.def>
#undef TS_PROPERTY
    TS_PROPERTY_PROTOCOL_FIRST = 128
};

// open, create and remove: the flags of ts_open_arg().
#define TS_OPEN_CREATE    1u // open: make it when it is absent
#define TS_OPEN_EXCLUSIVE 2u // with CREATE: TS_ERR_EXISTS when it is there
#define TS_OPEN_TRUNCATE  4u
#define TS_OPEN_APPEND    8u
#define TS_OPEN_NOWAIT    16u
#define TS_OPEN_DIRECTORY 32u // TS_ERR_NOT_DIRECTORY when it is not one

// ---- process
#define TS_PROCESS_GIVE  1u // in_handle[0] is moved into the process; value = its number there
#define TS_PROCESS_KILL  2u // ends it with TS_EXIT_KILLED
#define TS_PROCESS_READ  3u // struct ts_process_memory: copies from the process; MANAGE
#define TS_PROCESS_WRITE 4u // struct ts_process_memory: copies to the process; MANAGE

struct ts_process_memory { // in_address/in_length = this, then (WRITE) the bytes
    uint64_t address, length;
};

enum ts_exit_reason {
    TS_EXIT_NONE = 0,   // it runs
    TS_EXIT_STATUS = 1, // it ended itself; status is its own
    TS_EXIT_FAULT = 2,  // an exception; vector, address and registers say which
    TS_EXIT_KILLED = 3, // ended from outside
    TS_EXIT_LIMIT = 4,  // touched memory over its job's limit
    TS_EXIT_DMA = 5,    // its device reached for what is not pinned: fault_address, on the bus;
                        // fault is the IOMMU's reason, fault_code 1 for a write
};

struct ts_process_report {
    uint32_t reason; // enum ts_exit_reason
    int32_t status;
    uint32_t fault; // enum ts_exception, or another of the machine's numbers
    uint32_t fault_code;
    uint64_t fault_address;
    struct ts_registers registers; // of the thread that faulted
    uint64_t backtrace[16];        // return addresses by frame pointer, 0 ends them
};

struct ts_process_statistics {
    uint64_t id; // unique while the system runs; for show only, it names nothing
    uint64_t pages, handles, threads;
    uint64_t cpu_ns, started_ns;
    uint64_t requests_issued, requests_served;
    uint32_t state; // enum ts_exit_reason: 0 = runs
    uint32_t reserved;
    char name[32];
};

// list: a record of a kernel object's listing, laid out as struct ts_file_entry of files, so that
// one loop reads both. Records follow each other at multiples of 8.
enum ts_entry_type { TS_ENTRY_FILE = 1, TS_ENTRY_DIRECTORY = 2, TS_ENTRY_OTHER = 3 };

struct ts_entry {
    uint64_t next; // cookie of what follows this entry
    uint64_t size;
    uint64_t identity;
    uint32_t type;          // enum ts_entry_type
    uint16_t record_length; // from this record to the next one
    uint16_t name_length;
    char name[]; // no final zero
};

// ---- job
// list gives an entry per process below it, named by the decimal id; open(id) gives the process.
#define TS_JOB_KILL 1u // ends every process below it

#define TS_JOB_LEVELS 32u // jobs one below the other, the root job among them

struct ts_job_limits {
    uint64_t pages, handles, threads; // 0 in create or set: leave
};

struct ts_job_statistics {
    struct ts_job_limits used, limit, peak;
    uint64_t processes;
};

struct ts_system_statistics {
    uint64_t pages_total, pages_free, pages_kernel, pages_quarantined;
    uint64_t uptime_ns, idle_ns;
    uint64_t switches, requests, copies, bytes_copied, page_allocations, faults, interrupts;
    uint64_t tombstones;
    uint64_t longest_locked_ns; // longest time with interrupts off; debug kernel, else 0
    uint32_t cpus, reserved;
    // What the pages that are not free are used for. Those that jobs are charged for, one page for
    // another but for kernel objects, which have a share of a page; the pages charged for those
    // shares; the heap's pages, in which they lie; and what is the kernel's own and in no heap.
    // pages_total - pages_free = pages_charged - pages_shares + pages_heap + pages_own.
    uint64_t pages_charged, pages_shares, pages_heap, pages_own;
    uint64_t timer_interrupts; // of timers; `interrupts` are of devices
};

// ---- memory
// read, write, get/set SIZE, and:
#define TS_MEMORY_COMMIT 1u // struct ts_memory_range: allocates the pages now
#define TS_MEMORY_VIEW   2u // struct ts_memory_range: a handle to that part alone

struct ts_memory_range {
    uint64_t offset, length;
};

// ---- port
#define TS_PORT_BIND   1u // struct ts_port_binding: the ring receives the port's events
#define TS_PORT_UNBIND 2u // struct ts_port_binding

struct ts_port_binding {
    ts_handle_t ring;
    uint32_t reserved;
    uint64_t cookie; // user_data of the port's events in that ring
};

// ---- resource
// init gets one of each; DERIVE makes smaller ones. All need MANAGE. TS_ERR_RANGE outside.
enum ts_resource_kind {
    TS_RESOURCE_PHYSICAL = 1,  // physical addresses
    TS_RESOURCE_INTERRUPT = 2, // interrupt lines below 2^16, message vectors from 2^16 on
    TS_RESOURCE_IO = 3,        // the machine's I/O space
    TS_RESOURCE_DOMAIN = 4,    // device ids (segment << 16 | bus << 8 | device << 3 | function)
    TS_RESOURCE_SYSTEM = 5,    // power off, restart, kernel debug
};

#define TS_RESOURCE_DERIVE 1u // struct ts_resource_range -> handle
#define TS_RESOURCE_MEMORY 2u // PHYSICAL: struct ts_resource_memory -> memory
#define TS_RESOURCE_LINE   3u // INTERRUPT: struct ts_resource_line -> interrupt
#define TS_RESOURCE_MESSAGE \
    4u                             // INTERRUPT: struct ts_resource_device -> interrupt; out:
                                   // struct ts_interrupt_message
#define TS_RESOURCE_IO_RANGE    5u // IO: struct ts_resource_range -> I/O range
#define TS_RESOURCE_DOMAIN_MAKE 6u // DOMAIN: struct ts_resource_range (1 device) -> domain
#define TS_RESOURCE_POWER_OFF   7u // SYSTEM: struct ts_resource_range.base = exit status
#define TS_RESOURCE_RESTART     8u // SYSTEM
#define TS_RESOURCE_BIND \
    9u // PHYSICAL, INTERRUPT, IO: struct ts_resource_binding -> handle, as DERIVE; the resource,
       // what is derived from it and all that is made of these uses the domain's device, which is
       // nobody else's until they are gone. TS_ERR_GONE: the domain has ended; TS_ERR_RIGHTS: the
       // domain's handle lacks MANAGE, or the resource is bound already

#define TS_RESOURCE_RTC_READ  10u // SYSTEM: out: struct ts_rtc
#define TS_RESOURCE_RTC_WRITE 11u // SYSTEM: struct ts_rtc
#define TS_RESOURCE_CLOCK_SET 12u // SYSTEM: struct ts_clock_setting

struct ts_resource_range {
    uint64_t base, length;
};

// The machine's battery-backed clock. To read: TS_ERR_NOT_FOUND where there is none, or one that
// was not set. To write: TS_ERR_RANGE where there is none, or the year is not one of 2000 to 2099.
struct ts_rtc {
    uint64_t monotonic_ns; // just after it was read; 0 to write
    int64_t seconds;       // since 1970-01-01 UTC
};

// What the clock page says from now on. A slew of more than an hour, or one that begins before the
// monotonic clock does, is TS_ERR_RANGE.
struct ts_clock_setting {
    int64_t realtime_offset, slew_begin, slew;
};

struct ts_resource_binding {
    uint64_t base, length;
    ts_handle_t domain;
    uint32_t reserved;
};

enum ts_cache { TS_CACHE_WRITE_BACK = 0, TS_CACHE_UNCACHED = 1, TS_CACHE_WRITE_COMBINE = 2 };

struct ts_resource_memory {
    uint64_t base, length; // page-aligned; RAM that the kernel manages is TS_ERR_RIGHTS
    uint32_t cache;        // enum ts_cache
    uint32_t reserved;
};

#define TS_LINE_LEVEL  1u
#define TS_LINE_LOW    2u // active low
#define TS_LINE_LEGACY 4u // a number of old: firmware says which line that is, and its mode

struct ts_resource_line {
    uint32_t line, flags;
};

struct ts_resource_device { // whose message it is: no other device can send it, with an IOMMU
    uint32_t device, reserved;
};

struct ts_interrupt_message {
    uint64_t address;
    uint32_t data, reserved;
};

// I/O range: read and write with offset = port from the range's start, length 1, 2 or 4. Several
// writes or reads of one port in one call: TS_IO_STRING.
#define TS_IO_STRING 1u // struct ts_io_string, then the bytes (in) or room for them (out)

struct ts_io_string {
    uint16_t port;
    uint8_t width; // 1, 2 or 4
    uint8_t write; // 0: reads into the out range
    uint32_t count;
};

// ---- domain
// A device has one domain at a time: TS_RESOURCE_DOMAIN_MAKE is TS_ERR_BUSY while another has it,
// or while something uses the device (TS_RESOURCE_BIND): memory over its registers and mappings of
// that, I/O ranges, interrupts.
#define TS_DOMAIN_PIN   1u // struct ts_domain_pin; out: one u64 bus address a page; CALL
#define TS_DOMAIN_UNPIN 2u // struct ts_domain_pin; CALL
#define TS_DOMAIN_QUIET 3u // the device is quiet: pins of dead owners are released; MANAGE
#define TS_DOMAIN_STATE 4u // out: struct ts_domain_state
#define TS_DOMAIN_DRIVE \
    5u // the caller answers for the device, as by PIN; CALL. TS_ERR_BUSY: another
       // process does, or one of the caller's threads is just beginning to
#define TS_DOMAIN_END \
    6u // the device is quiet and given up: all pins are released, and the domain
       // does no more (TS_ERR_GONE): the next driver gets another; MANAGE.
       // TS_ERR_BUSY, without effect: something uses the device

struct ts_domain_pin {
    ts_handle_t memory;
    uint32_t reserved;
    uint64_t offset, length; // page-aligned
};

struct ts_domain_state {
    uint64_t pinned, quarantined; // pages
    uint32_t flags, reserved;
};
#define TS_DOMAIN_HELD   1u // an IOMMU stops all that is not pinned
#define TS_DOMAIN_DRIVEN 2u // a process answers for the device
#define TS_DOMAIN_USED   4u // something of the device is in somebody's hands (TS_RESOURCE_BIND)

// ---- log
// read: offset is a cursor, a count of bytes since boot; extra = the next cursor, which is larger
// than offset + value when bytes were lost. 0 bytes at the end: wait for READABLE. write: a line.
// The releases answer TS_ERR_AGAIN while the kernel still shows lines that were written before.
#define TS_LOG_RELEASE_SERIAL 1u // the serial port is a driver's from now on; MANAGE
#define TS_LOG_RELEASE_SCREEN 2u // the screen is; MANAGE
