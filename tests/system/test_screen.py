# SPDX-License-Identifier: MIT
"""The console on the screen, read from pictures that the emulator takes of it."""
from screen import Screen, press, type_text
from tessera_cmd import build

PROMPT = "/ $"
RED, GREEN, BLUE = b"\xaa\0\0", b"\0\xaa\0", b"\0\0\xaa"
LINES = 100
ART = ("\x1b[31mred \x1b[42mon green\x1b[m plain \x1b[1mbright\x1b[m\n"
       "┌──┐ äöüß € é ñ Ω я\n" + "".join(f"line {i}\n" for i in range(LINES)))


def is_prompt(lines):
    return [line for line in lines if line][-1:] == [PROMPT]


def special(ctx, mode):
    """An image that asks GRUB for a mode."""
    template = ctx.folder / "grub.cfg"
    shipped = (ctx.root / "iso" / "boot" / "grub" / "grub.cfg").read_text()
    words = f"insmod all_video\nset gfxpayload={mode}"
    template.write_text(shipped.replace("insmod all_video", words))
    image = ctx.folder / "mode.iso"
    build.special_image(image, template=template)
    return image


def test_boot(ctx):
    """The plain machine: each service as it comes up, the address, and a prompt that answers."""
    guest = ctx.boot()
    screen = Screen(ctx, guest)
    lines = screen.wait_for(is_prompt, "a prompt")
    text = "\n".join(lines)
    for words in ("boot: ", "init: pci started"):  # others may come after the prompt
        ctx.check(words in text, f"{words!r} is not above the prompt:\n{text}")
    ctx.check("\0" not in text, f"cells that no glyph fits:\n{text}")
    type_text(guest, "echo hello\n")
    lines = screen.wait_for(lambda lines: is_prompt(lines) and "hello" in lines, "the answer")
    ctx.equal(lines[lines.index("hello") - 1], PROMPT + " echo hello", "what was typed")
    press(guest, "alt-f5")
    for words in ("init: httpd is ready", "address 10.0.2.15", "httpd: serving on port 80"):
        screen.wait_for(lambda lines: any(words in line for line in lines), words)

test_boot.timeout = 150


def test_colours(ctx):
    """Colours, letters and lines are exact; what has left the screen comes back."""
    art = ctx.folder / "art"
    art.write_text(ART)
    guest = ctx.boot(entries=[f"etc/art={art}"])
    screen = Screen(ctx, guest)
    screen.wait_for(is_prompt, "a prompt")
    type_text(guest, "head -n 2 /etc/art\n")
    letters = screen.as_read("┌──┐ äöüß € é ñ Ω я")
    lines = screen.wait_for(lambda lines: letters in lines and is_prompt(lines), letters)
    row = screen.cells()[lines.index(letters) - 1]
    ctx.equal([cell[0] for cell in row[:6]], list("red on"), "the coloured line")
    ctx.equal(row[0][1:], (RED, b"\0\0\0"), "red")
    ctx.equal(row[4][1:], (RED, GREEN), "red on green")
    ctx.equal(row[13][1], b"\xaa\xaa\xaa", "plain")
    ctx.equal(row[19][1], b"\xff\xff\xff", "bright")
    type_text(guest, "cat /etc/art\n")
    lines = screen.wait_for(lambda lines: f"line {LINES - 1}" in lines and is_prompt(lines),
                            "all lines")
    end = lines.index(f"line {LINES - 1}")
    ctx.equal(lines[:end + 1], [f"line {LINES - 1 - end + i}" for i in range(end + 1)], "the lines")
    press(guest, "shift-pgup")
    first = LINES - 1 - end - len(lines) // 2
    screen.wait_for(lambda lines: lines[0] == f"line {first}", f"line {first} at the top")
    press(guest, "shift-pgdn")
    screen.wait_for(lambda lines: is_prompt(lines), "the end again")

test_colours.timeout = 150


def test_consoles(ctx):
    """Four consoles, each with a shell that starts when it is looked at; the log; and no other."""
    guest = ctx.boot()
    screen = Screen(ctx, guest)
    screen.wait_for(is_prompt, "a prompt")
    press(guest, "alt-f3")
    screen.wait_for(lambda lines: lines[0] == PROMPT and not any(lines[1:]), "a prompt alone")
    type_text(guest, "echo third\n")
    screen.wait_for(lambda lines: lines[1] == "third", "the answer")
    press(guest, "alt-f5")
    screen.wait_for(lambda lines: any("init: shell-3 started" in line for line in lines), "the log")
    press(guest, "alt-f1")
    lines = screen.wait_for(is_prompt, "the first console")
    ctx.check("third" not in lines, "another console's lines are on the first")
    guest.wait_for_shell()
    states = guest.command("services")
    for name, state in (("shell-1", "runs"), ("shell-2", "waiting"), ("shell-3", "runs")):
        ctx.check(f"{name}      {state}" in states, f"{name} is not {state}:\n{states}")

test_consoles.timeout = 150


def test_modes(ctx):
    """16 and 24 bits."""
    for mode in ("800x600x16", "640x480x24"):
        guest = ctx.boot(image=special(ctx, mode), shell=True)
        screen = Screen(ctx, guest)
        lines = screen.wait_for(is_prompt, f"a prompt in {mode}")
        ctx.check(any("init: pci started" in line for line in lines), "\n".join(lines))
        guest.stop()

test_modes.timeout = 200


def test_none(ctx):
    """Without a screen its service ends, once, and all else is as ever; console= leaves it out."""
    guest = ctx.boot(shell=True, extra=("-vga", "none"))
    guest.wait_for_page()
    states = guest.command("services | grep screen")
    ctx.check("stopped" in states and "ended with 0" in states, states)
    ctx.equal(guest.command("log | grep 'no console'").count("there is none"), 1, "lines of it")
    guest = ctx.boot(shell=True, append="console=serial")
    ctx.check("stopped" in guest.command("services | grep screen"), "it was started")

test_none.timeout = 120
