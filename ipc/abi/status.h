// SPDX-License-Identifier: MIT
// Status codes, made from status.def.
#pragma once

enum ts_status {
#define TS_STATUS(name, number, meaning) TS_##name = (number),
#include <tessera/abi/status.def>
#undef TS_STATUS
};
