// SPDX-License-Identifier: MIT
// fork, and what newlib makes of it. A process is made empty and filled by its creator: there is no
// copying of a running one (the call process_clone is reserved for that), so fork fails and exec is
// a new process for whose end the old one waits, to give its status on.
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <tessera/abi/ring.h>
#include <unistd.h>
#include "core/posix.h"
#include "process/program.h"

extern char **environ;

int execvpe(const char *, char *const[], char *const[]); // newlib: for GNU programs only

pid_t fork(void)
{
    return posix_fail(ENOSYS);
}

pid_t vfork(void)
{
    return posix_fail(ENOSYS);
}

static void follow(pid_t id)
{
    int status;
    for (int fd = 0; fd < DESCRIPTORS_MAX; fd++) { // the new program's copies are the ones in use
        close(fd);
    }
    if (waitpid(id, &status, 0) != id) {
        _exit(127);
    }
    if (WIFSIGNALED(status)) {
        posix_die(WTERMSIG(status));
    }
    _exit(WEXITSTATUS(status));
}

int execve(const char *path, char *const arguments[], char *const environment[])
{
    pid_t id;
    int error = posix_spawn(&id, path, NULL, NULL, arguments, environment);
    if (error) {
        return posix_fail(error);
    }
    follow(id);
    return -1;
}

int execv(const char *path, char *const arguments[])
{
    return execve(path, arguments, environ);
}

int execvpe(const char *name, char *const arguments[], char *const environment[])
{
    char path[TS_PATH_MAX];
    int error = program_find(name, path, sizeof(path));
    return error ? posix_fail(error) : execve(path, arguments, environment);
}

int execvp(const char *name, char *const arguments[])
{
    return execvpe(name, arguments, environ);
}

#define ARGUMENTS_MAX 256

// Collects the arguments of execl and its like; after the NULL perhaps an environment.
static int collect(char **out, const char *first, va_list rest)
{
    size_t count = 0;
    for (char *word = (char *)(uintptr_t)first; word != NULL; word = va_arg(rest, char *)) {
        if (count == ARGUMENTS_MAX - 1) {
            return posix_fail(E2BIG);
        }
        out[count++] = word;
    }
    out[count] = NULL;
    return 0;
}

int execl(const char *path, const char *first, ...)
{
    char *arguments[ARGUMENTS_MAX];
    va_list rest;
    va_start(rest, first);
    int result = collect(arguments, first, rest);
    va_end(rest);
    return result < 0 ? -1 : execv(path, arguments);
}

int execlp(const char *name, const char *first, ...)
{
    char *arguments[ARGUMENTS_MAX];
    va_list rest;
    va_start(rest, first);
    int result = collect(arguments, first, rest);
    va_end(rest);
    return result < 0 ? -1 : execvp(name, arguments);
}

int execle(const char *path, const char *first, ...)
{
    char *arguments[ARGUMENTS_MAX];
    va_list rest;
    va_start(rest, first);
    int result = collect(arguments, first, rest);
    char *const *environment = va_arg(rest, char *const *);
    va_end(rest);
    return result < 0 ? -1 : execve(path, arguments, environment);
}

int system(const char *command)
{
    char *arguments[] = {"sh", "-c", (char *)(uintptr_t)command, NULL};
    pid_t id;
    int status;
    if (command == NULL) {
        return 1;
    }
    if (posix_spawnp(&id, "sh", NULL, NULL, arguments, environ) != 0) {
        return 127 << 8;
    }
    return waitpid(id, &status, 0) == id ? status : -1;
}

// ---- popen

struct piped {
    struct piped *next;
    FILE *stream;
    pid_t id;
};

static struct piped *streams;

static int popen_spawn(const char *command, int end, int child_end, int child_fd, pid_t *out_id)
{
    char *arguments[] = {"sh", "-c", (char *)(uintptr_t)command, NULL};
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);
    if (error) {
        return error;
    }
    error = posix_spawn_file_actions_adddup2(&actions, child_end, child_fd);
    error = error ? error : posix_spawn_file_actions_addclose(&actions, child_end);
    error = error ? error : posix_spawn_file_actions_addclose(&actions, end);
    error = error ? error : posix_spawnp(out_id, "sh", &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

FILE *popen(const char *command, const char *mode)
{
    int ends[2];
    bool reads = mode[0] == 'r';
    struct piped *piped = malloc(sizeof(*piped));
    if (piped == NULL || pipe(ends) < 0) {
        free(piped);
        return NULL;
    }
    int own = ends[reads ? 0 : 1], child = ends[reads ? 1 : 0];
    int error = popen_spawn(command, own, child, reads ? 1 : 0, &piped->id);
    close(child);
    piped->stream = error ? NULL : fdopen(own, reads ? "r" : "w");
    if (piped->stream == NULL) {
        close(own);
        free(piped);
        posix_fail(error ? error : ENOMEM);
        return NULL;
    }
    piped->next = streams;
    streams = piped;
    return piped->stream;
}

int pclose(FILE *stream)
{
    int status = -1;
    for (struct piped **at = &streams; *at != NULL; at = &(*at)->next) {
        struct piped *piped = *at;
        if (piped->stream == stream) {
            *at = piped->next;
            fclose(stream);
            waitpid(piped->id, &status, 0);
            free(piped);
            return status;
        }
    }
    return posix_fail(ECHILD);
}
