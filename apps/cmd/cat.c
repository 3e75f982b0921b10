// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "command.h"

// Not through stdio: what comes is passed on at once.
static int copy(int fd, const char *name)
{
    static char buffer[16384];
    ssize_t got;
    while ((got = read(fd, buffer, sizeof(buffer))) > 0) {
        for (ssize_t done = 0; done < got;) {
            ssize_t step = write(STDOUT_FILENO, buffer + done, (size_t)(got - done));
            if (step < 0) {
                return command_error("cannot write");
            }
            done += step;
        }
    }
    return got < 0 ? command_error(name) : 0;
}

int main(int argc, char **argv)
{
    command_begin(argc, argv, "cat [FILE]…\nPrints files, or standard input (-).\n");
    int status = 0, index;
    (void)command_options(argc, argv, "", &index);
    if (index >= argc) {
        return copy(STDIN_FILENO, "-");
    }
    for (int i = index; i < argc; i++) {
        bool standard = !strcmp(argv[i], "-");
        int fd = standard ? STDIN_FILENO : open(argv[i], O_RDONLY);
        if (fd < 0) {
            status = command_error(argv[i]);
            continue;
        }
        status |= copy(fd, argv[i]);
        if (!standard) {
            close(fd);
        }
    }
    return status;
}
