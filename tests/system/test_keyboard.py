# SPDX-License-Identifier: MIT
"""Keys that QEMU presses, and what a program hears that was given the keyboard."""
import time

from programs import compile_program, grants


def listener(ctx):
    """The program, with what is built of the library of layouts."""
    keymap = ctx.root / "drivers" / "lib" / "keymap"
    includes = ctx.root / "build" / "release" / "include" / "user"
    return compile_program(ctx, "listen.c", None, f"-I{includes}",
                           *(keymap / f"{part}.c" for part in ("keymap", "parse", "file")))


def boot(ctx):
    return ctx.boot(shell=True, add=[listener(ctx)],
                    entries=[grants(ctx, "give /bin/listen control")])


def press(guest, *keys):
    """Presses keys together, by QEMU's names for the places on a US keyboard."""
    guest.qmp("send-key", **{"keys": [{"type": "qcode", "data": key} for key in keys],
                             "hold-time": 20})
    time.sleep(0.08)  # it presses them all, and lets go of them later


def heard(ctx, guest, layout, *strokes):
    """What a listener with this layout hears of the strokes."""
    guest.send(f"listen {layout}\r")
    guest.wait_for(rf"listening with {layout}\n")
    for stroke in strokes:
        press(guest, *stroke.split("+"))
    press(guest, "esc")
    return guest.wait_for(r"((?:.|\n)*)\nends: OK").group(1)


def test_layouts(ctx):
    """The same keys in three layouts: characters, dead keys, AltGr, Caps Lock, keys with names."""
    guest = boot(ctx)
    ctx.equal(heard(ctx, guest, "us", "a", "shift+a", "1", "semicolon", "up", "f1", "ctrl+c", "alt+x"),
              "aA1;<ff52><ffbe>C-cA-x", "us")
    ctx.equal(heard(ctx, guest, "de", "z", "y", "semicolon", "minus", "alt_r+q", "alt_r+e", "equal", "e",
                    "shift+equal", "shift+a"), "yzöß@€éÀ", "de")
    ctx.equal(heard(ctx, guest, "fr", "q", "2", "shift+2", "bracket_left", "e", "caps_lock", "q",
                    "caps_lock", "alt_r+0"), "aé2êA@", "fr")
    ctx.equal(guest.command("echo still here"), "still here\n", "the shell")


def test_repeat(ctx):
    """A key that is held repeats, also where the device does not."""
    guest = boot(ctx)
    guest.send("listen us\r")
    guest.wait_for(r"listening with us\n")
    guest.qmp("send-key", **{"keys": [{"type": "qcode", "data": "k"}], "hold-time": 3000})
    guest.wait_for(r"kkkkk")
    time.sleep(3)
    press(guest, "esc")
    guest.wait_for(r"ends: OK")


def test_control_alt_delete(ctx):
    """Ctrl-Alt-Del restarts the machine in order."""
    guest = ctx.boot(shell=True, reboot=True)
    guest.command("touch /tmp/here")
    press(guest, "ctrl", "alt", "delete")
    guest.wait_for("Tessera on")
    guest.wait_for_shell()
    ctx.equal(guest.command("ls /tmp"), "", "the memory file system after a reboot")
