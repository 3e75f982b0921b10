# SPDX-License-Identifier: MIT
"""Programs that tests compile with the SDK as a user would."""
import subprocess


def grants(ctx, *lines):
    """An entry of the archive: the shell's programs get what is shipped, and what these lines say."""
    rights = ctx.folder / "rights"
    shipped = (ctx.root / "iso" / "etc" / "rights").read_text()
    rights.write_text(shipped + "".join(f"{line}\n" for line in lines))
    return f"etc/rights={rights}"


def compile_program(ctx, source, name=None, *options):
    """Compiles a C file of this folder, or a path; the program, in the test's folder."""
    source = ctx.root / "tests" / "system" / source
    program = ctx.folder / (name or source.stem)
    subprocess.run([ctx.root / "tessera", "build", "sdk"], check=True, capture_output=True)
    command = [ctx.root / "build" / "sdk" / "bin" / "tessera-cc", "-O2", "-Wall", "-Werror",
               *options, source, "-o", program]
    result = subprocess.run(command, capture_output=True, text=True)
    ctx.equal(result.returncode, 0, f"tessera-cc {source.name}: {result.stderr[-1500:]}")
    return program


def config_for_shell(ctx, lines):
    """The image's init.conf, in which the serial line's shell has these lines more."""
    text, shell = ctx.init_conf(), "\nservice shell\n"
    ctx.equal(text.count(shell), 1, "shells of the serial line")
    return text.replace(shell, shell + lines)
