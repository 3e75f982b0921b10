// SPDX-License-Identifier: MIT
// posix_spawn: the list of file actions is played on a copy of the descriptor table.
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <tessera/abi/ring.h>
#include <unistd.h>
#include "core/posix.h"
#include "process/program.h"

enum action_kind { ACTION_OPEN, ACTION_DUP2, ACTION_CLOSE };

struct action {
    enum action_kind kind;
    int fd, from, flags;
    mode_t mode;
    char *path;
};

struct __posix_spawn_file_actions {
    struct action *list;
    size_t count;
};

struct __posix_spawnattr {
    short flags;
    pid_t group;
    int policy;
    struct sched_param param;
    sigset_t defaults, mask;
};

int posix_spawn_file_actions_init(posix_spawn_file_actions_t *actions)
{
    *actions = calloc(1, sizeof(**actions));
    return *actions != NULL ? 0 : ENOMEM;
}

int posix_spawn_file_actions_destroy(posix_spawn_file_actions_t *actions)
{
    for (size_t i = 0; i < (*actions)->count; i++) {
        free((*actions)->list[i].path);
    }
    free((*actions)->list);
    free(*actions);
    *actions = NULL;
    return 0;
}

static int append(posix_spawn_file_actions_t *actions, struct action action)
{
    struct __posix_spawn_file_actions *a = *actions;
    struct action *larger = realloc(a->list, (a->count + 1) * sizeof(*larger));
    if (larger == NULL || action.fd < 0 || action.fd >= DESCRIPTORS_MAX) {
        free(action.path);
        a->list = larger != NULL ? larger : a->list;
        return larger != NULL ? EBADF : ENOMEM;
    }
    a->list = larger;
    a->list[a->count++] = action;
    return 0;
}

int posix_spawn_file_actions_addopen(posix_spawn_file_actions_t *restrict actions, int fd,
                                     const char *restrict path, int flags, mode_t mode)
{
    char *copy = strdup(path);
    return copy != NULL ? append(actions, (struct action){ACTION_OPEN, fd, -1, flags, mode, copy})
                        : ENOMEM;
}

int posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *actions, int from, int fd)
{
    return append(actions, (struct action){.kind = ACTION_DUP2, .fd = fd, .from = from});
}

int posix_spawn_file_actions_addclose(posix_spawn_file_actions_t *actions, int fd)
{
    return append(actions, (struct action){.kind = ACTION_CLOSE, .fd = fd});
}

// The child's descriptors while the actions are played.
struct table {
    struct program_file files[64];
    bool kept[64]; // not close-on-exec
    size_t count;
};

static struct program_file *slot(struct table *table, int fd)
{
    for (size_t i = 0; i < table->count; i++) {
        if (table->files[i].number == fd) {
            return &table->files[i];
        }
    }
    return NULL;
}

static void table_remove(struct table *table, int fd)
{
    struct program_file *f = slot(table, fd);
    if (f == NULL) {
        return;
    }
    size_t i = (size_t)(f - table->files);
    open_file_put(f->file);
    table->count--;
    table->files[i] = table->files[table->count];
    table->kept[i] = table->kept[table->count];
}

// Takes the reference.
static int table_set(struct table *table, int fd, struct open_file *file, bool kept)
{
    table_remove(table, fd);
    if (table->count == sizeof(table->files) / sizeof(table->files[0])) {
        open_file_put(file);
        return EMFILE;
    }
    table->files[table->count] = (struct program_file){fd, file};
    table->kept[table->count++] = kept;
    return 0;
}

static int table_init(struct table *table)
{
    struct open_file *file;
    bool close_on_spawn;
    for (int fd = 0; (fd = descriptor_next(fd, &file, &close_on_spawn)) >= 0; fd++) {
        int error = table_set(table, fd, file, !close_on_spawn);
        if (error) {
            return error;
        }
    }
    return 0;
}

