// SPDX-License-Identifier: MIT
// What a domain is, for its two halves: domain.c, and domain_end.c, which has these.
#pragma once

#include <object/device_hold.h>
#include <object/domain.h>

struct domain {
    struct object object;
    struct device *device; // under domain_lock; NULL: it was ended, or its last handle has closed
    struct device_hold hold;
};

static inline struct domain *domain_of(struct object *object)
{
    return list_entry(object, struct domain, object);
}

// The device is quiet: nothing that is in quarantine now can be written any more. What comes there
// while this goes on stays. TS_ERR_GONE: the domain has ended.
TS_MUST_USE ts_status_t domain_quiet(struct domain *domain);

// The device is quiet and its driver has given it up, living or not: nobody uses it, or this is
// refused (TS_ERR_BUSY). A handle that is left can do no more with it. TS_ERR_GONE: it has ended.
TS_MUST_USE ts_status_t domain_end(struct domain *domain);

// The last handle closed: nobody can say any more that the device is quiet. Once for each domain,
// which has no device from here on, and whose device reaches nothing by it.
void domain_unhandled(struct object *domain);
