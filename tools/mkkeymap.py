#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes the layouts of keyboards for the image: mkkeymap.py -o FOLDER.

What a key means is xkb-data's word, as libxkbcommon compiles it (by its library, so that nothing of
XKB's language is read here); sequences of dead keys and of Compose are libx11-data's. The files are
as drivers/lib/keymap/format.h has them.
"""
import argparse
import ctypes
import pathlib
import re
import struct
import sys

# NAME: layout, variant, model of XKB's rules. Those of other alphabets come second, beside `us`.
LAYOUTS = {
    "us": ("us", "", "pc105"), "us-intl": ("us", "intl", "pc105"),
    "dvorak": ("us", "dvorak", "pc105"), "colemak": ("us", "colemak", "pc105"),
    "gb": ("gb", "", "pc105"), "ie": ("ie", "", "pc105"),
    "de": ("de", "", "pc105"), "de-nodeadkeys": ("de", "nodeadkeys", "pc105"),
    "at": ("at", "", "pc105"), "ch": ("ch", "", "pc105"), "ch-fr": ("ch", "fr", "pc105"),
    "fr": ("fr", "", "pc105"), "fr-bepo": ("fr", "bepo", "pc105"), "be": ("be", "", "pc105"),
    "ca": ("ca", "", "pc105"), "es": ("es", "", "pc105"), "latam": ("latam", "", "pc105"),
    "pt": ("pt", "", "pc105"), "br": ("br", "", "abnt2"), "it": ("it", "", "pc105"),
    "nl": ("nl", "", "pc105"), "dk": ("dk", "", "pc105"), "no": ("no", "", "pc105"),
    "se": ("se", "", "pc105"), "fi": ("fi", "", "pc105"), "is": ("is", "", "pc105"),
    "ee": ("ee", "", "pc105"), "lv": ("lv", "", "pc105"), "lt": ("lt", "", "pc105"),
    "pl": ("pl", "", "pc105"), "cz": ("cz", "", "pc105"), "sk": ("sk", "", "pc105"),
    "hu": ("hu", "", "pc105"), "ro": ("ro", "", "pc105"), "si": ("si", "", "pc105"),
    "hr": ("hr", "", "pc105"), "tr": ("tr", "", "pc105"), "jp": ("jp", "", "jp106"),
    "ru": ("us,ru", ",", "pc105"), "ua": ("us,ua", ",", "pc105"), "bg": ("us,bg", ",", "pc105"),
    "gr": ("us,gr", ",", "pc105"), "il": ("us,il", ",", "pc105"),
}
COMPOSE_KEY = "compose:menu"
SECOND_LAYOUT = "grp:shift_caps_toggle"  # Shift and Caps Lock change to it and back
COMPOSE = "/usr/share/X11/locale/en_US.UTF-8/Compose"

HEAD = struct.Struct("<8s6I")
KEY = struct.Struct("<HBBI")
COMPOSE_HEAD = struct.Struct("<8sII")
SEQUENCE = struct.Struct("<4I")
VERSION = 1
CONDITIONS = 32
SEQUENCE_MAX = 3
NAMED = 0x80000000
NAMED_LAST = 0xffff

# HID usage of the keyboard page -> evdev's code, for whole runs; XKB's keycode is 8 more.
RUNS = (
    (0x04, (30, 48, 46, 32, 18, 33, 34, 35, 23, 36, 37, 38, 50, 49, 24, 25, 16, 19, 31, 20, 22, 47,
            17, 45, 21, 44)),  # a to z
    (0x1e, (2, 3, 4, 5, 6, 7, 8, 9, 10, 11)),  # 1 to 0
    (0x28, (28, 1, 14, 15, 57, 12, 13, 26, 27, 43, 43, 39, 40, 41, 51, 52, 53, 58)),  # Enter … Caps Lock
    (0x3a, (59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 87, 88)),  # F1 to F12
    (0x46, (99, 70, 119, 110, 102, 104, 111, 107, 109, 106, 105, 108, 103)),  # Print … Up
    (0x53, (69, 98, 55, 74, 78, 96, 79, 80, 81, 75, 76, 77, 71, 72, 73, 82, 83)),  # the keypad
    (0x64, (86, 127, 116, 117, 183, 184, 185, 186, 187, 188, 189, 190, 191, 192, 193, 194)),
    (0x85, (121,)), (0x87, (89, 93, 124, 92, 94, 95)),  # Brazil's comma; international 1 to 6
    (0x90, (122, 123, 90, 91, 85)),  # languages 1 to 5
    (0xe0, (29, 42, 56, 125, 97, 54, 100, 126)),  # Control, Shift, Alt, Super
)

# Keys of the numeric keypad do as those that they stand for, and Shift-Tab is Tab with Shift.
SAME = {"KP_Enter": "Return", "KP_Tab": "Tab", "KP_Home": "Home", "KP_Left": "Left", "KP_Up": "Up",
        "KP_Right": "Right", "KP_Down": "Down", "KP_Page_Up": "Page_Up", "KP_Page_Down": "Page_Down",
        "KP_End": "End", "KP_Insert": "Insert", "KP_Delete": "Delete", "ISO_Left_Tab": "Tab"}


class Names(ctypes.Structure):
    _fields_ = [(name, ctypes.c_char_p) for name in ("rules", "model", "layout", "variant", "options")]


def load_library():
    library = ctypes.CDLL("libxkbcommon.so.0")
    for name, result in (("context_new", ctypes.c_void_p), ("keymap_new_from_names", ctypes.c_void_p),
                         ("state_new", ctypes.c_void_p), ("state_key_get_one_sym", ctypes.c_uint32),
                         ("keymap_mod_get_index", ctypes.c_uint32),
                         ("keysym_to_utf32", ctypes.c_uint32), ("keysym_from_name", ctypes.c_uint32)):
        getattr(library, f"xkb_{name}").restype = result
    return library


XKB = load_library()
NAMES = {XKB.xkb_keysym_from_name(name.encode(), 0): XKB.xkb_keysym_from_name(same.encode(), 0)
         for name, same in SAME.items()}


def symbol(keysym):
    """As the format has it; 0: none, or one that only a desktop knows."""
    keysym = NAMES.get(keysym, keysym)
    character = XKB.xkb_keysym_to_utf32(keysym)
    if character >= 0x20 and character != 0x7f:
        return character
    return NAMED | keysym if 0 < keysym <= NAMED_LAST else 0


class Layout:
    """A layout of XKB, asked for symbols."""

    def __init__(self, layout, variant, model):
        context = ctypes.c_void_p(XKB.xkb_context_new(0))
        self.groups = layout.count(",") + 1
        options = COMPOSE_KEY + (f",{SECOND_LAYOUT}" if self.groups > 1 else "")
        names = Names(b"evdev", model.encode(), layout.encode(), variant.encode(), options.encode())
        self.keymap = ctypes.c_void_p(XKB.xkb_keymap_new_from_names(context, ctypes.byref(names), 0))
        if not self.keymap:
            sys.exit(f"mkkeymap: {layout} {variant}: XKB has no such layout")
        self.state = ctypes.c_void_p(XKB.xkb_state_new(self.keymap))
        # AltGr is Mod5 and Num Lock is Mod2 in all of XKB's rules for the PC.
        self.masks = [1 << XKB.xkb_keymap_mod_get_index(self.keymap, name)
                      for name in (b"Shift", b"Mod5", b"Lock", b"Mod2")]

    def row(self, keycode):
        """What a key gives in each of the format's cases."""
        symbols = []
        for condition in range(CONDITIONS):
            on = [mask if condition >> bit & 1 else 0 for bit, mask in enumerate(self.masks)]
            group = 1 if condition >> 4 and self.groups > 1 else 0
            XKB.xkb_state_update_mask(self.state, on[0] | on[1], 0, on[2] | on[3], 0, 0, group)
            symbols.append(symbol(XKB.xkb_state_key_get_one_sym(self.state, keycode)))
        return symbols


