"""Disables one line of a C file: finds what the line decides in clang's syntax tree, and gives the text with that taken away."""

import re
import sys
from pathlib import Path

try:
    from clang import cindex
    from clang.cindex import CursorKind as Kind
    from clang.cindex import TypeKind
except ImportError:
    sys.exit("clang's Python module is missing. Fix: apt-get install python3-clang-14")

LOOPS = {Kind.WHILE_STMT, Kind.FOR_STMT, Kind.DO_STMT}
INTEGERS = {TypeKind.INT, TypeKind.UINT, TypeKind.LONG, TypeKind.ULONG, TypeKind.LONGLONG, TypeKind.ULONGLONG, TypeKind.SHORT, TypeKind.USHORT,
            TypeKind.UCHAR, TypeKind.SCHAR, TypeKind.CHAR_S, TypeKind.ENUM}


GUARDING_FLAGS = ("O_NOFOLLOW", "O_EXCL", "RESOLVE_NO_SYMLINKS")
ALL_WELL = re.compile(r"\{?\s*return (?:0|TP_OK|TPC_OK|TPI_\w+_OK);?\s*\}?")


class Nothing(Exception):
    """There is nothing on this line that could be taken away."""


class Source:
    """A file, one compile command that reads it, and its tree."""

    def __init__(self, path, unit, arguments):
        self.path, self.text = str(path), Path(path).read_bytes()
        tree = cindex.Index.create().parse(str(unit), args=arguments, options=cindex.TranslationUnit.PARSE_DETAILED_PROCESSING_RECORD)
        self.tops = [one for one in tree.cursor.get_children() if one.extent.start.file and one.extent.start.file.name == self.path]

    def piece(self, cursor):
        return self.text[cursor.extent.start.offset:cursor.extent.end.offset].decode()

    def replaced(self, cursor, text):
        return self.cut(cursor.extent.start.offset, cursor.extent.end.offset, text)

    def cut(self, start, end, text):
        return (self.text[:start] + text.encode() + self.text[end:]).decode()


def covers(cursor, line):
    return cursor.extent.start.line <= line <= cursor.extent.end.line


def children(cursor):
    return list(cursor.get_children())


def statement_at(node, line):
    """The innermost statement whose own part (not that of a statement inside) stands on the line."""
    inner = [one for one in children(node) if covers(one, line)]
    if node.kind in (Kind.COMPOUND_STMT, Kind.CASE_STMT, Kind.DEFAULT_STMT, Kind.LABEL_STMT, Kind.SWITCH_STMT, Kind.FUNCTION_DECL):
        if node.kind in (Kind.CASE_STMT, Kind.DEFAULT_STMT):
            inner = children(node)[-1:]
        elif Kind.SWITCH_STMT == node.kind:
            inner = [one for one in inner if Kind.COMPOUND_STMT == one.kind]
        elif Kind.FUNCTION_DECL == node.kind:
            inner = [one for one in inner if Kind.COMPOUND_STMT == one.kind]
        if not inner:
            raise Nothing("between statements")
        return statement_at(inner[0], line)
    if Kind.IF_STMT == node.kind or node.kind in LOOPS:
        parts = children(node)
        branches = parts[1:] if Kind.IF_STMT == node.kind else [parts[0] if Kind.DO_STMT == node.kind else parts[-1]]
        for branch in branches:
            if covers(branch, line) and branch.extent.start.line > node.extent.start.line and not covers(parts[0], line):
                if Kind.COMPOUND_STMT != branch.kind or branch.extent.start.line < line < branch.extent.end.line:
                    return statement_at(branch, line)
    return node


def bare(node):
    while Kind.UNEXPOSED_EXPR == node.kind and children(node):
        node = children(node)[0]
    return node


def logical(source, node):
    """'&&' or '||' when the node is such an expression, and its operands."""
    while node.kind in (Kind.PAREN_EXPR, Kind.UNEXPOSED_EXPR) and 1 == len(children(node)):
        node = children(node)[0]
    parts = children(node)
    if Kind.BINARY_OPERATOR != node.kind or 2 != len(parts):
        return "", []
    between = source.text[parts[0].extent.end.offset:parts[1].extent.start.offset].decode()
    between = re.sub(r"/\*.*?\*/", "", between, flags=re.S)
    found = re.search(r"&&|\|\|", between)
    return (found.group(0), parts) if found else ("", [])


