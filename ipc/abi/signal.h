// SPDX-License-Identifier: MIT
// The 32-bit signal word which every object has. Bits 16 to 31 are the object's protocol's.
#pragma once

#define TS_SIGNAL_READABLE       (1u << 0)
#define TS_SIGNAL_WRITABLE       (1u << 1)
#define TS_SIGNAL_CLOSED         (1u << 2)
#define TS_SIGNAL_ERROR          (1u << 3)
#define TS_SIGNAL_PRIORITY       (1u << 4)
#define TS_SIGNAL_EXITED         (1u << 5)
#define TS_SIGNAL_PROTOCOL_SHIFT 16
#define TS_SIGNALS_ALL           0xffff003fu
