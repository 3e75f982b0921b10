// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/abi/bootstrap.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/mutex.h>
#include <tessera/lib/op.h>
#include <tessera/lib/spawn.h>
#include <tessera/proto/init.h>
#include <unistd.h>
#include "core/posix.h"
#include "file/path.h"
#include "process/program.h"

#define ENVIRONMENT_MAX 1024
#define SCRIPT_DEPTH    4

// The handles of one child: names of descriptors are made here.
struct handles {
    struct ts_spawn_handle list[TS_SPAWN_HANDLES_MAX];
    char names[TS_SPAWN_HANDLES_MAX][8];
    uint32_t count;
};

static int add(struct handles *handles, const char *name, ts_handle_t handle, ts_rights_t rights)
{
    if (handles->count == TS_SPAWN_HANDLES_MAX) {
        return EMFILE;
    }
    handles->list[handles->count++] =
        (struct ts_spawn_handle){.name = name, .handle = handle, .rights = rights};
    return 0;
}

// Descriptors 0 to 2 have names that native programs know too.
static int add_files(struct handles *handles, const struct program *program)
{
    static const char *const standard[] = {TS_NAME_IN, TS_NAME_OUT, TS_NAME_ERR};
    for (size_t i = 0; i < program->file_count; i++) {
        const struct program_file *f = &program->files[i];
        const char *name = standard[f->number < 3 ? f->number : 0];
        if (handles->count == TS_SPAWN_HANDLES_MAX) {
            return EMFILE;
        }
        if (f->number >= 3) {
            char *own = handles->names[handles->count];
            snprintf(own, sizeof(handles->names[0]), "fd%d", f->number);
            name = own;
        }
        int error = add(handles, name, f->file->handle, TS_RIGHTS_SAME);
        if (error) {
            return error;
        }
    }
    return 0;
}

// Names that mean the process itself, that ts_spawn gives, or that are descriptors.
static bool own_name(const char *name)
{
    static const char *const names[] = {TS_NAME_PROCESS, TS_NAME_THREAD, TS_NAME_JOB, TS_NAME_CLOCK,
                                        TS_NAME_IN,      TS_NAME_OUT,    TS_NAME_ERR, TS_NAME_INIT};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!strcmp(name, names[i])) {
            return true;
        }
    }
    return name[0] == 'f' && name[1] == 'd' && name[2] >= '0' && name[2] <= '9';
}

static int add_named(struct handles *handles, const struct program *program)
{
    const ts_rights_t needed = TS_RIGHT_DUPLICATE | TS_RIGHT_TRANSFER;
    const char *name;
    ts_handle_t handle;
    for (uint32_t i = 0; ts_named_handle_at(i, &name, &handle); i++) {
        ts_rights_t rights;
        if (own_name(name) || ts_rights(handle, &rights) != TS_OK || (rights & needed) != needed) {
            continue;
        }
        if (program->rights != NULL) {
            rights &= (ts_rights_t)program->rights(program->path, name);
        }
        int error = add(handles, name, handle, rights);
        if (error) {
            return error;
        }
    }
    return 0;
}

// The environment with PWD set to the working directory, so that the child begins there.
static int environment_with(char *const *from, char *directory, size_t capacity, const char **out)
{
    memcpy(directory, "PWD=", 4);
    if (getcwd(directory + 4, capacity - 4) == NULL) {
        return errno;
    }
    size_t count = 0;
    out[count++] = directory;
    for (; from != NULL && *from != NULL; from++) {
        if (!strncmp(*from, "PWD=", 4)) {
            continue;
        }
        if (count == ENVIRONMENT_MAX - 1) {
            return E2BIG;
        }
        out[count++] = *from;
    }
    out[count] = NULL;
    return 0;
}

static int image_open(const char *path, ts_handle_t *out_image)
{
    struct posix_path resolved;
    int error = posix_path_resolve(AT_FDCWD, path, &resolved);
    return error ? error : posix_path_open(&resolved, O_RDONLY, out_image);
}

