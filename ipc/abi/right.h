// SPDX-License-Identifier: MIT
// Rights of a handle, made from right.def.
#pragma once

enum ts_right {
#define TS_RIGHT(name, bit, meaning) TS_RIGHT_##name = 1 << (bit),
#include <tessera/abi/right.def>
#undef TS_RIGHT
};

#define TS_RIGHTS_ALL 0x07ff
// Asked for where "whatever I may have" is meant; the kernel cuts it to what is granted.
#define TS_RIGHTS_SAME 0x07ff
