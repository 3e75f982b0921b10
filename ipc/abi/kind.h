// SPDX-License-Identifier: MIT
// Kinds of objects, made from kind.def. The kernel tells a handle's kind; a server cannot forge it.
#pragma once

enum ts_kind {
#define TS_KIND(name, number, creatable, meaning) TS_KIND_##name = (number),
#include <tessera/abi/kind.def>
#undef TS_KIND
};
