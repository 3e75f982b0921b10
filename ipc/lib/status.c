// SPDX-License-Identifier: MIT
#include <tessera/lib/status.h>

struct status_line {
    ts_status_t number;
    const char *name, *text;
};

static const struct status_line lines[] = {
#define TS_STATUS(name, number, meaning) {(number), #name, meaning},
#include <tessera/abi/status.def>
#undef TS_STATUS
};

static const struct status_line *find(ts_status_t status)
{
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        if (lines[i].number == status) {
            return &lines[i];
        }
    }
    return NULL;
}

const char *ts_status_name(ts_status_t status)
{
    const struct status_line *line = find(status);
    return line != NULL ? line->name : "ERR_UNKNOWN";
}

const char *ts_status_text(ts_status_t status)
{
    const struct status_line *line = find(status);
    return line != NULL ? line->text : "a status without a name";
}
