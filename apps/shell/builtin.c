// SPDX-License-Identifier: MIT
// Commands that change the shell itself, or that only it can do.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "shell.h"

extern char **environ;

static int builtin_cd(int argc, char **argv)
{
    const char *to = argc > 1 ? argv[1] : getenv("HOME");
    char path[4096];
    to = to != NULL ? to : "/";
    if (argc > 2 || chdir(to) < 0) {
        fprintf(stderr, "cd: %s: %s\n", to, argc > 2 ? "too many arguments" : strerror(errno));
        return 1;
    }
    if (getcwd(path, sizeof(path)) != NULL) {
        setenv("PWD", path, 1);
    }
    return 0;
}

static int builtin_exit(int argc, char **argv)
{
    shell.ending = true;
    return argc > 1 ? atoi(argv[1]) & 0xff : shell.status;
}

static int builtin_export(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        char *value = strchr(argv[i], '=');
        if (value != NULL) {
            *value = '\0';
        }
        if (value != NULL &&
            setenv(argv[i], value + 1, 1) < 0) { // variables are in the environment anyway
            perror("export");
            return 1;
        }
    }
    for (char **entry = environ; argc == 1 && *entry != NULL; entry++) {
        puts(*entry);
    }
    return 0;
}

static int builtin_unset(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        unsetenv(argv[i]);
    }
    return 0;
}

static int builtin_jobs(int argc, char **argv)
{
    (void)argc, (void)argv;
    jobs_list();
    return 0;
}

static int builtin_fg(int argc, char **argv)
{
    struct job *job = job_find(argc > 1 ? argv[1] : NULL);
    return job != NULL ? job_foreground(job) : 1;
}

static int builtin_wait(int argc, char **argv)
{
    if (argc > 1) {
        return builtin_fg(argc, argv);
    }
    jobs_wait();
    return 0;
}

// Of jobs; /bin/kill is for processes.
static int builtin_kill(int argc, char **argv)
{
    int status = 0;
    for (int i = 1; i < argc; i++) {
        struct job *job = job_find(argv[i]);
        if (job != NULL) {
            job_kill(job);
        } else {
            status = 1;
        }
    }
    return status;
}

static int builtin_source(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: . FILE\n");
        return 2;
    }
    return run_file(argv[1]);
}

static int builtin_colon(int argc, char **argv)
{
    (void)argc, (void)argv;
    return 0;
}

static int builtin_help(int argc, char **argv);

static const struct {
    const char *name;
    builtin_t run;
    const char *help;
} table[] = {
    {"cd", builtin_cd, "cd [DIRECTORY]       change the working directory"},
    {"exit", builtin_exit, "exit [STATUS]        end this shell"},
    {"export", builtin_export, "export [NAME=VALUE]  set a variable; show all"},
    {"unset", builtin_unset, "unset NAME           remove a variable"},
    {"jobs", builtin_jobs, "jobs                 list background jobs"},
    {"fg", builtin_fg, "fg [%NUMBER]         move a background job to the foreground"},
    {"wait", builtin_wait, "wait [%NUMBER]       wait for one or all background jobs"},
    {"kill", builtin_kill, "kill %NUMBER         end a background job (/bin/kill: a process)"},
    {".", builtin_source, ". FILE               run a file's lines in this shell"},
    {":", builtin_colon, ":                    do nothing"},
    {"help", builtin_help, "help                 print this list"},
};

static int builtin_help(int argc, char **argv)
{
    (void)argc, (void)argv;
    puts("Built-in commands:");
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        printf("  %s\n", table[i].help);
    }
    puts("Programs are in /bin (ls /bin); --help prints the usage of each.\n"
         "  a | b    a; b    a && b    a || b    a &    < FILE    > FILE    >> FILE    2> FILE\n"
         "  NAME=value    $NAME    $?    'as it is'    \"with $NAME\"    # comment\n"
         "  Ctrl-C ends the foreground job, Ctrl-D this shell.");
    return 0;
}

builtin_t builtin_find(int argc, char **argv)
{
    for (size_t i = 0; argc > 0 && i < sizeof(table) / sizeof(table[0]); i++) {
        if (strcmp(argv[0], table[i].name) != 0) {
            continue;
        }
        bool process = table[i].run == builtin_kill && (argc < 2 || argv[1][0] != '%');
        return process ? NULL : table[i].run;
    }
    return NULL;
}
