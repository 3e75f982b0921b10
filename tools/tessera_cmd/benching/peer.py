# SPDX-License-Identifier: MIT
"""A Linux guest to compare with: Debian's kernel for virtual machines, busybox and nginx, as an ISO
image that GRUB boots. Packages come by tools/fetch's private apt and are kept in its cache.

The guest has what it needs in its initial RAM disk and does nothing but bring up the network, with
a fixed address, and start nginx: much less than a distribution does.
"""
import importlib.machinery
import importlib.util
import os
import pathlib
import re
import shutil
import stat
import subprocess
import tempfile

from .. import build
from ..console import CommandError, say

META_PACKAGE = "linux-image-cloud-amd64"
PACKAGES = ("busybox-static", "nginx", "libc6", "libcrypt1", "libpcre2-8-0", "libssl3", "zlib1g")
MODULES = ("virtio_pci", "virtio_net")
FILES = ("usr/sbin/nginx", "bin/busybox", "lib64/ld-linux-x86-64.so.2")
LIBRARIES = ("libc.so.6", "libcrypt.so.1", "libpcre2-8.so.0", "libssl.so.3", "libcrypto.so.3",
             "libz.so.1", "libpthread.so.0", "libdl.so.2")
WORDS = ("console=ttyS0 quiet mitigations=off audit=0 selinux=0 apparmor=0 init_on_alloc=0 "
         "random.trust_cpu=on")
HANDOVER = "handing over"
GRUB = f"""\
set timeout=0
serial --unit=0 --speed=115200
terminal_input serial console
terminal_output serial console
menuentry "Linux" {{
    linux /boot/linux {WORDS}
    initrd /boot/initrd
    echo "{HANDOVER}"
    boot
}}
"""
NGINX = """\
user root root;
worker_processes 1;
pid /run/nginx.pid;
error_log /var/log/error.log;
events { worker_connections 4096; }
http {
    access_log /var/log/access.log combined;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    keepalive_timeout 3600s;
    open_file_cache max=100;
    default_type application/octet-stream;
    server { listen 80 backlog=4096; root /www; }
}
"""
INIT = """\
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
for module in @MODULES@; do /bin/busybox insmod /modules/$module.ko; done
/bin/busybox ifconfig lo 127.0.0.1 up
/bin/busybox ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up
/usr/sbin/nginx -c /etc/nginx.conf
echo serving
while true; do /bin/busybox sleep 3600; done
"""


def fetcher():
    """tools/fetch as a module."""
    path = build.ROOT / "tools" / "fetch"
    loader = importlib.machinery.SourceFileLoader("fetch", str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("fetch", loader))
    loader.exec_module(module)
    return module


def field(apt, package, name):
    match = re.search(rf"^{name}: (.*)$", apt.run("apt-cache", "show", package).stdout, re.M)
    if match is None:
        raise CommandError(f"the mirrors have no package {package}")
    return match.group(1)


def packages(cache):
    """{package: its .deb}, downloaded where they are not in the cache yet; and their versions."""
    fetch = fetcher()
    cache.mkdir(parents=True, exist_ok=True)
    apt = fetch.PrivateApt()
    apt.prepare()
    kernel = field(apt, META_PACKAGE, "Depends").split()[0]
    found, versions = {}, {}
    for package in (kernel, *PACKAGES):
        versions[package] = field(apt, package, "Version")
        file = cache / os.path.basename(field(apt, package, "Filename"))
        if not file.exists():
            say(f"downloading {package} {versions[package]}")
            with tempfile.TemporaryDirectory(dir=cache) as folder:
                result = apt.run("apt-get", "download", f"{package}={versions[package]}",
                                 cwd=folder)
                debs = list(pathlib.Path(folder).glob("*.deb"))
                if len(debs) != 1:
                    raise CommandError(f"{package} could not be downloaded:\n{result.stdout}")
                os.replace(debs[0], file)
        found[package] = file
    return found, versions


def modules_of(tree):
    """{name: file} of MODULES and what they need, each after what it needs; those that are built
    into the kernel have no file."""
    files = {path.stem.replace("-", "_"): path for path in tree.glob("**/*.ko")}
    chosen = {}

    def choose(name):
        if name in chosen or name not in files:
            return
        match = re.search(rb"\0depends=([\w,-]*)\0", files[name].read_bytes())
        for needed in (match.group(1).decode() if match else "").split(","):
            choose(needed.replace("-", "_"))
        chosen[name] = files[name]
    for name in MODULES:
        choose(name)
    return chosen


def cpio_entry(number, name, mode, data=b""):
    """An entry of the "newc" format, which the kernel's initial RAM disk has."""
    path = name.encode() + b"\0"
    words = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0)
    head = b"070701" + b"".join(b"%08x" % word for word in words) + path
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)


def ram_disk(entries):
    """entries: {path: bytes, or None for a directory}. Files are executable, for it is simpler."""
    out = []
    folders = {str(parent) for path in entries for parent in pathlib.PurePath(path).parents} - {"."}
    for name in sorted(folders):
        out.append(cpio_entry(len(out), name, stat.S_IFDIR | 0o755))
    for name, data in entries.items():
        if data is not None:
            out.append(cpio_entry(len(out), name, stat.S_IFREG | 0o755, data))
        elif name not in folders:
            out.append(cpio_entry(len(out), name, stat.S_IFDIR | 0o755))
    out.append(cpio_entry(0, "TRAILER!!!", 0))
    return b"".join(out)


def content(tree, page):
    """What is in the RAM disk."""
    modules = modules_of(tree)
    entries = dict.fromkeys(("proc", "sys", "dev", "run", "tmp", "var/log", "var/lib/nginx"))
    entries["init"] = INIT.replace("@MODULES@", " ".join(modules)).encode()
    entries["etc/nginx.conf"] = NGINX.encode()
    entries["etc/passwd"] = b"root:x:0:0::/:/bin/sh\n"
    entries["etc/group"] = b"root:x:0:\n"
    entries["www/page"] = entries["www/index.html"] = page
    for name, file in modules.items():
        entries[f"modules/{name}.ko"] = file.read_bytes()
    for name in FILES:
        entries[name] = (tree / name).read_bytes()
    for name in LIBRARIES:
        file = next(iter(sorted(tree.glob(f"**/lib/x86_64-linux-gnu/{name}"))), None)
        if file is not None:
            entries[f"lib/x86_64-linux-gnu/{name}"] = file.read_bytes()
    return entries


def make(folder, page):
    """Makes the image, which serves `page` as / and /page; returns it and the packages' versions."""
    found, versions = packages(fetcher().CACHE / "linux")
    tree = folder / "tree"
    for package in found.values():
        subprocess.run(["dpkg-deb", "-x", package, tree], check=True)
    boot = folder / "iso" / "boot"
    (boot / "grub").mkdir(parents=True)
    (boot / "grub" / "grub.cfg").write_text(GRUB)
    shutil.copyfile(next((tree / "boot").glob("vmlinuz-*")), boot / "linux")
    (boot / "initrd").write_bytes(ram_disk(content(tree, page)))
    image = folder / "linux.iso"
    result = subprocess.run(["grub-mkrescue", "-o", image, "--fonts=", "--locales=", "--themes=",
                             folder / "iso"], capture_output=True, text=True)
    if result.returncode:
        raise CommandError(f"grub-mkrescue failed:\n{result.stderr}")
    shutil.rmtree(tree)
    return image, versions
