// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "expand.h"
#include "shell.h"

static void set(struct files *files, int which, int fd, bool own)
{
    if (files->own[which]) {
        close(files->fd[which]);
    }
    files->fd[which] = fd;
    files->own[which] = own;
}

static bool apply(struct files *files, const struct redirection *r)
{
    static const int flags[] = {
        [REDIRECT_IN] = O_RDONLY,
        [REDIRECT_OUT] = O_WRONLY | O_CREAT | O_TRUNC,
        [REDIRECT_APPEND] = O_WRONLY | O_CREAT | O_APPEND,
    };
    if (r->kind == REDIRECT_COPY) {
        int fd = dup(files->fd[r->target[0] - '0']);
        if (fd < 0) {
            fprintf(stderr, "sh: %d>&%s: %s\n", r->fd, r->target, strerror(errno));
            return false;
        }
        set(files, r->fd, fd, true);
        return true;
    }
    char *path = expand_single(r->target, lookup);
    int fd = path != NULL ? open(path, flags[r->kind] | O_CLOEXEC, 0644) : -1;
    if (fd < 0) {
        fprintf(stderr, "sh: %s: %s\n", path != NULL ? path : r->target, strerror(errno));
        free(path);
        return false;
    }
    free(path);
    set(files, r->fd, fd, true);
    return true;
}

bool files_redirect(struct files *files, const struct command *command)
{
    for (size_t i = 0; i < command->redirection_count; i++) {
        if (!apply(files, &command->redirections[i])) {
            return false;
        }
    }
    return true;
}

void files_close(struct files *files)
{
    for (int i = 0; i < 3; i++) {
        set(files, i, -1, false);
    }
}
