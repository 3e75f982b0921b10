// SPDX-License-Identifier: MIT
// The clock page, from which programs read the time, and the battery-backed clock.
#pragma once

#include <object/memory.h>
#include <object/transfer.h>

// Makes the page; it stays mapped, and is the kernel's alone to change. Once, at the kernel's own
// expense. A reference of the caller's.
TS_MUST_USE ts_status_t clock_page_create(struct memory **out_memory);

// The methods of the resource `system` (tessera/abi/object.h). Interrupts on.
TS_MUST_USE ts_status_t clock_rtc_read(const struct ts_call *call);
TS_MUST_USE ts_status_t clock_rtc_write(const struct ts_call *call);
TS_MUST_USE ts_status_t clock_set(const struct ts_call *call);
