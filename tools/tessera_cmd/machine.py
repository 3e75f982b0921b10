# SPDX-License-Identifier: MIT
"""A virtual machine: an emulator process, its serial line, and a certain end for both.

The serial line is a socket that we listen on and the emulator connects to, so that nothing which
the guest says is lost and the guest takes input no faster than its serial port does. A Unix socket
is full after 278 single bytes: what we read is no older than that. A TCP socket has room for
megabytes: the guest does not see whether we are late. QEMU has a QMP socket besides. Everything
temporary is in one folder, which goes with the machine.
"""
import contextlib
import ctypes
import dataclasses
import errno
import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from . import bochs, build
from .console import CommandError

OVMF_CODE = "/usr/share/OVMF/OVMF_CODE_4M.fd"
OVMF_VARS = "/usr/share/OVMF/OVMF_VARS_4M.fd"
EXIT_PORT = "0xf4"
PR_SET_PDEATHSIG = 1
FORWARD_TRIES = 5
PORTS = range(10240, 32768)  # those above are the host's to give to any connection
CARDS = {"virtio": "virtio-net-pci", "e1000": "e1000", "e1000e": "e1000e",
         "rtl8139": "rtl8139", "ne2k": "ne2k_pci",
         "virtio-legacy": "virtio-net-pci,disable-modern=on,disable-legacy=off"}  # QEMU's models
ADVICE = (  # words of the emulator; what to do
    ("host forwarding", "a port is in use: choose another with --port N"),
    ("allocate memory", "this machine has not that much memory: give less with --memory"),
    ("gtk initialization failed", "no display for --window"),
)


@dataclasses.dataclass
class Options:
    """What machine to make; sizes in MiB."""
    image: pathlib.Path
    memory: int = 256
    smp: int = 1
    uefi: bool = False
    bochs: bool = False
    window: bool = False
    port: int = 0            # of 127.0.0.1, forwarded to the guest's port 80; 0 = none
    forwards: tuple = ()     # more of them: (host port, guest port)
    disk: pathlib.Path = None  # read-only, serial number "www"
    disks: tuple = ()        # files of others, read-only: serial numbers "disk1" and so on
    network: tuple = None    # QEMU words of a -netdev "net" in place of user networking; () = no card
    nic: str = "virtio"      # the network card: of CARDS
    board: str = "q35"       # QEMU's model of the machine
    iommu: str = ""          # DMA and interrupts go through one: "intel", "amd"
    icount: bool = False     # deterministic: one instruction a nanosecond
    wide: bool = False       # the serial line has room for megabytes that nobody has read
    cpu: str = ""            # the emulator's name of a model; "" = the most that it has
    reboot: bool = True      # False: a reboot ends the emulator
    bare: bool = False       # QEMU's own defaults, and what `extra` says; no other field is looked at
    extra: tuple = ()        # more words for QEMU

    def all_forwards(self):
        """(port of 127.0.0.1, port of the guest) of all that are known from the start."""
        return [*self.forwards, *([(self.port, 80)] if self.port else [])]