def operand_at(source, node, line):
    """(operator, operand) of the part of a condition that stands on this line alone, or ('', node) for the whole."""
    found = ("", node)
    while node.extent.start.line != node.extent.end.line:
        operator, parts = logical(source, node)
        inner = [one for one in parts if covers(one, line)]
        if 1 != len(inner):
            break
        found, node = (operator, inner[0]), inner[0]
    return found


def condition(source, node, line, then=None):
    """A condition that never holds; one behind which all is well always does."""
    operator, part = operand_at(source, node, line)
    text = source.piece(part)
    if operator:
        new = f"(1 || ({text}))" if "&&" == operator else f"(0 && ({text}))"
        return source.replaced(part, new), f"{text} does not count"
    how = "always" if then is not None and ALL_WELL.fullmatch(source.piece(then)) else "never"
    return source.replaced(part, f"0 && ({text})" if "never" == how else f"1 || ({text})"), f"{text} is {how} so"


def other_value(source, node):
    """Another value than that of the expression."""
    text, kind = source.piece(node), node.type.get_canonical().kind
    if text.endswith("++"):
        return source.replaced(node, text[:-2]), f"{text[:-2]} stays"
    if TypeKind.BOOL == kind or logical(source, node)[0]:
        return source.replaced(node, f"!({text})"), f"not {text}"
    if kind in INTEGERS:
        return source.replaced(node, f"({text}) + 1"), f"({text}) + 1"
    if TypeKind.POINTER == kind and text not in ("NULL", "0"):
        return source.replaced(node, "NULL"), f"NULL for {text}"
    raise Nothing(f"no other value for {text}")


def loop(source, node, line):
    parts = children(node)
    if Kind.FOR_STMT != node.kind:
        return condition(source, parts[0] if Kind.WHILE_STMT == node.kind else parts[-1], line)
    head = source.text[node.extent.start.offset:parts[-1].extent.start.offset].decode()
    match = re.match(r"(for\s*\([^;]*;)([^;]*)(;)", head)
    if not match or not match.group(2).strip():
        raise Nothing("a loop without condition")
    start = node.extent.start.offset
    for inner in parts[:-1]:
        if source.piece(inner).strip() == match.group(2).strip():
            if operand_at(source, inner, line)[0]:
                return condition(source, inner, line)
            if logical(source, inner)[0]:
                chosen = logical(source, inner)[1][0]
                return source.replaced(chosen, "1"), f"{source.piece(chosen)} does not end the loop"
    return source.cut(start + match.start(2), start + match.end(2), f" 0 && ({match.group(2)})"), f"no turn while {match.group(2).strip()}"


def declared(source, node, line):
    for one in children(node):
        if Kind.VAR_DECL == one.kind and children(one) and covers(one, line):
            value = children(one)[-1]
            if Kind.INIT_LIST_EXPR == value.kind:
                return listed(source, value, line)
            if value.kind in (Kind.TYPE_REF, Kind.PARM_DECL) or Kind.CALL_EXPR == bare(value).kind and value.type.get_canonical().kind in INTEGERS:
                text = source.piece(value)
                flag = next((one for one in GUARDING_FLAGS if f" | {one}" in text), None)
                if flag:
                    return source.replaced(value, text.replace(f" | {flag}", "", 1)), f"without {flag}"
                continue                                # another number in place of what a call says disables nothing in particular
            return other_value(source, value)
    raise Nothing("a declaration without value")


def listed(source, node, line):
    """Another value in an initialiser: the last one on the line for which there is one."""
    last = None
    for one in node.walk_preorder():
        inside = one.extent.start.line <= line <= one.extent.end.line and one.extent.start.line == one.extent.end.line
        if inside and one.kind.is_expression() and Kind.INIT_LIST_EXPR != one.kind and one != node:
            try:
                last = other_value(source, one)
                break
            except Nothing:
                continue
    if not last:
        raise Nothing("an initialiser without numbers")
    return last


def returned(source, node, line, is_bool):
    if not children(node):
        return source.replaced(node, ""), "no return"
    value = children(node)[0]
    operator, part = operand_at(source, value, line)
    if operator:
        text = source.piece(part)
        return source.replaced(part, f"(1 || ({text}))" if "&&" == operator else f"(0 && ({text}))"), f"{text} does not count"
    if is_bool:
        text = source.piece(value)
        return source.replaced(value, f"!({text})"), f"not {text}"
    if Kind.CALL_EXPR == bare(value).kind and value.type.get_canonical().kind in INTEGERS:
        return source.replaced(value, "0"), f"0 in place of {source.piece(value)}"
    return other_value(source, value)


