# SPDX-License-Identifier: MIT
"""Keys that QEMU presses, and what a program hears that was given the keyboard."""
import re
import time

from programs import compile_program, grants


def listener(ctx):
    """The program, with what is built of the library of layouts."""
    keymap = ctx.root / "drivers" / "lib" / "keymap"
    includes = ctx.root / "build" / "release" / "include" / "user"
    return compile_program(ctx, "listen.c", None, f"-I{includes}",
                           *(keymap / f"{part}.c" for part in ("keymap", "parse", "file")))


def boot(ctx, **more):
    entries = [grants(ctx, "give /bin/listen control"), *more.pop("entries", [])]
    return ctx.boot(shell=True, add=[listener(ctx)], entries=entries, **more)


def press(guest, *keys):
    """Presses keys together, by QEMU's names for the places on a US keyboard."""
    guest.qmp("send-key", **{"keys": [{"type": "qcode", "data": key} for key in keys],
                             "hold-time": 20})
    time.sleep(0.08)  # it presses them all, and lets go of them later


def heard(guest, layout, *strokes, driver=""):
    """What a listener with this layout hears of the strokes."""
    guest.send(f"listen {layout} {driver}\r")
    guest.wait_for(rf"listening with {layout}\n")
    for stroke in strokes:
        press(guest, *stroke.split("+"))
    press(guest, "esc")
    return guest.wait_for(r"((?:.|\n)*)\nends: OK").group(1)


def test_layouts(ctx):
    """The same keys in three layouts: characters, dead keys, AltGr, Caps Lock, keys with names."""
    guest = boot(ctx)
    ctx.equal(heard(guest, "us", "a", "shift+a", "1", "semicolon", "up", "f1", "ctrl+c", "alt+x"),
              "aA1;<ff52><ffbe>C-cA-x", "us")
    ctx.equal(heard(guest, "de", "z", "y", "semicolon", "minus", "alt_r+q", "alt_r+e", "equal", "e",
                    "shift+equal", "shift+a"), "yzöß@€éÀ", "de")
    ctx.equal(heard(guest, "fr", "q", "2", "shift+2", "bracket_left", "e", "caps_lock", "q",
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


def test_mouse(ctx):
    """The mouse's motion comes with the keys."""
    guest = boot(ctx)
    guest.send("listen us\r")
    guest.wait_for(r"listening with us\n")
    guest.qmp("input-send-event", events=[{"type": "rel", "data": {"axis": "x", "value": 7}}])
    guest.wait_for(r"\[48 7\]")
    press(guest, "esc")
    guest.wait_for(r"ends: OK")


def test_broken_layout(ctx):
    """A layout that is damaged is named, and us taken."""
    broken = ctx.folder / "broken"
    broken.write_bytes(b"TSKEYMAP\1\0\0\0" + b"\xff" * 64)
    guest = boot(ctx, entries=[f"etc/keymaps/broken={broken}"])
    guest.send("listen broken\r")
    guest.wait_for(r"listening with us\n")
    press(guest, "z")
    press(guest, "esc")
    guest.wait_for(r"z\nends: OK")
    ctx.check("keymap broken: ERR_CORRUPT; taking us" in guest.command("log"), "no line in the log")


def test_virtio(ctx):
    """A keyboard and a mouse on the bus: an instance each, beside PS/2's."""
    guest = boot(ctx, extra=("-device", "virtio-keyboard-pci", "-device", "virtio-mouse-pci"))
    ctx.equal(heard(guest, "de", "z", "alt_r+q", "equal", "e", "up", driver="virtio-input:0"),
              "y@é<ff52>", "what is typed")
    guest.send("listen us virtio-input:1\r")
    guest.wait_for(r"listening with us\n")
    guest.qmp("input-send-event", events=[{"type": "rel", "data": {"axis": "y", "value": -4}}])
    guest.wait_for(r"\[49 -4\]")


def test_driver_dies(ctx):
    """Who listened is told, and the next instance has the keyboard."""
    guest = boot(ctx)
    guest.send("listen us &\r")
    guest.wait_for(r"listening with us\n")
    guest.send("services kill ps2\r")
    guest.wait_for(r"ends: ERR_PEER_CLOSED")
    guest.command("true")  # which tells that the job has ended
    ctx.equal(heard(guest, "us", "x"), "x", "the next instance")


ON_SCREEN = (("us", ("z", "1", "shift+a"), "z1A"),
             ("de", ("y", "semicolon", "alt_r+q", "equal", "e"), "zö@é"),
             ("fr", ("q", "2", "bracket_left", "o"), "aéô"))


def test_on_screen(ctx):
    """Commands typed at the shell on the screen, in three layouts of the kernel's command line."""
    for layout, strokes, name in ON_SCREEN:
        guest = ctx.boot(shell=True, append=f"keymap={layout}")
        while not re.search(r"^shell-1 +runs", guest.command("services"), re.M):
            time.sleep(0.5)
        for stroke in ("c", "d", "ret", "t", "o", "u", "c", "h", "spc", *strokes, "ret"):
            press(guest, *stroke.split("+"))
        deadline = time.monotonic() + 20
        while (found := guest.command("ls /tmp")) != f"{name}\n":
            ctx.check(time.monotonic() < deadline, f"{layout}: {found!r}, expected {name!r}")
            time.sleep(0.5)
        guest.stop()

test_on_screen.timeout = 150


def test_control_alt_delete(ctx):
    """Ctrl-Alt-Del restarts the machine in order."""
    guest = ctx.boot(shell=True, reboot=True)
    guest.command("touch /tmp/here")
    press(guest, "ctrl", "alt", "delete")
    guest.wait_for("Tessera on")
    guest.wait_for_shell()
    ctx.equal(guest.command("ls /tmp"), "", "the memory file system after a reboot")


def test_no_controller(ctx):
    """A machine whose firmware says that it has no controller: nothing looks for one."""
    guest = ctx.boot(shell=True, extra=("-machine", "i8042=off"))
    ctx.check("ps2: this machine has no device for it" in guest.command("log"), "no line in the log")
    ctx.check(not re.search(r"ps2\b.*runs", guest.command("services")), "it runs")
