// SPDX-License-Identifier: MIT
// Consoles: a terminal as a served object. The serial driver's root is one; others follow (pseudo
// terminals, the window system's).
//
// Each session (object) reads and writes the same terminal. Input goes to the session that has been
// there longest. A session ends with its last handle; or with its owner, whatever handles there are
// then:
//
//   call OWN, in_handle[0] = a process (with WAIT)    right WRITE
//
// From its end on what is asked of the session is TS_ERR_PEER_CLOSED. It has one owner for good.
//
//   read   waits for input. LINE mode: at most one line, with its '\n', or what was typed before
//          Ctrl-D; value 0 = end of input (Ctrl-D on an empty line). A line longer than the
//          range is read by further reads. Else: whatever is there, at least one byte.
//          TS_FLAG_NOWAIT: TS_ERR_AGAIN. Offset is ignored. When Ctrl-C is typed in SIGNALS mode,
//          waiting reads end with TS_ERR_INTERRUPTED and what was typed is dropped.
//   write  bytes to show; waits for room in the output queue; completes when all are queued.
//          TS_FLAG_NOWAIT: what fits, or TS_ERR_AGAIN.
//   sync   waits until what was written before has left the machine.
//
// Signals: READABLE a read would not wait; WRITABLE a write of one byte would not; and
// TS_SIGNAL_CONSOLE_EVENT: EVENTS is not 0 for this session. Getting EVENTS clears both. A shell
// waits for it (multishot) while a foreground job runs, and ends or stops the job as the events
// say.
#pragma once

#include <assert.h>
#include <tessera/abi/object.h>
#include <tessera/abi/signal.h>
#include <tessera/abi/types.h>

#define TS_SIGNAL_CONSOLE_EVENT (1u << TS_SIGNAL_PROTOCOL_SHIFT)

#define TS_CONSOLE_OWN 1u // method; see above

// u64: TS_CONSOLE_MODE_*. Get and set (WRITE); of the terminal, not of the session.
#define TS_PROPERTY_CONSOLE_MODE (TS_PROPERTY_PROTOCOL_FIRST + 0)
// struct ts_console_window. Get and set (WRITE). A change is an event for the other sessions.
#define TS_PROPERTY_CONSOLE_WINDOW (TS_PROPERTY_PROTOCOL_FIRST + 1)
// u64: TS_CONSOLE_EVENT_* since the last get by this session. Get only.
#define TS_PROPERTY_CONSOLE_EVENTS (TS_PROPERTY_PROTOCOL_FIRST + 2)
// struct ts_console_statistics. Get only.
#define TS_PROPERTY_CONSOLE_STATISTICS (TS_PROPERTY_PROTOCOL_FIRST + 3)

// LINE: lines are edited here (backspace, Ctrl-W word, Ctrl-U line, Ctrl-D end) before they are
// read. ECHO: what is typed is shown. SIGNALS: Ctrl-C, Ctrl-\ and Ctrl-Z are events, not input.
// CR_TO_NL: a typed '\r' is read as '\n'. NL_TO_CRLF: a written '\n' is shown as "\r\n".
#define TS_CONSOLE_MODE_LINE       1u
#define TS_CONSOLE_MODE_ECHO       2u
#define TS_CONSOLE_MODE_SIGNALS    4u
#define TS_CONSOLE_MODE_CR_TO_NL   8u
#define TS_CONSOLE_MODE_NL_TO_CRLF 16u
#define TS_CONSOLE_MODE_COOKED     31u // at the start
#define TS_CONSOLE_MODE_RAW        0u

#define TS_CONSOLE_EVENT_INTERRUPT 1u  // Ctrl-C
#define TS_CONSOLE_EVENT_QUIT      2u  // Ctrl-backslash
#define TS_CONSOLE_EVENT_SUSPEND   4u  // Ctrl-Z
#define TS_CONSOLE_EVENT_WINDOW    8u  // the window's size changed
#define TS_CONSOLE_EVENT_HANGUP    16u // no more input will come

struct ts_console_window {
    uint16_t rows, columns;
    uint16_t width, height; // pixels, 0 = not known
};
static_assert(sizeof(struct ts_console_window) == 8, "console window");

struct ts_console_statistics {
    uint64_t bytes_in, bytes_out;
    uint64_t overruns; // characters that the hardware or the input queue lost
    uint64_t interrupts, polls;
};

#define TS_CONSOLE_LINE_MAX 4096u // a longer line is cut: further characters ring the bell