def macro(source, line):
    """A number that a macro stands for."""
    lines = source.text.decode().splitlines(keepends=True)
    match = re.match(r"(#\s*define\s+\w+\s+\(?)(\d+)(\w*)", lines[line - 1])
    if not match:
        raise Nothing("no statement and no number")
    lines[line - 1] = f"{match.group(1)}{int(match.group(2)) + 1}{match.group(3)}{lines[line - 1][match.end():]}"
    return "".join(lines), f"{match.group(2)} + 1"


def mutant(source, line, rng):
    """(text of the file with that line disabled, what was done)."""
    top = next((one for one in source.tops if covers(one, line) and one.kind in (Kind.FUNCTION_DECL, Kind.VAR_DECL, Kind.STRUCT_DECL)), None)
    if top is None:
        return macro(source, line)
    if Kind.VAR_DECL == top.kind:
        return listed(source, children(top)[-1], line)
    if Kind.FUNCTION_DECL != top.kind or not top.is_definition():
        raise Nothing("a declaration")
    body = children(top)[-1]
    if line < body.extent.start.line or line == top.extent.start.line and body.extent.start.line != line:
        statements = [one for one in body.walk_preorder() if Kind.IF_STMT == one.kind] or \
            [one for one in body.walk_preorder() if Kind.RETURN_STMT == one.kind]
        if not statements:
            raise Nothing("a function without decision")
        node = rng.choice(statements)                   # the id stands for the whole function
        line = node.extent.start.line
    elif body.extent.start.line == line and body.extent.end.line == line:
        node = rng.choice(children(body))
    else:
        node = statement_at(body, line)
    is_bool = TypeKind.BOOL == top.result_type.get_canonical().kind
    if Kind.IF_STMT == node.kind:
        return condition(source, children(node)[0], line, children(node)[1])
    if node.kind in LOOPS:
        return loop(source, node, line)
    if Kind.RETURN_STMT == node.kind:
        return returned(source, node, line, is_bool)
    if Kind.DECL_STMT == node.kind:
        return declared(source, node, line)
    if node.kind in (Kind.NULL_STMT, Kind.BREAK_STMT, Kind.CONTINUE_STMT, Kind.GOTO_STMT, Kind.COMPOUND_STMT):
        raise Nothing("a jump")
    return source.replaced(node, "(void)0"), f"without {source.piece(node)}"


SAMPLE = b"""int f(int *p, int a)
{
    if (!p) { return -1; }
    if (a > 1 &&
        a < 9)
    {
        *p = a;
        return f(p, a - 1);
    }
    for (int i = 0; i < a; i++) { *p += i; }
    switch (a)
    {
        case 1: *p = 2; break;
        default: break;
    }
    return 0;
}
_Bool g(int a) { return a > 1; }
static const int t[] = { 4,
    5 };
#define N 7
"""
CASES = [(3, "0 && (!p)"), (5, "(1 || (a < 9))"), (7, "        (void)0;"), (8, "return 0;"), (10, "; 0 && ( i < a);"),
         (13, "case 1: (void)0; break"), (16, "(0) + 1"), (18, "!(a > 1)"), (20, "(5) + 1"), (21, "#define N 8"), (12, "")]


def self_test():
    """Each line of the sample changes as it should, and what comes out still compiles."""
    import random
    import tempfile
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.c"
        for line, expected in CASES:
            path.write_bytes(SAMPLE)
            never = random.Random(0)
            never.choice = lambda options: options[0]
            try:
                text, _ = mutant(Source(path, path, []), line, never)
            except Nothing:
                text = ""
            path.write_text(text, encoding="utf-8")
            broken = [one for one in cindex.Index.create().parse(str(path)).diagnostics if one.severity >= cindex.Diagnostic.Error]
            good = expected in text and not broken and bool(text) == bool(expected)
            print(f"{'ok' if good else 'FAILED'}: line {line}" + ("" if good else f": {text} {[str(one) for one in broken]}"))
            failed += not good
    return 1 if failed else 0
