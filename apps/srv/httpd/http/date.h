// SPDX-License-Identifier: MIT
// Dates of HTTP (RFC 9110 5.6.7) and of the common log format. Seconds since 1970-01-01 UTC.
#pragma once

#include "text.h"

#define DATE_LENGTH 29 // of an IMF-fixdate: "Sun, 06 Nov 1994 08:49:37 GMT"

void date_write(struct writer *writer, int64_t seconds);     // IMF-fixdate
void date_write_log(struct writer *writer, int64_t seconds); // "06/Nov/1994:08:49:37 +0000"

// Understands the three formats that a recipient must: IMF-fixdate, RFC 850 and asctime. `now`
// places the two-digit years of RFC 850. False when it is none of them or not a date.
bool date_parse(struct text text, int64_t now, int64_t *out_seconds);
