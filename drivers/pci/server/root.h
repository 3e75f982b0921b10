// SPDX-License-Identifier: MIT
// The PCI server's root and its sessions: listing and opening functions.
#pragma once

#include "device.h"

// Makes the root object and gives its handle.
TS_MUST_USE ts_status_t root_create(struct bus *bus, ts_handle_t *out_root);
