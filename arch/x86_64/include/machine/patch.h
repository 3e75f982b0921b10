// SPDX-License-Identifier: MIT
// Instructions that not every CPU needs or has: no-ops of three bytes, over which patch_apply()
// (<machine/features.h>) writes what stands in the table of their kind, "smap" or "x87".
#pragma once

#define PATCH_PLACE(table, bytes)            \
    "771: .byte 0x0f, 0x1f, 0x00\n"          \
    ".pushsection .patch." table ", \"a\"\n" \
    ".quad 771b\n"                           \
    ".byte " bytes ", 0, 0, 0, 0, 0\n"       \
    ".popsection\n"