def layout_file(layout):
    """The bytes of a layout's file."""
    keys, patterns, pool = [], [], []
    for first, codes in RUNS:
        for usage, code in enumerate(codes, first):
            row = layout.row(code + 8)
            own = list(dict.fromkeys(row))
            if own == [0]:
                continue
            pattern = bytes(own.index(value) for value in row)
            if pattern not in patterns:
                patterns.append(pattern)
            keys.append(KEY.pack(usage, patterns.index(pattern), len(own), len(pool)))
            pool += own
    head = HEAD.pack(b"TSKEYMAP", VERSION, layout.groups, len(keys), len(patterns), len(pool), 0)
    return head + b"".join(keys + patterns) + struct.pack(f"<{len(pool)}I", *pool)


def sequences(text):
    """Symbols -> character, of a Compose file's lines."""
    found = {}
    for names, result in re.findall(r'^((?:\s*<\w+>)+)\s*:\s*"((?:[^"\\]|\\.)+)"', text, re.M):
        keysyms = [XKB.xkb_keysym_from_name(name.encode(), 0) for name in re.findall(r"<(\w+)>", names)]
        symbols = tuple(symbol(keysym) for keysym in keysyms)
        begins = symbols[0] & NAMED  # a dead key or Compose: no other key waits for what follows
        result = result[1:] if result in ('\\"', "\\\\") else result
        if begins and 0 not in symbols and 2 <= len(symbols) <= SEQUENCE_MAX and len(result) == 1 and \
                ord(result) >= 0x20:
            found[symbols] = ord(result)
    # One that begins another ends first, and the other could not be typed.
    return {symbols: result for symbols, result in found.items()
            if not any(symbols[:n] in found for n in range(1, len(symbols)))}


def compose_file(text):
    """The bytes of the sequences' file."""
    found = sorted((symbols + (0,) * (SEQUENCE_MAX - len(symbols)), character)
                   for symbols, character in sequences(text).items())
    body = b"".join(SEQUENCE.pack(*symbols, character) for symbols, character in found)
    return COMPOSE_HEAD.pack(b"TSCOMPOS", VERSION, len(found)) + body


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    for old in options.output.iterdir():
        old.unlink()
    for name, words in LAYOUTS.items():
        (options.output / name).write_bytes(layout_file(Layout(*words)))
    text = pathlib.Path(COMPOSE).read_text(encoding="utf-8")
    (options.output / "compose").write_bytes(compose_file(text))


if __name__ == "__main__":
    main()
