# SPDX-License-Identifier: MIT
"""Bochs: the files that it reads, and its command. It has a CD-ROM drive and one network card."""
CPU = "corei7_skylake_x"
NIC = "e1000"
MAC = "52:54:00:12:34:56"
GUEST = "10.0.2.15"  # the address that its user network gives


def card(options, folder):
    """Lines for a card on a user network, which reads from a file what it forwards."""
    if options.network == ():
        return "pci: enabled=1, chipset=i440fx, slot1=pcivga"
    (folder / "slirp.conf").write_text("# slirp config\n" + "".join(
        f"hostfwd = tcp:127.0.0.1:{host}-{GUEST}:{guest}\n"
        for host, guest in options.all_forwards()))
    return f"""\
pci: enabled=1, chipset=i440fx, slot1=pcivga, slot2={NIC}
{NIC}: enabled=1, mac={MAC}, ethmod=slirp, ethdev={folder}, script=slirp.conf"""


def command(options, port, folder):
    """The words that start it in that folder; its serial line connects to that port."""
    (folder / "bochsrc").write_text(f"""\
config_interface: textconfig
display_library: sdl2
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
cpu: model={options.cpu or CPU}, count={options.smp}, ips=50000000, reset_on_triple_fault=0
memory: guest={options.memory}, host={options.memory}
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path="{options.image}", status=inserted
boot: cdrom
com1: enabled=1, mode=socket-client, dev=127.0.0.1:{port}
log: bochs.log
panic: action=fatal
error: action=report
info: action=report
debug: action=ignore
clock: sync=none
magic_break: enabled=0
mouse: enabled=0
{card(options, folder)}
""")
    (folder / "bochs.rc").write_text("c\nq\n")
    return ["bochs", "-q", "-f", "bochsrc", "-rc", "bochs.rc"]
