// SPDX-License-Identifier: MIT
// A virtio device of the time before version 1 (0.9.5) as a PCI function: its registers are the
// ports of BAR 0 (VIRTIO 1.2 section 4.1.4.10).
#pragma once

#include <drivers/virtio/function.h>

// As virtio_function_open, for such a device. TS_ERR_UNSUPPORTED: it is none.
TS_MUST_USE ts_status_t virtio_legacy_open(struct virtio_function *f, ts_handle_t handle);
