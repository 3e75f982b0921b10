// SPDX-License-Identifier: MIT
// Domains: what one device may reach by DMA.
//
// Memory has a bus address only while it is pinned in a domain; a pin keeps the memory object, and
// the object from shrinking. Pins outlive whoever made them: when that process ends, or when the
// last handle of the domain closes, they are in quarantine until a holder of MANAGE says that the
// device is quiet (TS_DOMAIN_QUIET). A domain that nobody holds any more is kept while it has pins,
// and DOMAIN_MAKE for the same device finds it again.
//
// There is no IOMMU yet: bus addresses are physical ones, and a driver that programs a device can
// reach all memory. An IOMMU driver will change pin_address() and what unpinning does, no more.
#pragma once

#include <core/object.h>

struct address_space;

extern const struct object_class domain_class;

// The one handle to the domain of a device. TS_ERR_BUSY: someone holds it; TS_ERR_MEMORY.
ts_status_t domain_make(uint64_t device, struct capability *out_domain);

// All pins made by the process that had this space go into quarantine. At the end of a process,
// before its space is freed.
void domain_owner_died(const struct address_space *space);

// Pages in quarantine, all domains.
uint64_t domain_quarantined(void);
