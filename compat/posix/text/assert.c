// SPDX-License-Identifier: MIT
// What a failed assertion says. The C library's own would bring a second printf into each program,
// 20 KiB of the boot archive in each.
#include <assert.h>
#include <stdlib.h>
#include <tessera/lib/log.h>
#include <unistd.h>

void __assert_func(const char *file, int line, const char *function, const char *expression)
{
    char text[400];
    size_t length = ts_format(
        text, sizeof(text), "assertion \"%s\" failed: file \"%s\", line %d%s%s\n", expression, file,
        line, function != NULL ? ", function: " : "", function != NULL ? function : "");
    (void)write(STDERR_FILENO, text, length);
    abort();
}
