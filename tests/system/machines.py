# SPDX-License-Identifier: MIT
"""Machines of all kinds, as somebody would start them: the rows of machines.txt.

Each boots the plain image, has to serve the page by the forwarded port, and to show a prompt on the
screen that runs what is typed. Nothing is given but what the row names: no option of `./tessera run`.
"""
import pathlib
import re
from typing import NamedTuple

from screen import Screen
from test_keyboard import ON_SCREEN, press
from tessera_cmd import build
from tessera_cmd.machine import free_port

ROWS = pathlib.Path(__file__).with_name("machines.txt")
PATIENCE = 240
PROMPT = "/ $"
DISK, TINY = 8 << 20, 512  # bytes of disks that are not ours


class Row(NamedTuple):
    name: str
    long: bool
    parts: tuple


def read(text):
    """(rows, {group: {part: words}}) of machines.txt."""
    rows, groups = [], {}
    for line in text.splitlines():
        kind, *words = line.partition("#")[0].split() or [""]
        if kind == "part":
            group, part, *words = words
            groups.setdefault(group, {})[part] = words
        elif kind:
            rows.append(Row(".".join(words), {"always": False, "long": True}[kind], tuple(words)))
    return rows, groups


def rows():
    return read(ROWS.read_text())[0]


def chosen(row, groups):
    """{group: part} of a machine; each of its parts is of another group."""
    of = {part: group for group, parts in groups.items() for part in parts}
    found = {group: next(iter(parts)) for group, parts in groups.items()}
    found.update((of[part], part) for part in row.parts)
    if sum(part in row.parts for part in found.values()) != len(row.parts):
        raise ValueError(f"{row.name}: two parts of one group")
    return found


def disks_of_others(ctx):
    """What disks may hold that nobody made for this system."""
    (ctx.folder / "blank").write_bytes(bytes(DISK))
    (ctx.folder / "noise").write_bytes(ctx.random.randbytes(DISK))
    (ctx.folder / "tiny").write_bytes(bytes(TINY))


def drive(ctx, row):
    """Boots a row's machine and uses it as somebody in front of it would."""
    if row.parts[0] == "bochs":
        drive_bochs(ctx, int(row.parts[1]), row.parts[2])
        return
    groups = read(ROWS.read_text())[1]
    parts = chosen(row, groups)
    layout, strokes, typed = next(line for line in ON_SCREEN if line[0] == parts["layout"])
    disks_of_others(ctx)
    image, port = build.image("release"), free_port()
    if layout != "us":
        image = ctx.folder / "layout.iso"
        build.special_image(image, append=f"keymap={layout}")
    words = [word.format(image=str(image).replace(",", ",,"), port=port, folder=ctx.folder)
             for group, part in parts.items() for word in groups[group][part]]
    guest = ctx.boot(image=image, port=port, bare=True, reboot=True, extra=tuple(words))
    check_page(ctx, guest)
    if parts["prompt"] == "on-screen":
        check_screen(ctx, guest, strokes, typed)
    else:
        check_serial(ctx, guest)
        why = r"screen is left out: too little memory|no console on the screen: there is none"
        ctx.check(re.search(why, guest.command("log")), "there is no word of the screen")


def check_page(ctx, guest):
    status, _, body = guest.wait_for_page(timeout=PATIENCE)
    ctx.equal(status, 200, "status")
    ctx.check(body.rstrip().endswith(b"</html>"), "the page is not whole")


def check_serial(ctx, guest):
    guest.wait_for_shell(PATIENCE)
    ctx.equal(guest.command("echo hello", PATIENCE), "hello\n", "echo")


def is_prompt(lines):
    return [line for line in lines if line][-1:] == [PROMPT]


def check_screen(ctx, guest, strokes, typed):
    """Keys that are pressed at the prompt on the screen run `echo`."""
    screen = Screen(ctx, guest)
    screen.wait_for(is_prompt, "a prompt", PATIENCE)
    for stroke in (*"echo", "spc", *strokes, "ret"):
        press(guest, *stroke.split("+"))
    typed = screen.as_read(typed)
    lines = screen.wait_for(lambda lines: is_prompt(lines) and typed in lines, typed, PATIENCE)
    ctx.equal(lines[lines.index(typed) - 1], f"{PROMPT} echo {typed}", "what was typed")


def drive_bochs(ctx, cpus, model):
    guest = ctx.boot(bochs=True, smp=cpus, cpu=model, port=free_port())
    check_page(ctx, guest)
    check_serial(ctx, guest)
