// SPDX-License-Identifier: MIT
#include <drivers/input/reboot.h>
#include <tessera/lib/bootstrap.h>
#include <tessera/lib/log.h>
#include <tessera/proto/init.h>

enum { // of the keyboard page
    DELETE = 0x4c,
    KEYPAD_DELETE = 0x63,
    CONTROL_LEFT = 0xe0,
    ALT_LEFT = 0xe2,
    CONTROL_RIGHT = 0xe4,
    ALT_RIGHT = 0xe6,
};

static bool is_down(const struct input_events *events, uint32_t one, uint32_t other)
{
    return events_is_down(events, TS_INPUT_KEY_CODE(one)) ||
           events_is_down(events, TS_INPUT_KEY_CODE(other));
}

bool reboot_is_asked(const struct input_events *events, uint32_t pressed)
{
    return (pressed == TS_INPUT_KEY_CODE(DELETE) || pressed == TS_INPUT_KEY_CODE(KEYPAD_DELETE)) &&
           is_down(events, CONTROL_LEFT, CONTROL_RIGHT) && is_down(events, ALT_LEFT, ALT_RIGHT);
}

static void on_answer(struct ts_async *async, const struct ts_event *event)
{
    (void)async;
    if (event->status != TS_OK) {
        ts_log("Ctrl-Alt-Del: %s", ts_status_name(event->status));
    }
}

void reboot_ask(struct input *input)
{
    ts_handle_t control = ts_named_handle(TS_NAME_CONTROL);
    if (!control || input->reboot.busy) {
        return;
    }
    input->reboot.done = on_answer;
    input->reboot_call = (struct ts_call){0};
    struct ts_submission *submission = ts_loop_begin(input->loop, &input->reboot);
    if (submission != NULL) { // else the next time
        ts_log("Ctrl-Alt-Del: the machine restarts");
        ts_prepare_call(submission, control, TS_INIT_REBOOT, &input->reboot_call, TS_DEADLINE_NONE,
                        ts_async_data(&input->reboot));
    }
}
