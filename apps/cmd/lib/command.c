// SPDX-License-Identifier: MIT
#include "command.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const char *name, *usage_text;

void command_begin(int argc, char **argv, const char *usage)
{
    name = argc > 0 ? command_base(argv[0]) : "command";
    usage_text = usage;
    if (argc == 2 && !strcmp(argv[1], "--help")) {
        printf("usage: %s", usage);
        exit(command_end(0));
    }
}

_Noreturn void command_usage(void)
{
    fprintf(stderr, "usage: %s", usage_text);
    exit(2);
}

int command_error(const char *what)
{
    int error = errno;
    fflush(stdout);
    fprintf(stderr, "%s: %s: %s\n", name, what, strerror(error));
    return 1;
}

int command_status(const char *what, ts_status_t status)
{
    fflush(stdout);
    fprintf(stderr, "%s: %s: %s\n", name, what, ts_status_text(status));
    return 1;
}

unsigned command_options(int argc, char **argv, const char *letters, int *index)
{
    unsigned found = 0;
    int i = 1;
    for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
        if (!strcmp(argv[i], "--")) {
            i++;
            break;
        }
        for (const char *c = argv[i] + 1; *c; c++) {
            const char *at = strchr(letters, *c);
            if (at == NULL) {
                bool long_one = argv[i][1] == '-';
                fprintf(stderr, "%s: unknown option: %s%.*s\n", name, long_one ? "" : "-",
                        long_one ? INT_MAX : 1, long_one ? argv[i] : c);
                command_usage();
            }
            found |= 1u << (at - letters);
        }
    }
    *index = i;
    return found;
}

void command_no_arguments(int argc, char **argv)
{
    if (argc > 1) {
        fprintf(stderr, "%s: unexpected argument '%s'\n", name, argv[1]);
        command_usage();
    }
}

int command_each(int argc, char **argv, int index,
                 int (*each)(FILE *file, const char *name, void *context), void *context)
{
    int status = 0;
    if (index >= argc) {
        return each(stdin, "-", context);
    }
    for (; index < argc; index++) {
        if (!strcmp(argv[index], "-")) {
            status |= each(stdin, "-", context);
            continue;
        }
        FILE *file = fopen(argv[index], "r");
        if (file == NULL) {
            status |= command_error(argv[index]);
            continue;
        }
        status |= each(file, argv[index], context);
        fclose(file);
    }
    return status;
}

int command_end(int status)
{
    if (fflush(stdout) == EOF || ferror(stdout)) {
        fprintf(stderr, "%s: cannot write: %s\n", name, strerror(errno));
        return 1;
    }
    return status;
}

bool command_number(const char *text, uint64_t max, uint64_t *out)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || value > max) {
        return false;
    }
    *out = value;
    return true;
}

char *command_join(const char *directory, const char *file)
{
    size_t length = strlen(directory);
    char *path = malloc(length + strlen(file) + 2);
    if (path == NULL) {
        exit(command_error(file));
    }
    strcpy(path, directory);
    if (length && path[length - 1] != '/') {
        path[length++] = '/';
    }
    strcpy(path + length, file);
    return path;
}

const char *command_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}
