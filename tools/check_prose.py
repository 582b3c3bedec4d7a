"""The prose of the tree: what a program can check of its comments.

tools/check_style.py uses this. There are four rules, for what a reader meets first:

  head     a file begins with 5 to 15 lines of comment: what it is for, its objects, its rules
  public   a function that a header declares has a comment there: right above it, at the end of
           its line, or above a few declarations without a blank line between, for all of them
  static   a static function of more than 12 lines has a comment right above it
  share    a quarter of the kernel's lines, blank ones not counted, hold a comment

Whether a comment is true and helps, no program can say. The markers of exercises are no comments.
"""
import ast
import os
import re

from check_budget import IN_ASM, IN_C

HEAD = (5, 15)
STATIC, GROUP, SHARE = 12, 4, 25
C_FOLDERS = ("kern/", "libs/", "user/libs/")
C_KINDS, TOOL_KINDS = (".c", ".h", ".S"), (".py", ".sh", ".ld")
MARKER = re.compile(r"/\*\s*EXERCISE\s[^*]*\*/")
WORD = re.compile(r"\w")
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)
ATTRIBUTE = re.compile(r"__attribute__\s*\(\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)\)")
DECLARED = re.compile(r"[A-Za-z_][\w\s*]*[\s*](\w+)\s*\((?!\s*\*)")


class Text:
    """A source with its comments and its code taken apart, line by line. Lines count from 1."""

    def __init__(self, text, is_asm=False):
        self.lines = text.split("\n")
        code, self.comment_lines, at = [], set(), 0
        for match in (IN_ASM if is_asm else IN_C).finditer(text):
            code.append(text[at:match.start()])
            at = match.end()
            if match.group(1) is not None:              # a string
                code.append('"%s"' % (" " * (len(match.group()) - 2)))
                continue
            code.append(re.sub(r"[^\n]", " ", match.group()))
            if not MARKER.fullmatch(match.group()):
                first = text.count("\n", 0, match.start()) + 1
                self.comment_lines.update(range(first, first + match.group().count("\n") + 1))
        self.code = "".join(code) + text[at:]
        self.code_lines = [bool(line.strip()) for line in self.code.split("\n")]

    def only_comment(self, line):
        return line in self.comment_lines and not self.code_lines[line - 1]

    def comment_above(self, line):
        """Does a comment end right above this line? The marker of an exercise may lie between."""
        line -= 1
        while line > 0 and MARKER.fullmatch(self.lines[line - 1].strip()):
            line -= 1
        return line > 0 and self.only_comment(line)

    def shares(self):
        """(lines that hold a comment, lines that are not blank)"""
        filled = [number for number, line in enumerate(self.lines, 1) if line.strip()]
        return sum(1 for number in filled if number in self.comment_lines), len(filled)


def code_of_python(text):
    """What a module holds beside its docstring."""
    return [node for node in ast.parse(text).body if not (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))]


def head_lines(path, text):
    """How many lines with words the comment at the head of a file has."""
    if path.endswith(".py"):
        said = ast.get_docstring(ast.parse(text)) or ""
    elif path.endswith(".sh"):
        said = re.match(r"(?:#!.*\n)?((?:#.*\n)*)", text).group(1)
    else:
        found = re.match(r"\s*(/\*.*?\*/|(?://[^\n]*\n)+)", text, re.S)
        said = found.group(1) if found else ""
    return sum(1 for line in said.split("\n") if WORD.search(line))


def statements(code):
    """(statement, place of its first sign, place behind it) at the outermost level. What
    stands in braces belongs to its statement but is not in the text."""
    depth, start, parts = 0, None, []
    for place, sign in enumerate(code):
        if depth == 0 and start is None and not sign.isspace():
            start, parts = place, []
        if sign == "}":
            depth = max(depth - 1, 0)
            # The end of a function; behind a struct's brace comes a semicolon.
            if depth == 0 and start is not None and "(" in "".join(parts):
                yield "".join(parts), start, place + 1
                start = None
        elif sign == "{":
            depth += 1
        elif depth == 0 and sign == ";" and start is not None:
            yield "".join(parts), start, place + 1
            start = None
        elif depth == 0 and start is not None:
            parts.append(sign)


def described(text, line, directives, starts):
    """Is there a comment above this line? Up to it there may be lines of the preprocessor, and a
    few declarations that have the comment in common."""
    before = 0
    line -= 1
    while line > 0 and not text.only_comment(line):
        if line in starts:
            before += 1
            line = starts[line]
        elif line not in directives and not MARKER.fullmatch(text.lines[line - 1].strip()):
            return False
        line -= 1
    return line > 0 and before < GROUP


def declared(text):
    """(name, first line, is it described) of each function that a header declares."""
    directives, starts = set(), {}

    def number(place):
        return text.code.count("\n", 0, place) + 1

    def blank(match):
        directives.update(range(number(match.start()), number(match.end()) + 1))
        return re.sub(r"[^\n]", " ", match.group())
    code = DIRECTIVE.sub(blank, text.code)
    for words, start, end in statements(code):
        words = ATTRIBUTE.sub(" ", words).strip()
        first, last = number(start), number(end - 1)
        head = last if code[end - 1] == ";" else first + words.count("\n")
        found = DECLARED.match(words)
        if found and "=" not in words and not words.startswith("typedef"):
            own = any(line in text.comment_lines for line in range(first, head + 1))
            yield found.group(1), first, own or described(text, first, directives, starts)
        if head == last:                # without a body of more lines
            starts[last] = first


def is_c(path):
    return path.startswith(C_FOLDERS) and path.endswith(C_KINDS)


def check(path, content, functions):
    """The breaches in one file: (rule, line, what is wrong). `functions` are (name, first line,
    last line) of each function in it."""
    if not is_c(path) and not (path.startswith("tools/") and path.endswith(TOOL_KINDS)):
        return
    if path.endswith("__init__.py") and not code_of_python(content):
        return
    lines = head_lines(path, content)
    if not HEAD[0] <= lines <= HEAD[1]:
        yield "head", 1, "the head has %d lines of comment; from %d to %d say what the file is" % (
            lines, HEAD[0], HEAD[1])
    if not is_c(path) or path.endswith(".S"):
        return
    text = Text(content)
    if path.endswith(".h"):
        for name, line, described in declared(text):
            if not described:
                yield "public", line, "%s() has no comment that says what it does" % name
    for name, first, last in functions:
        if (last - first + 1 > STATIC and text.lines[first - 1].startswith("static")
                and not (path.endswith(".h") or text.comment_above(first))):
            yield "static", first, "%s() has %d lines, and no comment right above it" % (
                name, last - first + 1)


def share(files):
    """(lines that hold a comment, lines that are not blank) of each folder of the kernel among
    these files, which are pairs (path, content)."""
    found = {}
    for path, content in files:
        if path.startswith("kern/") and path.endswith(C_KINDS):
            commented, filled = Text(content, path.endswith(".S")).shares()
            old = found.get(os.path.dirname(path), (0, 0))
            found[os.path.dirname(path)] = (old[0] + commented, old[1] + filled)
    return found


def kernel_share(shares):
    """(a sentence about what share() found, is it enough)"""
    commented, filled = (sum(row[index] for row in shares.values()) for index in (0, 1))
    if not filled:
        return "none of these folders is the kernel's", True
    return "%d of the %d lines that are not blank hold a comment, %d.%d %%; %d %% are wanted" % (
        commented, filled, 100 * commented // filled, 1000 * commented // filled % 10,
        SHARE), 100 * commented >= SHARE * filled
