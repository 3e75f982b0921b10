// SPDX-License-Identifier: MIT
// termios and ioctl over <tessera/proto/console.h>. The console knows five modes; a termios is made
// of them and back. Flags that no console here has are lost, as POSIX allows.
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <tessera/lib/op.h>
#include <tessera/proto/console.h>
#include <tessera/proto/net.h>
#include <tessera/proto/pipe.h>
#include <termios.h>
#include <unistd.h>
#include "core/descriptor.h"
#include "core/posix.h"

static int with_handle(int fd, ts_status_t (*use)(ts_handle_t, void *), void *context)
{
    struct open_file *file = descriptor_get(fd);
    if (file == NULL) {
        return -1;
    }
    ts_status_t status = use(file->handle, context);
    open_file_put(file);
    return status == TS_ERR_UNSUPPORTED || status == TS_ERR_KIND ? posix_fail(ENOTTY)
                                                                 : posix_result(status);
}

static ts_status_t mode_get(ts_handle_t handle, void *context)
{
    return ts_get_u64(handle, TS_PROPERTY_CONSOLE_MODE, context);
}

static ts_status_t mode_set(ts_handle_t handle, void *context)
{
    return ts_set_u64(handle, TS_PROPERTY_CONSOLE_MODE, *(uint64_t *)context);
}

int tcgetattr(int fd, struct termios *out)
{
    static const cc_t keys[NCCS] = {
        [VINTR] = 3, [VQUIT] = 28, [VERASE] = 127, [VKILL] = 21,
        [VEOF] = 4,  [VMIN] = 1,   [VSUSP] = 26,   [VWERASE] = 23,
    };
    uint64_t mode;
    if (with_handle(fd, mode_get, &mode) < 0) {
        return -1;
    }
    *out = (struct termios){
        .c_iflag = mode & TS_CONSOLE_MODE_CR_TO_NL ? ICRNL : 0,
        .c_oflag = mode & TS_CONSOLE_MODE_NL_TO_CRLF ? OPOST | ONLCR : 0,
        .c_cflag = CS8 | CREAD | CLOCAL,
        .c_ispeed = B115200,
        .c_ospeed = B115200,
    };
    out->c_lflag |= mode & TS_CONSOLE_MODE_LINE ? ICANON | IEXTEN : 0;
    out->c_lflag |= mode & TS_CONSOLE_MODE_ECHO ? ECHO | ECHOE | ECHOK : 0;
    out->c_lflag |= mode & TS_CONSOLE_MODE_SIGNALS ? ISIG : 0;
    memcpy(out->c_cc, keys, sizeof(keys));
    return 0;
}

int tcsetattr(int fd, int when, const struct termios *from)
{
    uint64_t mode = 0;
    if (when < TCSANOW || when > TCSAFLUSH) {
        return posix_fail(EINVAL);
    }
    if (when != TCSANOW && tcdrain(fd) < 0) {
        return -1;
    }
    mode |= from->c_iflag & ICRNL ? TS_CONSOLE_MODE_CR_TO_NL : 0;
    mode |= (from->c_oflag & OPOST) && (from->c_oflag & ONLCR) ? TS_CONSOLE_MODE_NL_TO_CRLF : 0;
    mode |= from->c_lflag & ICANON ? TS_CONSOLE_MODE_LINE : 0;
    mode |= from->c_lflag & ECHO ? TS_CONSOLE_MODE_ECHO : 0;
    mode |= from->c_lflag & ISIG ? TS_CONSOLE_MODE_SIGNALS : 0;
    return with_handle(fd, mode_set, &mode);
}

static ts_status_t drain(ts_handle_t handle, void *context)
{
    (void)context;
    return ts_sync(handle, 0, 0);
}

int tcdrain(int fd)
{
    return with_handle(fd, drain, NULL);
}

// What was typed and not read is the next reader's; there is no way to drop it.
int tcflush(int fd, int queue)
{
    (void)queue;
    return isatty(fd) ? 0 : -1;
}

int tcflow(int fd, int action)
{
    (void)action;
    return isatty(fd) ? 0 : -1;
}

int tcsendbreak(int fd, int duration)
{
    (void)duration;
    return isatty(fd) ? 0 : -1;
}

pid_t tcgetpgrp(int fd)
{
    return isatty(fd) ? getpgrp() : -1;
}

int tcsetpgrp(int fd, pid_t group)
{
    (void)group;
    return isatty(fd) ? 0 : -1;
}

void cfmakeraw(struct termios *t)
{
    t->c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    t->c_oflag &= ~(tcflag_t)OPOST;
    t->c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    t->c_cflag = (t->c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
    t->c_cc[VMIN] = 1;
    t->c_cc[VTIME] = 0;
}

speed_t cfgetispeed(const struct termios *t)
{
    return t->c_ispeed;
}

speed_t cfgetospeed(const struct termios *t)
{
    return t->c_ospeed;
}

int cfsetispeed(struct termios *t, speed_t speed)
{
    t->c_ispeed = speed;
    return 0;
}

int cfsetospeed(struct termios *t, speed_t speed)
{
    t->c_ospeed = speed;
    return 0;
}

int cfsetspeed(struct termios *t, speed_t speed)
{
    t->c_ispeed = t->c_ospeed = speed;
    return 0;
}

// ---- ioctl

static ts_status_t window_get(ts_handle_t handle, void *context)
{
    struct ts_console_window window;
    size_t got;
    ts_status_t status = ts_get(handle, TS_PROPERTY_CONSOLE_WINDOW, &window, sizeof(window), &got);
    if (status == TS_OK && got != sizeof(window)) {
        status = TS_ERR_PROTOCOL;
    }
    if (status == TS_OK) {
        *(struct winsize *)context = (struct winsize){.ws_row = window.rows,
                                                      .ws_col = window.columns,
                                                      .ws_xpixel = window.width,
                                                      .ws_ypixel = window.height};
    }
    return status;
}

static ts_status_t window_set(ts_handle_t handle, void *context)
{
    const struct winsize *size = context;
    struct ts_console_window window = {size->ws_row, size->ws_col, size->ws_xpixel,
                                       size->ws_ypixel};
    return ts_set(handle, TS_PROPERTY_CONSOLE_WINDOW, &window, sizeof(window));
}

// Sockets and pipes tell how much waits; nothing else does.
static ts_status_t bytes_get(ts_handle_t handle, void *context)
{
    uint64_t bytes;
    struct ts_net_option option = {.name = TS_NET_OPTION_READABLE_BYTES};
    ts_status_t status = ts_get_u64(handle, TS_PROPERTY_PIPE_BYTES, &bytes);
    if (status == TS_ERR_UNSUPPORTED) {
        status = ts_call_bytes(handle, TS_NET_GET_OPTION, &option, sizeof(option), &option,
                               sizeof(option), NULL);
        bytes = (uint64_t)option.value;
    }
    if (status == TS_OK) {
        *(int *)context = (int)bytes;
    }
    return status;
}

int ioctl(int fd, unsigned long request, ...)
{
    va_list arguments;
    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    switch (request) {
    case TIOCGWINSZ: return with_handle(fd, window_get, argument);
    case TIOCSWINSZ: return with_handle(fd, window_set, argument);
    case FIONREAD: return with_handle(fd, bytes_get, argument);
    case FIONBIO: {
        int flags = fcntl(fd, F_GETFL);
        bool on = *(int *)argument;
        return flags < 0 ? -1 : fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
    }
    default: return posix_fail(ENOTTY);
    }
}
