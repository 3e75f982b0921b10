# SPDX-License-Identifier: MIT
"""The how-tos that add something, done to the letter on a copy of the tree: their blocks are applied
one after the other, what each of them touches is counted, all of it is built once, and the guest
must answer what the pages say. howto.py knows what the blocks mean."""
import shutil
import subprocess

import howto

# The page and the most that it may touch: files, where a new folder counts as one.
PAGES = (("add-command", 1), ("add-posix-call", 2), ("add-driver", 1), ("add-syscall", 4),
         ("add-operation", 6))
CHECKS = ("format", "borders", "spdx", "pages", "readmes", "links")
# What a shell needs; and all examples of docs/abi.
PROGRAMS = ("srv-init", "cmd-sh", "cmd-commands", "srv-memfs", "srv-pipes", "drv-pci", "drv-serial", "test-examples")


def run(ctx, tree, *command):
    result = subprocess.run(command, cwd=tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True)
    ctx.check(result.returncode == 0, f"{' '.join(map(str, command[:4]))}:\n{result.stdout[-6000:]}")


def copy_of(ctx):
    """The tree as git has it and will have it, with the third-party code of this one."""
    tree = ctx.folder / "tree"
    listing = subprocess.run(["git", "ls-files", "-z", "--cached", "--others",
                              "--exclude-standard"], cwd=ctx.root, capture_output=True, check=True)
    for name in filter(None, listing.stdout.decode().split("\0")):
        if (ctx.root / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ctx.root / name, tree / name)
    run(ctx, tree, "git", "init", "-q")
    third_party = ctx.root / "build" / "third-party"
    third_party.mkdir(parents=True, exist_ok=True)
    (tree / "build").mkdir()
    (tree / "build" / "third-party").symlink_to(third_party)
    return tree


def apply(ctx, tree, page, most):
    """Does what the page says; returns its blocks."""
    text = (tree / "docs" / "howto" / f"{page}.md").read_text()
    ctx.equal(howto.promise(text), most, f"how many files {page} says that it touches")
    blocks = howto.blocks(text)
    before = howto.contents(tree)
    for block in blocks:
        howto.apply(tree, block)
    touched = howto.touched(before, howto.contents(tree))
    ctx.check(0 < len(touched) <= most, f"{page} touches {', '.join(touched)}")
    ctx.note(f"{page}: {len(touched)}")
    return blocks, touched


def build(ctx, tree, programs):
    out = tree / "build" / "release"
    run(ctx, tree, "cmake", "-S", tree, "-B", out, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
        f"-DTESSERA_ONLY={';'.join(programs)}")
    run(ctx, tree, "ninja", "-C", out, "iso-test")
    return out / "tessera-test.iso"


def test_to_the_letter(ctx):
    """Each how-to touches as few files as it says, and what it adds works."""
    tree = copy_of(ctx)
    pages, programs = {}, list(PROGRAMS)
    for page, most in PAGES:
        pages[page], touched = apply(ctx, tree, page, most)
        programs += howto.targets(tree, touched)
    run(ctx, tree, tree / "tools" / "check", *CHECKS)
    image = build(ctx, tree, programs)
    words = [word for page in pages for block in pages[page] for word in block.machine]
    guest = ctx.boot(image=image, shell=True, extra=tuple(words))
    for page, blocks in pages.items():
        for line, answer in (pair for block in blocks for pair in block.session):
            found = guest.command(line, timeout=60)
            ctx.check(howto.answers(answer, found),
                      f"{page}: `{line}` should say\n{answer}\nand said\n{found}")


test_to_the_letter.timeout = 600
test_to_the_letter.alone = True
test_to_the_letter.needs = ()
