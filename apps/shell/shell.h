// SPDX-License-Identifier: MIT
// The shell's parts that do something.
//
// Each pipeline runs in a job object of its own, a child of the shell's: ending it ends all its
// processes and what they started. The terminal is in line mode with signals while a foreground job
// runs and raw while a line is edited; Ctrl-C reaches the shell as an event of the console.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "parse.h"

typedef int (*builtin_t)(int argc, char **argv);

struct shell {
    int status;             // of the last pipeline: $?
    bool interactive;       // input is a terminal, or text from one
    bool ending;            // exit was called, or the input is over
    bool interrupted;       // Ctrl-C ended the last foreground job: the rest of the line is dropped
    uint32_t terminal;      // handle of the console, 0 = there is none
    const char *name;       // $0
    char *const *arguments; // $1 …, NULL-terminated
    uint64_t last_job;      // $!: number of the process started last in the background
    // Commands of the shell itself, which may run others: NULL if these words are none. Set by
    // main.
    builtin_t (*builtin_find)(int argc, char **argv);
};

extern struct shell shell;

// The value of a name, as expand.h wants it.
const char *lookup(const char *name, size_t length);

// ---- redirect.c
// What descriptors 0 to 2 of a command are to be.
struct files {
    int fd[3];
    bool own[3]; // opened here: files_close closes them
};

// Applies a command's redirections to `files`. False: said what is wrong.
bool files_redirect(struct files *files, const struct command *command);
void files_close(struct files *files);

// ---- job.c
struct job;

// An empty job, entered in the list. NULL: said why.
struct job *job_make(const char *text);

// Starts a program in it. 0, or an errno.
int job_start(struct job *job, const char *path, char **arguments, const struct files *files);

// Until all its processes have ended, or Ctrl-C ended them; its status. The job is forgotten.
int job_foreground(struct job *job);

// Lets it run; says its number and the last process's.
void job_background(struct job *job);

// A job without processes is forgotten.
void job_drop(struct job *job);

// Tells which background jobs have ended since, and forgets them.
void jobs_report(void);
void jobs_list(void);
struct job *job_find(const char *text); // "%2", "2", NULL = the last; NULL: said so
void job_kill(struct job *job);
void jobs_wait(void); // for all of them
void jobs_end(void);  // kills what still runs

// ---- grants.c
void grants_init(void); // reads /etc/rights
// What a program may have of one of the shell's named handles: a mask of TS_RIGHT_*.
uint32_t grants_rights(const char *program, const char *handle);

// ---- terminal.c
void terminal_init(void);
void terminal_own(void);  // its session ends with this shell, whatever other handles there are
void terminal_line(void); // lines, echo and signals, for programs

// Reads a line without its end: from the terminal with editing, else plainly. NULL: the end.
// The result is good until the next call.
char *read_line(const char *prompt);

// ---- run.c
// Parses and runs; the status of the last pipeline.
int run_text(const char *text);
int run_file(const char *path); // 127 when it cannot be read

// ---- builtin.c
builtin_t builtin_find(int argc, char **argv);
