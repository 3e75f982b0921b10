# SPDX-License-Identifier: MIT
"""Programs spoiled in many ways: ELF-64 files whose headers are changed."""
import struct

HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
PROGRAM = struct.Struct("<IIQQQQQQ")
HEADER_FIELDS = ("ident", "type", "machine", "version", "entry", "program_offset",
                 "section_offset", "flags", "header_size", "program_size", "program_count",
                 "section_size", "section_count", "names")
PROGRAM_FIELDS = ("type", "flags", "offset", "address", "physical", "file_size", "memory_size",
                  "align")
LOAD, INTERPRETER = 1, 3


def header(data):
    return dict(zip(HEADER_FIELDS, HEADER.unpack_from(data)))


def segments(data):
    """[(position in the file, fields)] of the segments that are loaded."""
    fields = header(data)
    found = []
    for number in range(fields["program_count"]):
        at = fields["program_offset"] + number * fields["program_size"]
        program = dict(zip(PROGRAM_FIELDS, PROGRAM.unpack_from(data, at)))
        if program["type"] == LOAD:
            found.append((at, program))
    return found


def with_header(data, **changes):
    out = bytearray(data)
    HEADER.pack_into(out, 0, *{**header(data), **changes}.values())
    return bytes(out)


def with_segment(data, number, **changes):
    out = bytearray(data)
    at, program = segments(data)[number]
    PROGRAM.pack_into(out, at, *{**program, **changes}.values())
    return bytes(out)


def spoiled(data):
    """{name: bytes}: none of them is a program."""
    loads = [program for _, program in segments(data)]
    first, second, last = loads[0], loads[1], loads[-1]
    last_page = (first["address"] + first["memory_size"] - 1) // 4096 * 4096
    last_byte = max(program["offset"] + program["file_size"] for program in loads)
    return {
        "empty": b"", "text": b"echo this is no program\n" * 3, "zeros": bytes(8192),
        "cut-in-header": data[:40], "cut-in-table": data[:100],
        "cut-in-half": data[:last_byte // 2], "cut-at-end": data[:last_byte - 1],
        "not-for-us": with_header(data, machine=3), "not-independent": with_header(data, type=2),
        "other-class": data[:4] + b"\1" + data[5:],
        "many-segments": with_header(data, program_count=0xffff),
        "table-beyond": with_header(data, program_offset=1 << 40),
        "odd-table": with_header(data, program_size=1),
        "entry-beyond": with_header(data, entry=1 << 46),
        "entry-in-data": with_header(data, entry=last["address"]),
        "overlap": with_segment(data, 1, address=first["address"] + second["address"] % 4096),
        "same-page": with_segment(data, 1, address=last_page + second["address"] % 4096),
        "backwards": with_segment(data, 1, address=(1 << 30) + second["address"] % 4096),
        "offset-beyond": with_segment(data, 1, offset=(1 << 40) + second["address"] % 4096),
        "offset-wraps": with_segment(data, 1, offset=(1 << 64) - 4096 + second["address"] % 4096),
        "huge": with_segment(data, len(loads) - 1, memory_size=1 << 62),
        "wraps": with_segment(data, len(loads) - 1, memory_size=(1 << 64) - 4096),
        "file-larger": with_segment(data, 1, memory_size=second["file_size"] - 1),
        "misaligned": with_segment(data, 1, offset=second["offset"] + 1),
        "writable-text": with_segment(data, 1, flags=7),
        "interpreter": with_segment(data, 0, type=INTERPRETER),
    }
