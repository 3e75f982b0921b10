# SPDX-License-Identifier: MIT
"""A number does not stand where there is a name for it: the values that have one of a handle, a
status, a pointer, a bool and an enumeration, and of what is called a deadline or a priority."""
import re

from checks import syntax

TYPES = {"ts_handle_t": {0: "TS_HANDLE_NONE"}, "ts_status_t": {0: "TS_OK"},
         "_Bool": {0: "false", 1: "true"}, "bool": {0: "false", 1: "true"}}
CALLED = (("deadline", {0: "TS_DEADLINE_NONE", 1: "TS_DEADLINE_PAST"}),
          ("priority", {0: "TS_PRIORITY_IDLE", 16: "TS_PRIORITY_NORMAL", 24: "TS_PRIORITY_DRIVER",
                        31: "TS_PRIORITY_MAX", 255: "TS_PRIORITY_INHERIT"}))
OPERATORS = re.compile(rb"[\s()]*(?:==|!=|=)[\s()]*")
NUMBER = re.compile(rb"0x[\da-f]+|\d+", re.I)


def names_for(kind, called):
    """{number: name} of the values of this type, of a thing that is called so."""
    spelling = kind.spelling.replace("const ", "")
    if spelling in TYPES:
        return TYPES[spelling]
    canonical = kind.get_canonical()
    if canonical.kind.name == "ENUM":
        return {one.enum_value: one.spelling for one in canonical.get_declaration().get_children()}
    if canonical.kind.name == "POINTER":
        return {0: "NULL"}
    return next((names for end, names in CALLED if called.endswith(end)), {})


def parameters(call):
    """[(type, name)] of what is called."""
    function = call.referenced
    if function is not None and function.kind.name == "FUNCTION_DECL":
        return [(one.type, one.spelling) for one in function.get_arguments()]
    kind = next(call.get_children()).type
    kind = kind if kind.kind.name == "POINTER" else kind.get_canonical()
    pointee = kind.get_pointee()
    if pointee.get_canonical().kind.name != "FUNCTIONPROTO":
        return []
    return [(one, "") for one in syntax.argument_types(pointee)]


class Numbers(syntax.Visitor):
    """found: (file, line, what there is instead)."""

    def declare(self, cursor):
        self.result = cursor.result_type if cursor.kind.name == "FUNCTION_DECL" else None

    def expect(self, cursor, kind, called):
        """This is given where a value of a type is wanted."""
        value = syntax.value_of(cursor)
        what = value.kind.name
        if what == "CONDITIONAL_OPERATOR":
            for child in list(value.get_children())[1:]:
                self.expect(child, kind, called)
        elif what == "CSTYLE_CAST_EXPR":
            self.expect(list(value.get_children())[-1], value.type, called)
        elif what == "INTEGER_LITERAL":
            self.number(value, kind, called)

    def number(self, literal, kind, called):
        file, line, offset = syntax.written_at(literal)
        if file and syntax.ours(file) and (match := NUMBER.match(self.text(file), offset)):
            digits = match.group().lower()
            number = int(digits, 16 if digits[:2] == b"0x" else 8 if digits[:1] == b"0" else 10)
            if name := names_for(kind, called).get(number):
                self.found.add((file, line, f"{number} where there is a name: {name}"))

    def visit(self, cursor, children):
        kind = cursor.kind.name
        if kind == "CALL_EXPR" and children:
            given = list(cursor.get_arguments())
            for one, (wanted, called) in zip(given, parameters(cursor)):
                self.expect(one, wanted, called)
        elif kind == "BINARY_OPERATOR":
            self.compare(*children)
        elif kind == "VAR_DECL" and children:
            self.expect(children[-1], cursor.type, cursor.spelling)
        elif kind == "RETURN_STMT" and children and self.result is not None:
            self.expect(children[0], self.result, "")
        elif kind == "UNEXPOSED_EXPR" and len(children) == 2 and children[0].kind.name == "MEMBER_REF":
            field = children[0].referenced  # .field = value
            self.expect(children[1], field.type, field.spelling)

    def compare(self, left, right):
        """… = number, … == number"""
        end, start = left.extent.end, right.extent.start
        if end.file is None or start.file is None or end.file.name != start.file.name:
            return
        if OPERATORS.fullmatch(self.text(end.file.name)[end.offset:start.offset]):
            left = syntax.value_of(left)
            if left.kind.name != "INTEGER_LITERAL":
                self.expect(right, left.type, left.spelling)
