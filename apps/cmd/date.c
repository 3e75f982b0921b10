// SPDX-License-Identifier: MIT
#include <time.h>
#include "command.h"

int main(int argc, char **argv)
{
    command_begin(argc, argv,
                  "date [+FORMAT]\nPrints the time (UTC). FORMAT as strftime's: +%Y-%m-%d, +%s.\n");
    const char *format = argc == 2 && argv[1][0] == '+' ? argv[1] + 1 : "%a %b %e %H:%M:%S UTC %Y";
    if (argc > 2 || (argc == 2 && argv[1][0] != '+')) {
        command_usage();
    }
    char text[256];
    time_t now = time(NULL);
    struct tm *parts = gmtime(&now);
    if (parts == NULL || (!strftime(text, sizeof(text), format, parts) && *format)) {
        command_usage();
    }
    puts(*format ? text : "");
    return command_end(0);
}