def port_problem(port):
    """Why nothing can be served at that port of 127.0.0.1; None if it can."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            return f"port {port} needs a right that this user has not (ports below 1024 are root's)"
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return f"port {port} of 127.0.0.1 is in use"
            return f"port {port} of 127.0.0.1: {error.strerror}"
    return None


def free_port():
    """A port that is free, and that nobody gets who does not ask for this number."""
    while True:
        port = secrets.choice(PORTS)
        if port_problem(port) is None:
            return port


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Machine:
    """A started emulator. Use as a context manager, or call stop()."""

    def __init__(self, options):
        self.options = options
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tessera-"))
        self.process = self.serial = self._qmp = None
        self.heard = False  # the guest has said something
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _start(self):
        command = (bochs.command(self.options, self._listen(), self.folder) if self.options.bochs
                   else self._qemu())
        environment = dict(os.environ)
        if self.options.bochs:
            environment["SDL_VIDEODRIVER"] = "dummy"
        self.error_file = open(self.folder / "emulator.log", "w+b")
        try:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL,
                stdout=self.error_file, stderr=subprocess.STDOUT, start_new_session=True,
                preexec_fn=die_with_parent)
        except OSError as error:
            raise CommandError(f"{command[0]}: {error.strerror}") from error
        self._accept()

    def _listen(self):
        """Where the serial line begins: its port of 127.0.0.1, or its path."""
        if self.options.wide or self.options.bochs:
            self.listener = socket.create_server(("127.0.0.1", 0))
            return self.listener.getsockname()[1]
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.folder / "serial"))
        self.listener.listen(1)
        return self.folder / "serial"

    def _accept(self):
        self.listener.settimeout(0.1)
        deadline = time.monotonic() + 30
        while self.serial is None:
            try:
                self.serial, _ = self.listener.accept()
            except TimeoutError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise CommandError(self.failure()) from None
        self.listener.close()
        self.serial.setblocking(True)

    def errors(self):
        """What the emulator itself said, without Bochs' remarks."""
        said = (self.folder / "emulator.log").read_text(errors="replace")
        return re.sub(r"(?m)^\d+i\[.*\n?", "", said).strip()[-4000:]

    def failure(self):
        """Why there is no guest: the emulator's own words, and what to do."""
        said = self.errors()
        lines = ["the emulator ended before the guest began:", said or "(it says nothing)"]
        lines += [advice for words, advice in ADVICE if words in said]
        if self.options.extra:
            lines.append("what follows -- goes to QEMU as it is: " + " ".join(self.options.extra))
        return "\n".join(lines)

    def _qemu(self):
        o, serial = self.options, self._listen()
        serial = f"host=127.0.0.1,port={serial},nodelay=on" if o.wide else f"path={serial}"
        words = [f"qemu-system-{build.ARCH}", "-name", "tessera", "-no-user-config",
                 "-chardev", f"socket,id=serial,{serial}", "-serial", "chardev:serial",
                 "-qmp", f"unix:{self.folder}/qmp,server=on,wait=off",
                 "-display", "gtk" if o.window else "none"]
        return words + (list(o.extra) if o.bare else self._hardware())

    def _hardware(self):
        o = self.options
        words = ["-nodefaults", "-machine", o.board, "-accel", "tcg", "-cpu", o.cpu or "max",
                 "-m", f"{o.memory}M", "-smp", str(o.smp), "-vga", "std",
                 "-device", f"isa-debug-exit,iobase={EXIT_PORT},iosize=4",
                 "-drive", f"if=none,id=cd,media=cdrom,readonly=on,format=raw,file={o.image}",
                 "-device", "ide-cd,drive=cd,bus=ide.0,bootindex=0"]
        if o.iommu:  # before the devices that it holds
            words += ["-device", f"{o.iommu}-iommu,intremap=on"]
        if o.icount:
            words += ["-icount", "shift=0,sleep=off", "-seed", "1"]
        if o.uefi:
            variables = self.folder / "vars.fd"
            shutil.copyfile(OVMF_VARS, variables)
            words += ["-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={OVMF_CODE}",
                      "-drive", f"if=pflash,format=raw,unit=1,file={variables}"]
        if o.disk:
            words += self._disk("www", o.disk)
        for number, file in enumerate(o.disks, 1):
            words += self._disk(f"disk{number}", file)
        if not o.reboot:
            words.append("-no-reboot")
        return words + self._network() + list(o.extra)

    def _disk(self, name, file):
        """A comma in the file's name is QEMU's separator, unless it is there twice."""
        file = str(file).replace(",", ",,")
        return ["-drive", f"if=none,id={name},format=raw,readonly=on,file={file}",
                "-device", self._virtio(f"virtio-blk-pci,drive={name},serial={name}")]

    def _network(self):
        if self.options.network is not None:
            return [*self.options.network, *self._card()] if self.options.network else []
        net = "user,id=net" + "".join(f",hostfwd=tcp:127.0.0.1:{host}-:{guest}"
                                      for host, guest in self.options.all_forwards())
        return ["-netdev", net, *self._card()]

    def _card(self):
        device = f"{CARDS[self.options.nic]},netdev=net"
        virtio = self.options.nic == "virtio"
        return ["-device", self._virtio(device) if virtio else f"{device},romfile="]

    def _virtio(self, device):
        """A virtio device as a real one: behind the IOMMU, if there is one, and of version 1."""
        platform = ",iommu_platform=on" if self.options.iommu else ""
        return f"{device},disable-legacy=on,romfile={platform}"

    def receive(self, timeout):
        """Bytes from the guest; None if there are none within timeout, b"" at its end."""
        self.serial.settimeout(timeout)
        try:
            data = self.serial.recv(65536)
        except (TimeoutError, BlockingIOError):
            return None
        except OSError:
            return b""
        self.heard = self.heard or bool(data)
        return data

    def send(self, data):
        """Gives the guest bytes to read; waits while its serial port takes none."""
        self.serial.settimeout(None)
        with contextlib.suppress(OSError):
            if not self.options.bochs:
                self.serial.sendall(data)
                return
            for byte in data:  # Bochs' port has no flow control towards us
                self.serial.sendall(bytes([byte]))
                time.sleep(0.02)

    def exit_status(self, timeout=5):
        """The status of the guest: 0 after a power-off, or what it wrote to the exit port."""
        code = self.process.wait(timeout)
        if not self.heard:  # a guest would have said something
            raise CommandError(self.failure())
        if self.options.bochs or code == 0:
            return 0
        return 128 - code if code < 0 else code >> 1

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def qmp(self, command, **arguments):
        """Runs a QMP command and returns its result."""
        if self._qmp is None:
            self._qmp = Qmp(self.folder / "qmp")
        return self._qmp.run(command, arguments)

    def forward(self, guest_port):
        """A free port of 127.0.0.1 that leads to one of the guest from now on."""
        for _ in range(FORWARD_TRIES):  # another process may take the port meanwhile
            port = free_port()
            rule = f"hostfwd_add net tcp:127.0.0.1:{port}-:{guest_port}"
            problem = self.qmp("human-monitor-command", **{"command-line": rule})
            if not problem:
                return port
        raise CommandError(f"{rule}: {problem}")

    def stop(self):
        """Ends the emulator, at once, and removes what it needed."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(0.5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for thing in (self.serial, self._qmp, getattr(self, "listener", None),
                      getattr(self, "error_file", None)):
            if thing is not None:
                thing.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Qmp:
    """QEMU's machine protocol: one JSON object a line."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(str(path))
        self.file = self.socket.makefile("rw")
        self.lock = threading.Lock()
        self.file.readline()
        self.run("qmp_capabilities", {})

    def run(self, command, arguments):
        with self.lock:
            self.file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
            self.file.flush()
            while line := self.file.readline():
                answer = json.loads(line)
                if "return" in answer:
                    return answer["return"]
                if "error" in answer:
                    raise CommandError(f"QMP {command}: {answer['error']['desc']}")
        raise CommandError(f"QMP {command}: the emulator is gone")

    def close(self):
        self.socket.close()
