// SPDX-License-Identifier: MIT
// What firmware says that only programs for this machine understand; part of the boot information.
#pragma once

#include <stdint.h>

struct ts_firmware {
    uint64_t reserved;
};
