// SPDX-License-Identifier: MIT
// A process's identity. There are no users in the kernel: rights are in handles; programs that ask
// see the owner of everything, alone in its group and session.
#include <grp.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/process.h>
#include <tessera/machine/machine.h>
#include <unistd.h>
#include "core/descriptor.h"
#include "core/posix.h"

int getresuid(uid_t *, uid_t *, uid_t *);
char *secure_getenv(const char *);

pid_t posix_process_id(void)
{
    static pid_t id; // the same, whichever thread computes it
    if (!id) {
        struct ts_process_statistics statistics;
        ts_status_t status = ts_process_statistics(ts_named_handle(TS_NAME_PROCESS), &statistics);
        id = status == TS_OK ? (pid_t)(statistics.id & INT_MAX) : 1;
        id = id ? id : 1;
    }
    return id;
}

pid_t getpid(void)
{
    return posix_process_id();
}

pid_t getppid(void)
{
    return 1;
}

pid_t getpgrp(void)
{
    return posix_process_id();
}

pid_t getpgid(pid_t process)
{
    return process ? process : posix_process_id();
}

pid_t getsid(pid_t process)
{
    return process ? process : posix_process_id();
}

pid_t setsid(void)
{
    return posix_process_id();
}

int setpgid(pid_t process, pid_t group)
{
    (void)process, (void)group;
    return 0;
}

uid_t getuid(void)
{
    return 0;
}

uid_t geteuid(void)
{
    return 0;
}

gid_t getgid(void)
{
    return 0;
}

gid_t getegid(void)
{
    return 0;
}

static int become(unsigned long id)
{
    return id == 0 ? 0 : posix_fail(EPERM);
}

int setuid(uid_t user)
{
    return become(user);
}

int seteuid(uid_t user)
{
    return become(user);
}

int setgid(gid_t group)
{
    return become(group);
}

int setegid(gid_t group)
{
    return become(group);
}

int setreuid(uid_t real, uid_t effective)
{
    return become(real == (uid_t)-1 ? 0 : real | effective);
}

int setregid(gid_t real, gid_t effective)
{
    return become(real == (gid_t)-1 ? 0 : real | effective);
}

int getgroups(int size, gid_t groups[])
{
    if (size > 0) {
        groups[0] = 0;
    }
    return 1;
}

int issetugid(void)
{
    return 0;
}

char *secure_getenv(const char *name)
{
    return getenv(name);
}

char *getlogin(void)
{
    return getenv("LOGNAME");
}

int gethostname(char *name, size_t size)
{
    const char *host = getenv("HOSTNAME");
    host = host != NULL ? host : "tessera";
    if (strlen(host) + 1 > size) {
        return posix_fail(ENAMETOOLONG);
    }
    strcpy(name, host);
    return 0;
}

int uname(struct utsname *out)
{
    memset(out, 0, sizeof(*out));
    strcpy(out->sysname, "Tessera");
    strcpy(out->release, "1");
    strcpy(out->version, "1");
    strcpy(out->machine, TS_MACHINE_NAME);
    return gethostname(out->nodename, sizeof(out->nodename));
}

int getpagesize(void)
{
    return TS_PAGE_SIZE;
}

int getdtablesize(void)
{
    return DESCRIPTORS_MAX;
}

static long processors(void)
{
    struct ts_system_statistics statistics;
    ts_handle_t job = ts_named_handle(TS_NAME_JOB);
    if (job && ts_system_statistics(job, &statistics) == TS_OK && statistics.cpus) {
        return statistics.cpus;
    }
    return 1;
}

long sysconf(int name)
{
    switch (name) {
    case _SC_PAGESIZE: return TS_PAGE_SIZE;
    case _SC_OPEN_MAX: return DESCRIPTORS_MAX;
    case _SC_CLK_TCK: return CLOCKS_PER_SEC;
    case _SC_ARG_MAX: return 65536;
    case _SC_VERSION: return _POSIX_VERSION;
    case _SC_NPROCESSORS_CONF:
    case _SC_NPROCESSORS_ONLN: return processors();
    case _SC_HOST_NAME_MAX: return 64;
    case _SC_LOGIN_NAME_MAX: return 64;
    case _SC_THREADS: return _POSIX_THREADS;
    case _SC_MONOTONIC_CLOCK: return _POSIX_MONOTONIC_CLOCK;
    default: return posix_fail(EINVAL);
    }
}

long pathconf(const char *path, int name)
{
    (void)path;
    switch (name) {
    case _PC_NAME_MAX: return 255;
    case _PC_PATH_MAX: return 4096;
    case _PC_PIPE_BUF: return 4096;
    default: return posix_fail(EINVAL);
    }
}

long fpathconf(int fd, int name)
{
    (void)fd;
    return pathconf("/", name);
}

int getrlimit(int resource, struct rlimit *out)
{
    out->rlim_cur = out->rlim_max = resource == RLIMIT_NOFILE ? DESCRIPTORS_MAX : RLIM_INFINITY;
    return 0;
}

// Limits are the job's, set by its maker.
int setrlimit(int resource, const struct rlimit *limit)
{
    struct rlimit now;
    getrlimit(resource, &now);
    return limit->rlim_cur == now.rlim_cur ? 0 : posix_fail(EPERM);
}

int nice(int increment)
{
    (void)increment;
    return 0;
}
