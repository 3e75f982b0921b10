// SPDX-License-Identifier: MIT
// The shell. Each file knows only those above it:
//
//   parse      text to a tree: sequences, pipelines, commands
//   expand     a word to the arguments it stands for
//   editor     editing a line: bytes in, bytes out
//   shell      the shell's state, and the values of its names
//   terminal   the console: its modes, and reading lines
//   grants     what a program may have of the shell's handles
//   redirect   a command's descriptors
//   job        processes of a pipeline: started, waited for, ended
//   run        runs what parse has made
//   builtin    commands of the shell itself
//   main       the program
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "shell.h"

static void usage(FILE *to)
{
    fputs("usage: sh [-c COMMAND | FILE] [ARGUMENT…]\n"
          "       sh --login\n"
          "Reads commands from the terminal, from COMMAND, from FILE or from standard input.\n"
          "With --login the terminal's session ends with the shell.\n"
          "`help` lists the built-in commands.\n",
          to);
}

static void interact(void)
{
    char prompt[256], directory[200];
    while (!shell.ending) {
        jobs_report();
        fflush(NULL);
        if (getcwd(directory, sizeof(directory)) == NULL) {
            strcpy(directory, "?");
        }
        snprintf(prompt, sizeof(prompt), "%s $ ", directory);
        char *line = read_line(prompt);
        if (line == NULL) {
            break;
        }
        char *copy = strdup(line);
        if (copy != NULL) {
            run_text(copy);
        }
        free(copy);
    }
    terminal_line();
    jobs_end();
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "--help")) {
        usage(stdout);
        return 0;
    }
    grants_init();
    shell.builtin_find = builtin_find;
    if (argc > 1 && !strcmp(argv[1], "-c")) {
        if (argc < 3) {
            usage(stderr);
            return 2;
        }
        shell.name = argc > 3 ? argv[3] : argv[0];
        shell.arguments = argv + (argc > 3 ? 4 : 3);
        return run_text(argv[2]);
    }
    bool login = argc == 2 && !strcmp(argv[1], "--login");
    if (argc > 1 && argv[1][0] == '-' && !login) {
        usage(stderr);
        return 2;
    }
    if (argc > 1 && !login) {
        shell.name = argv[1];
        shell.arguments = argv + 2;
        return run_file(argv[1]);
    }
    terminal_init();
    if (login) {
        terminal_own();
    }
    interact();
    return shell.status;
}