static int play(struct table *table, const struct action *action)
{
    if (action->kind == ACTION_CLOSE) {
        table_remove(table, action->fd);
        return 0;
    }
    if (action->kind == ACTION_DUP2) {
        struct program_file *from = slot(table, action->from);
        return from != NULL ? table_set(table, action->fd, open_file_get(from->file), true) : EBADF;
    }
    int fd = open(action->path, action->flags, action->mode);
    if (fd < 0) {
        return errno;
    }
    return table_set(table, action->fd, descriptor_take(fd), true);
}

static void table_drop_private(struct table *table)
{
    for (size_t i = table->count; i > 0; i--) {
        if (!table->kept[i - 1]) {
            table_remove(table, table->files[i - 1].number);
        }
    }
}

static int spawn(pid_t *out_id, const char *path, const posix_spawn_file_actions_t *actions,
                 char *const arguments[], char *const environment[])
{
    struct table table = {.count = 0};
    int error = table_init(&table);
    for (size_t i = 0; !error && actions != NULL && i < (*actions)->count; i++) {
        error = play(&table, &(*actions)->list[i]);
    }
    table_drop_private(&table);
    struct program program = {.path = path,
                              .arguments = arguments,
                              .environment = environment,
                              .files = table.files,
                              .file_count = table.count};
    ts_handle_t process;
    error = error ? error : program_spawn(&program, &process);
    while (table.count) {
        table_remove(&table, table.files[0].number);
    }
    pid_t id;
    error = error ? error : child_add(process, &id);
    if (!error && out_id != NULL) {
        *out_id = id;
    }
    return error;
}

int posix_spawn(pid_t *restrict id, const char *restrict path,
                const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *restrict attributes, char *const arguments[],
                char *const environment[])
{
    (void)attributes; // groups, masks and policies: there is nothing yet that they would change
    return spawn(id, path, actions, arguments, environment);
}

int posix_spawnp(pid_t *restrict id, const char *restrict name,
                 const posix_spawn_file_actions_t *actions,
                 const posix_spawnattr_t *restrict attributes, char *const arguments[],
                 char *const environment[])
{
    (void)attributes;
    char path[TS_PATH_MAX];
    int error = program_find(name, path, sizeof(path));
    return error ? error : spawn(id, path, actions, arguments, environment);
}

int posix_spawnattr_init(posix_spawnattr_t *attributes)
{
    *attributes = calloc(1, sizeof(**attributes));
    return *attributes != NULL ? 0 : ENOMEM;
}

int posix_spawnattr_destroy(posix_spawnattr_t *attributes)
{
    free(*attributes);
    *attributes = NULL;
    return 0;
}

#define ATTRIBUTE(name, type, field)                                            \
    int posix_spawnattr_get##name(const posix_spawnattr_t *restrict attributes, \
                                  type *restrict out)                           \
    {                                                                           \
        *out = (*attributes)->field;                                            \
        return 0;                                                               \
    }

ATTRIBUTE(flags, short, flags)
ATTRIBUTE(pgroup, pid_t, group)
ATTRIBUTE(schedparam, struct sched_param, param)
ATTRIBUTE(schedpolicy, int, policy)
ATTRIBUTE(sigdefault, sigset_t, defaults)
ATTRIBUTE(sigmask, sigset_t, mask)

int posix_spawnattr_setflags(posix_spawnattr_t *attributes, short flags)
{
    (*attributes)->flags = flags;
    return 0;
}

int posix_spawnattr_setpgroup(posix_spawnattr_t *attributes, pid_t group)
{
    (*attributes)->group = group;
    return 0;
}

int posix_spawnattr_setschedparam(posix_spawnattr_t *restrict attributes,
                                  const struct sched_param *restrict param)
{
    (*attributes)->param = *param;
    return 0;
}

int posix_spawnattr_setschedpolicy(posix_spawnattr_t *attributes, int policy)
{
    (*attributes)->policy = policy;
    return 0;
}

int posix_spawnattr_setsigdefault(posix_spawnattr_t *restrict attributes,
                                  const sigset_t *restrict set)
{
    (*attributes)->defaults = *set;
    return 0;
}

int posix_spawnattr_setsigmask(posix_spawnattr_t *restrict attributes, const sigset_t *restrict set)
{
    (*attributes)->mask = *set;
    return 0;
}
