// SPDX-License-Identifier: MIT
// Signals within the process: what raise(), abort() and failing writes do. Nothing arrives from
// outside; a process that is to end is killed through its handle, which no signal can refuse.
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <tessera/lib/mutex.h>
#include <unistd.h>
#include "core/posix.h"

// newlib's own, which ours replace, are of these names too.
_sig_func_ptr _signal_r(struct _reent *, int, _sig_func_ptr);
int _raise_r(struct _reent *, int);
// newlib's stdio brackets its locks with it; here nobody is cancelled.
int pthread_setcancelstate(int state, int *old);

static struct sigaction actions[NSIG];
static struct ts_mutex mutex;
static _Thread_local sigset_t blocked;
static _Thread_local sigset_t pending;

static bool valid(int signal)
{
    return signal > 0 && signal < NSIG;
}

static sigset_t bit(int signal)
{
    return (sigset_t)1 << (signal - 1);
}

static bool ignored_by_default(int signal)
{
    return signal == SIGCHLD || signal == SIGURG || signal == SIGWINCH || signal == SIGCONT;
}

static struct sigaction action_of(int signal)
{
    ts_mutex_lock(&mutex);
    struct sigaction action = actions[signal];
    if (action.sa_flags & SA_RESETHAND) {
        actions[signal].sa_handler = SIG_DFL;
    }
    ts_mutex_unlock(&mutex);
    return action;
}

static void deliver(int signal)
{
    struct sigaction action = action_of(signal);
    if (action.sa_handler == SIG_IGN) {
        return;
    }
    if (action.sa_handler == SIG_DFL) {
        if (ignored_by_default(signal)) {
            return;
        }
        posix_die(signal);
    }
    sigset_t before = blocked;
    int error = errno;
    blocked |= action.sa_mask | (action.sa_flags & SA_NODEFER ? 0 : bit(signal));
    if (action.sa_flags & SA_SIGINFO) {
        siginfo_t info = {.si_signo = signal, .si_code = SI_USER, .si_pid = getpid()};
        action.sa_sigaction(signal, &info, NULL);
    } else {
        action.sa_handler(signal);
    }
    errno = error;
    sigprocmask(SIG_SETMASK, &before, NULL);
}

int raise(int signal)
{
    if (!valid(signal)) {
        return posix_fail(EINVAL);
    }
    if (blocked & bit(signal)) {
        pending |= bit(signal);
        return 0;
    }
    deliver(signal);
    return 0;
}

int _raise_r(struct _reent *reent, int signal)
{
    (void)reent;
    return raise(signal);
}

int kill(pid_t process, int signal)
{
    if (process != getpid() && process != 0) {
        return posix_fail(ESRCH); // a number gives no access: a killer needs a handle
    }
    return signal == 0 ? 0 : raise(signal);
}

int killpg(pid_t group, int signal)
{
    return kill(group, signal);
}

int sigaction(int signal, const struct sigaction *restrict new, struct sigaction *restrict old)
{
    if (!valid(signal) || (new != NULL && (signal == SIGKILL || signal == SIGSTOP))) {
        return posix_fail(EINVAL);
    }
    ts_mutex_lock(&mutex);
    struct sigaction before = actions[signal];
    if (new != NULL) {
        actions[signal] = *new;
    }
    ts_mutex_unlock(&mutex);
    if (old != NULL) {
        *old = before;
    }
    return 0;
}

_sig_func_ptr signal(int number, _sig_func_ptr handler)
{
    struct sigaction new = {.sa_handler = handler, .sa_flags = SA_RESTART}, old;
    return sigaction(number, &new, &old) < 0 ? SIG_ERR : old.sa_handler;
}

_sig_func_ptr _signal_r(struct _reent *reent, int number, _sig_func_ptr handler)
{
    (void)reent;
    return signal(number, handler);
}

int siginterrupt(int signal, int flag)
{
    struct sigaction action;
    if (sigaction(signal, NULL, &action) < 0) {
        return -1;
    }
    action.sa_flags = flag ? action.sa_flags & ~SA_RESTART : action.sa_flags | SA_RESTART;
    return sigaction(signal, &action, NULL);
}

int sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
    if (old != NULL) {
        *old = blocked;
    }
    if (set == NULL) {
        return 0;
    }
    sigset_t never = bit(SIGKILL) | bit(SIGSTOP);
    switch (how) {
    case SIG_BLOCK: blocked |= *set & ~never; break;
    case SIG_UNBLOCK: blocked &= ~*set; break;
    case SIG_SETMASK: blocked = *set & ~never; break;
    default: return posix_fail(EINVAL);
    }
    sigset_t due = pending & ~blocked;
    while (due) {
        int signal = __builtin_ctzl(due) + 1;
        due &= due - 1;
        pending &= ~bit(signal);
        deliver(signal);
    }
    return 0;
}

int pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
    return sigprocmask(how, set, old) < 0 ? EINVAL : 0;
}

int sigpending(sigset_t *set)
{
    *set = pending;
    return 0;
}

int sigemptyset(sigset_t *set)
{
    *set = 0;
    return 0;
}

int sigfillset(sigset_t *set)
{
    *set = ~(sigset_t)0;
    return 0;
}

int sigaddset(sigset_t *set, int signal)
{
    if (!valid(signal)) {
        return posix_fail(EINVAL);
    }
    *set |= bit(signal);
    return 0;
}

int sigdelset(sigset_t *set, int signal)
{
    if (!valid(signal)) {
        return posix_fail(EINVAL);
    }
    *set &= ~bit(signal);
    return 0;
}

int sigismember(const sigset_t *set, int signal)
{
    return valid(signal) ? (*set & bit(signal)) != 0 : posix_fail(EINVAL);
}

// Timers that would interrupt need upcalls, which the kernel does not offer yet.
unsigned alarm(unsigned seconds)
{
    (void)seconds;
    return 0;
}

void __sigjmp_save(sigjmp_buf place, int save)
{
    place->__masked = save;
    place->__mask = blocked;
}

_Noreturn void siglongjmp(sigjmp_buf place, int value)
{
    if (place->__masked) {
        sigprocmask(SIG_SETMASK, &place->__mask, NULL);
    }
    longjmp(place->__registers, value);
}

int pthread_setcancelstate(int state, int *old)
{
    static _Thread_local int current;
    if (old != NULL) {
        *old = current;
    }
    current = state;
    return 0;
}

_Noreturn void abort(void)
{
    raise(SIGABRT);
    posix_die(SIGABRT); // blocked, ignored, or its handler came back
}
