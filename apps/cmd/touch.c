// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "command.h"

int main(int argc, char **argv)
{
    int status = 0, index;
    command_begin(argc, argv,
                  "touch FILE…\nMakes files that are not there; others change their "
                  "time.\n");
    (void)command_options(argc, argv, "", &index);
    if (index >= argc) {
        command_usage();
    }
    for (int i = index; i < argc; i++) {
        int fd = open(argv[i], O_WRONLY | O_CREAT, 0666);
        if (fd < 0 || futimens(fd, NULL) < 0) {
            status = command_error(argv[i]);
        }
        if (fd >= 0) {
            close(fd);
        }
    }
    return status;
}