static int spawn_image(const struct program *program, const char *const *arguments,
                       ts_handle_t image, ts_handle_t *out_process)
{
    static const char *environment[ENVIRONMENT_MAX]; // large: not on the stack
    static struct ts_mutex mutex;
    char directory[TS_PATH_MAX + 8];
    struct handles handles = {.count = 0};
    const char *slash = strrchr(program->path, '/');
    int error = add_files(&handles, program);
    error = error ? error : add_named(&handles, program);
    if (error) {
        return error;
    }
    ts_mutex_lock(&mutex);
    error = environment_with(program->environment, directory, sizeof(directory), environment);
    if (!error) {
        struct ts_spawn spawn = {.job = program->job,
                                 .name = slash != NULL ? slash + 1 : program->path,
                                 .image = image,
                                 .arguments = arguments,
                                 .environment = environment,
                                 .handles = handles.list,
                                 .handle_count = handles.count,
                                 .give_job = true,
                                 .out_bias = program->out_bias};
        error = posix_errno(ts_spawn(&spawn, out_process));
    }
    ts_mutex_unlock(&mutex);
    return error;
}

// "#!interpreter [argument]" in the first line of a file that is not a program.
static int script_line(ts_handle_t image, char *line, size_t capacity, char **out_argument)
{
    size_t got = 0;
    if (ts_read(image, line, capacity - 1, 0, TS_DEADLINE_NONE, &got) != TS_OK || got < 3 ||
        line[0] != '#' || line[1] != '!') {
        return ENOEXEC;
    }
    line[got] = '\0';
    char *end = strchr(line, '\n');
    if (end == NULL) {
        return ENOEXEC;
    }
    *end = '\0';
    char *rest = line + 2 + strspn(line + 2, " \t");
    memmove(line, rest, strlen(rest) + 1);
    *out_argument = NULL;
    size_t word = strcspn(line, " \t");
    if (line[word]) {
        line[word] = '\0';
        *out_argument = line + word + 1 + strspn(line + word + 1, " \t");
    }
    return line[0] ? 0 : ENOEXEC;
}

static int spawn_depth(const struct program *program, ts_handle_t *out_process, int depth);

static int spawn_script(const struct program *program, ts_handle_t image, ts_handle_t *out_process,
                        int depth)
{
    char line[256], *argument;
    int error = script_line(image, line, sizeof(line), &argument);
    if (error || depth == 0) {
        return error ? error : ELOOP;
    }
    size_t count = 0;
    while (program->arguments[count] != NULL) {
        count++;
    }
    char **arguments = malloc((count + 4) * sizeof(*arguments));
    if (arguments == NULL) {
        return ENOMEM;
    }
    size_t n = 0;
    arguments[n++] = line;
    if (argument != NULL && *argument) {
        arguments[n++] = argument;
    }
    arguments[n++] = (char *)(uintptr_t)program->path;
    for (size_t i = 1; i < count; i++) {
        arguments[n++] = program->arguments[i];
    }
    arguments[n] = NULL;
    struct program interpreter = *program;
    interpreter.path = line;
    interpreter.arguments = arguments;
    error = spawn_depth(&interpreter, out_process, depth - 1);
    free(arguments);
    return error;
}

static int spawn_depth(const struct program *program, ts_handle_t *out_process, int depth)
{
    ts_handle_t image;
    int error = image_open(program->path, &image);
    if (error) {
        return error;
    }
    error = spawn_image(program, (const char *const *)program->arguments, image, out_process);
    if (error == ENOEXEC) {
        error = spawn_script(program, image, out_process, depth);
    }
    ts_close(image);
    return error;
}

int program_spawn(const struct program *program, ts_handle_t *out_process)
{
    return spawn_depth(program, out_process, SCRIPT_DEPTH);
}

int program_find(const char *name, char *out, size_t capacity)
{
    if (strchr(name, '/') != NULL) {
        size_t length = strlen(name);
        if (length >= capacity) {
            return ENAMETOOLONG;
        }
        memcpy(out, name, length + 1);
        return 0;
    }
    const char *path = getenv("PATH");
    int error = ENOENT;
    for (path = path != NULL ? path : "/bin"; *name && *path; path += *path == ':') {
        size_t length = strcspn(path, ":");
        int need = snprintf(out, capacity, "%.*s/%s", (int)length, path, name);
        path += length;
        if (need < 0 || (size_t)need >= capacity) {
            continue;
        }
        ts_handle_t image;
        int found = image_open(out, &image);
        if (!found) {
            ts_close(image);
            return 0;
        }
        error = found != ENOENT && found != ENOTDIR ? found : error; // it is there, but not so
    }
    return error;
}
