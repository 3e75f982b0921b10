# SPDX-License-Identifier: MIT
"""What a system test is given: `def test_something(ctx):` in tests/system/test_*.py.

The docstring of a function is its description. These attributes of a function change how it runs:

    test_x.timeout = SECONDS      its limit (default 120)
    test_x.alone = True           it measures time: nothing runs beside it
    test_x.needs = ()             what is built before, (kind, target) each (default: all images)
    test_x.long = True            only with --long; ctx.minutes says for how long it may work

Other tests run side by side.
"""
import contextlib
import hashlib
import pathlib
import random
import shutil
import tempfile

from .. import build
from ..machine import Options
from .guest import Guest


class SkipTest(Exception):
    """The test cannot run here; the argument says why."""


class Context:
    def __init__(self, name, settings, log_folder):
        self.name = name
        self.long, self.minutes = settings.long, settings.minutes
        digest = hashlib.sha256(f"{settings.seed}/{name}".encode()).digest()
        self.seed = int.from_bytes(digest[:4], "little")
        self.random = random.Random(self.seed)
        self.root = build.ROOT
        self.guests = []
        self.notes = []  # figures and the like, shown with the result
        self.log_folder = log_folder
        self._stack = contextlib.ExitStack()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tessera-test-"))
        self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)

    def boot(self, *, debug=False, test=False, append="", add=(), entries=(), archive=None,
             www=None, shell=False, image=None, **machine):
        """A booted guest, ended with the test.

        debug: the debug build. test: the image with the test programs. append: the kernel's
        command line. add: programs for /bin. entries: PATH=FILE in the boot archive. archive:
        another one. www: a directory to serve. shell: wait for the prompt. image: another one than
        the tree's. Others are fields of machine.Options, such as smp, memory (MiB), uefi, bochs.
        """
        kind = "debug" if debug else "release"
        image = image or build.image(kind, "iso-test" if test else "iso")
        if append or add or entries or archive:
            image = self.folder / f"image{len(self.guests)}.iso"
            build.special_image(image, kind, append=append, add=add, entries=entries,
                                archive=archive, test=test)
        if www:
            machine["disk"] = self.folder / f"disk{len(self.guests)}.img"
            build.pack_disk(www, machine["disk"])
        machine.setdefault("reboot", False)
        guest = Guest(Options(image=image, **machine), f"guest{len(self.guests)}")
        self.guests.append(guest)
        self.on_end(guest.stop)
        if shell:
            guest.wait_for_shell()
        return guest

    def init_conf(self):
        """The text of the image's /etc/init.conf, to be changed and given in `entries`."""
        return build.init_conf()

    def on_end(self, function, *arguments):
        """Calls function when the test ends, in reverse order, whatever its outcome."""
        self._stack.callback(function, *arguments)

    def check(self, condition, message):
        if not condition:
            raise AssertionError(message)

    def equal(self, found, expected, what="value"):
        if found != expected:
            raise AssertionError(f"{what}: {found!r}, expected {expected!r}")

    def note(self, text):
        """What is worth knowing of a test that passed."""
        self.notes.append(text)

    def skip(self, why):
        raise SkipTest(why)

    def close(self):
        """Ends what the test started, and keeps its consoles' logs."""
        try:
            self._stack.close()
        finally:
            for guest in self.guests:
                file = self.log_folder / f"{self.name.replace('/', '.')}.{guest.name}.log"
                file.write_text(guest.log)
