// SPDX-License-Identifier: MIT
// Domains: what one device may reach by DMA.
//
// Memory has a bus address only while it is pinned in a domain; a pin keeps the memory object, and
// the object from shrinking. Pins outlive their maker: when that process ends, or when the
// last handle of the domain closes, they are in quarantine until a holder of MANAGE says that the
// device is quiet (TS_DOMAIN_QUIET). A device that nobody holds any more is remembered while it has
// pins, and the maker of a new domain for it finds them in quarantine.
//
// A device is used by what gives access to it: memory over its registers, which every mapping
// keeps; I/O ranges; interrupts; resources from which these can be made. Each counts as a use until
// its body is destroyed. While there is one, in any hands, no domain is made for the device,
// and its domain does not end: so the maker of a domain knows that no other reaches the device.
//
// Where an IOMMU holds the device (device_hold.h) it reaches its pins and nothing else, and at the
// end of its driver it is blocked and its pins are released at once: no quarantine. Elsewhere a
// driver that programs a device can reach all memory. Bus addresses are physical ones.
#pragma once

#include <core/object.h>

extern const struct object_class domain_class;

// The one handle to the domain of a device. TS_ERR_BUSY: someone holds it or uses the device;
// TS_ERR_LIMIT: 4096 devices are held, are used or have pins; TS_ERR_MEMORY.
TS_MUST_USE ts_status_t domain_make(uint64_t device, struct handle *out_domain);

// The device of this domain, with a use of it, for device_unuse() (device.h). TS_ERR_KIND: it is no
// domain; TS_ERR_GONE: it has ended, or its last handle has closed.
struct device;
TS_MUST_USE ts_status_t domain_use(struct object *domain, struct device **out_device);

// Some pins of a process that has ended, by its list of them, go into quarantine: until false. No
// thread of it runs any more.
bool domain_owner_died_some(struct list *pins);

// After these: what the process with this space drove is blocked, where an IOMMU holds it, and some
// of its pins are released; in the end nobody drives it any more. Until false.
struct address_space;
bool domain_driver_died_some(const struct address_space *space);

// Pages in quarantine, all domains.
uint64_t domain_quarantined(void);

// As kernel_dma_fault() of <arch/hooks.h>.
struct dma_fault;
void domain_fault(const struct dma_fault *fault);
