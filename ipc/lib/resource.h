// SPDX-License-Identifier: MIT
// System resources: what init has, derives from and gives to those few that need it, and what
// drivers make of theirs. TS_ERR_RANGE: outside of the resource; TS_ERR_BUSY: in use elsewhere.
#pragma once

#include <tessera/abi/object.h>
#include <tessera/lib/op.h>

// A smaller resource of the same kind.
TS_MUST_USE ts_status_t ts_resource_derive(ts_handle_t resource, uint64_t base, uint64_t length,
                                           ts_handle_t *out_resource);

// The same; what is made of it is the device's whose domain this is: nobody else gets that device
// before it is gone. TS_ERR_GONE: the domain has ended.
TS_MUST_USE ts_status_t ts_resource_bind(ts_handle_t resource, uint64_t base, uint64_t length,
                                         ts_handle_t domain, ts_handle_t *out_resource);

// PHYSICAL: device memory [base, base + length), page-aligned; cache: enum ts_cache.
TS_MUST_USE ts_status_t ts_resource_memory(ts_handle_t resource, uint64_t base, uint64_t length,
                                           unsigned cache, ts_handle_t *out_memory);

// INTERRUPT: a line, or a message vector with where the device must write what.
TS_MUST_USE ts_status_t ts_resource_line(ts_handle_t resource, uint32_t number, unsigned flags,
                                         ts_handle_t *out_interrupt);
TS_MUST_USE ts_status_t ts_resource_message(ts_handle_t resource, uint32_t device,
                                            struct ts_interrupt_message *out_message,
                                            ts_handle_t *out_interrupt);

// IO: a part of the machine's I/O space; then single accesses of 1, 2 or 4 bytes at `port` of the
// range, or strings.
TS_MUST_USE ts_status_t ts_resource_io_range(ts_handle_t resource, uint64_t base, uint64_t length,
                                             ts_handle_t *out_range);
TS_MUST_USE ts_status_t ts_io_read(ts_handle_t range, uint16_t port, unsigned width,
                                   uint32_t *out_value);
TS_MUST_USE ts_status_t ts_io_write(ts_handle_t range, uint16_t port, unsigned width,
                                    uint32_t value);

// DOMAIN: what one device may reach. Pins hold while the domain does; addresses: one a page.
TS_MUST_USE ts_status_t ts_resource_domain(ts_handle_t resource, uint64_t device,
                                           ts_handle_t *out_domain);
TS_MUST_USE ts_status_t ts_domain_pin(ts_handle_t domain, ts_handle_t memory, uint64_t offset,
                                      uint64_t length, uint64_t *addresses, size_t count);
TS_MUST_USE ts_status_t ts_domain_unpin(ts_handle_t domain, ts_handle_t memory, uint64_t offset,
                                        uint64_t length);
TS_MUST_USE ts_status_t ts_domain_drive(ts_handle_t domain); // answers for the device, as by pin
TS_MUST_USE ts_status_t ts_domain_quiet(ts_handle_t domain);
TS_MUST_USE ts_status_t ts_domain_end(ts_handle_t domain);
TS_MUST_USE ts_status_t ts_domain_state(ts_handle_t domain, struct ts_domain_state *out_state);

// SYSTEM: the battery-backed clock, and what the clock page says of the realtime.
TS_MUST_USE ts_status_t ts_system_rtc_read(ts_handle_t resource, struct ts_rtc *out_rtc);
TS_MUST_USE ts_status_t ts_system_rtc_write(ts_handle_t resource, int64_t seconds);
TS_MUST_USE ts_status_t ts_system_clock_set(ts_handle_t resource,
                                            const struct ts_clock_setting *setting);

// SYSTEM: does not return on success.
TS_MUST_USE ts_status_t ts_system_power_off(ts_handle_t resource, uint32_t status);
TS_MUST_USE ts_status_t ts_system_restart(ts_handle_t resource);
