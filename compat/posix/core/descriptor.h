// SPDX-License-Identifier: MIT
// File descriptors: small numbers for open files, an open file being a handle and what POSIX wants
// to know about it. Position and status flags belong to the object at its server, so that
// descriptors made by dup, and those of other processes, share them as POSIX says.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <tessera/lib/status.h>

#define DESCRIPTORS_MAX 1024 // FD_SETSIZE of the overlay's sys/config.h

enum open_kind {
    OPEN_INHERITED, // a standard stream: whatever the parent gave
    OPEN_FILE,      // opened by path
    OPEN_DIRECTORY,
    OPEN_PIPE,
    OPEN_SOCKET,
    OPEN_RANDOM,
};

struct open_file {
    uint32_t references;
    enum open_kind kind;
    ts_handle_t handle; // owned
    int flags;          // O_*: access mode, O_APPEND, O_NONBLOCK, O_DIRECTORY
    // sockets: what socket() was told; the peer and errors are the stack's
    int domain, type;
    char *path; // OPEN_DIRECTORY: absolute, for fchdir and the functions with …at; else NULL
};

// Descriptors 0, 1 and 2 from the handles named in, out and err.
void descriptors_init(void);

// A new open file with one reference, which owns `handle`. NULL with errno ENOMEM; the handle is
// closed then.
struct open_file *open_file_make(enum open_kind kind, ts_handle_t handle, int flags);
struct open_file *open_file_get(struct open_file *file); // a further reference
void open_file_put(struct open_file *file);              // gives one up; the last closes

// Writes at the position of the open file. All of it, unless `flags` has TS_FLAG_NOWAIT: *out_done
// is what was written, and an error before the end is told by the next write.
TS_MUST_USE ts_status_t open_file_write(struct open_file *file, const char *bytes, size_t length,
                                        unsigned flags, size_t *out_done);

// Gives `file`'s reference to the lowest free descriptor that is at least `lowest`. -1 with errno
// EMFILE; the reference is given up then.
int descriptor_install(struct open_file *file, int lowest, bool close_on_spawn);

// The same for a fixed number, whose previous file is given up.
int descriptor_replace(int fd, struct open_file *file, bool close_on_spawn);

// The open file with a reference for the caller. NULL with errno EBADF.
struct open_file *descriptor_get(int fd);

// Frees the number. NULL with errno EBADF; else the caller has its reference.
struct open_file *descriptor_take(int fd);

// FD_CLOEXEC. -1 with errno EBADF.
int descriptor_flag_get(int fd);
int descriptor_flag_set(int fd, bool close_on_spawn);

// The next descriptor in use from `fd` on with its file (a reference), -1 at the end.
int descriptor_next(int fd, struct open_file **out_file, bool *out_close_on_spawn);
