"""Reading a text as the preprocessor does: joined lines, comments, tokens, and lines like #if.

Lexer joins lines that end in a backslash and cuts them into tokens. Preprocessor goes through the
lines, and sees to it that the text is whole whichever branch of an #if is taken: what is open
behind one branch must be open behind all of them. What may stand in the lines is judged by its
subclasses, in vet.py for C and in vet_asm.py for assembly.

Places are offsets in the text as it was given, so that a Complaint can be told with a line.
"""
import bisect
import re
from collections import namedtuple

SPLICE = re.compile(r"\\[ \t\f\v]*\n")          # compilers allow blanks behind the backslash too
TOKEN = re.compile(r"""
    (?P<newline>\n)
  | (?P<blank>[ \t\f\v]+)
  | (?P<comment>//[^\n]*|/\*.*?\*/)
  | (?P<raw>(?:u8|[uUL])?R")
  | (?P<text>(?:u8|[uUL])?(?:"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
  | (?P<word>[^\W\d]\w*)
  | (?P<number>\.?\d(?:[eEpP][+-]|[\w.])*)
  | (?P<bracket><%|%>|<:|:>|[][(){}])
  | (?P<paste>\#\#|%:%:)
  | (?P<hash>\#|%:)
  | (?P<bad>/\*|["'\\`@])
  | (?P<other>.)""", re.X | re.S)
SPELLED = {"<%": "{", "%>": "}", "<:": "[", ":>": "]", "%:": "#", "%:%:": "##"}
DIRECTIVE = frozenset("""include include_next define undef if ifdef ifndef elif elifdef elifndef
    else endif pragma line error warning ident sccs import embed assert unassert""".split())

Token = namedtuple("Token", "kind text offset")


class Complaint(Exception):
    """(offset in the text, what is wrong there)."""


class Lexer:
    """It goes through a text line by line. Offsets are those of the text as it was given."""

    def __init__(self, text):
        self.at, self.places, self.shifts = 0, [], []
        pieces, last, shift = [], 0, 0
        for splice in SPLICE.finditer(text):
            pieces.append(text[last:splice.start()])
            last = splice.end()
            self.places.append(splice.start() - shift)
            shift += splice.end() - splice.start()
            self.shifts.append(shift)
        self.text = "".join(pieces) + text[last:]
        if text and last == len(text):
            raise Complaint(len(text) - 1, "a backslash at the end of the last line joins it with "
                            "what is not yours: remove it")

    def original(self, offset):
        """The offset in the given text, for an offset in the text with joined lines."""
        index = bisect.bisect_right(self.places, offset)
        return offset + (self.shifts[index - 1] if index else 0)

    def line(self, lenient=False, assembly=False):
        """The tokens of the next line, with blanks and comments; None at the end. In a branch that
        is left out (lenient), and in assembly, a quote may have no end; it takes the rest of the
        line."""
        tokens = []
        while self.at < len(self.text):
            match = TOKEN.match(self.text, self.at)
            kind, text, offset = match.lastgroup, match.group(), self.original(self.at)
            self.at = match.end()
            if kind == "newline":
                return tokens
            if kind == "raw":
                raise Complaint(offset, "a raw string is not allowed in an exercise")
            if text == "/*":
                raise Complaint(offset, "a comment that has no end")
            if kind == "bad" and text in "\"'" and (lenient or assembly):
                self.at = self.text.index("\n", self.at)
                text = self.text[match.start():self.at]
            elif kind == "bad" and not (lenient or assembly):
                raise Complaint(offset, "a backslash outside of a string" if text == "\\" else
                                "a comment, string or character that has no end")
            tokens.append(Token(kind, text if assembly else SPELLED.get(text, text), offset))
        return tokens or None


class Branches:
    """One #if: what is open before it, what is open behind its branches, and the last tokens of the
    branches."""

    def __init__(self, offset, opened, last):
        self.offset, self.opened, self.last = offset, list(opened), set(last)
        self.ends, self.lasts, self.complete = None, set(), False


class Preprocessor:
    """It goes through a text. code(), define() and condition() of a subclass judge what is in it.

    opened  [(bracket or the like that is open, its offset)]
    last    the texts that the last token may have; branches may end in different ones
    taken   names that may not be defined
    """

    assembly = False
    MAX_DEPTH = 256
    UNDEFINED = re.compile(r"_[A-Z_]\w*|defined")       # names that belong to the compiler

    def __init__(self, lexer, taken):
        self.lexer, self.taken = lexer, taken
        self.opened, self.last, self.branches = [], {""}, []
        self.skipping = 0               # in a branch that is left out, so many #if are open

    def run(self):
        """Go through the whole text."""
        while True:
            line = self.lexer.line(self.skipping > 0, self.assembly)
            if line is None:
                break
            tokens = [token for token in line if token.kind not in ("blank", "comment")]
            if self.is_directive(tokens):
                self.directive(tokens)
            elif tokens and not self.skipping:
                self.code(line, tokens)
        if self.branches:
            raise Complaint(self.branches[-1].offset, "this #if has no #endif")

    def is_directive(self, tokens):
        """Is this line for the preprocessor? In assembly it may also be a comment."""
        if not tokens or tokens[0].kind != "hash":
            return False
        return not self.assembly or len(tokens) > 1 and (
            tokens[1].kind == "number" or tokens[1].text in DIRECTIVE)

    def directive(self, tokens):
        """A line that begins with #."""
        name, rest = tokens[1].text if len(tokens) > 1 else "", tokens[2:]
        offset = tokens[0].offset
        if self.skipping and name not in ("if", "ifdef", "ifndef", "elif", "elifdef", "elifndef",
                                          "else", "endif"):
            return
        if name in ("if", "ifdef", "ifndef"):
            self.begin_branches(offset, name, rest)
        elif name in ("elif", "else"):
            self.next_branch(offset, name, rest)
        elif name == "endif":
            self.end_branches(offset)
        elif name in ("define", "undef"):
            if not rest or rest[0].kind != "word":
                raise Complaint(offset, "#%s needs a name" % name)
            self.check_name(rest[0])
            if name == "define":
                self.define(rest)
        elif name or self.assembly:
            raise Complaint(offset, "of the lines for the preprocessor only #define, #undef and "
                            "#if with what belongs to it are allowed in an exercise, not #%s"
                            % name)

    def check_name(self, token):
        """Complaint if this name must not be defined."""
        if self.UNDEFINED.fullmatch(token.text):
            raise Complaint(token.offset, "names like %s are the compiler's: take another one"
                            % token.text)
        if token.text in self.taken:
            raise Complaint(token.offset, "the kernel has the word %s elsewhere: define another "
                            "name" % token.text)

    # -- branches

    def begin_branches(self, offset, name, rest):
        """#if, #ifdef or #ifndef. What is inside of "#if 0" is skipped up to its end."""
        if self.skipping:
            self.skipping += 1
            return
        self.condition(rest)
        self.branches.append(Branches(offset, self.opened, self.last))
        if name == "if" and [token.text for token in rest] == ["0"]:
            self.skipping = 1

    def next_branch(self, offset, name, rest):
        """#elif or #else: the text goes on with what was open before the #if."""
        if self.skipping > 1:
            return
        branches = self.inside(offset, name)
        if branches.complete:
            raise Complaint(offset, "#%s behind #else" % name)
        if name == "elif":
            self.condition(rest)
        self.end_branch(offset, branches)
        branches.complete |= name == "else"
        self.opened, self.last = list(branches.opened), set(branches.last)

    def end_branches(self, offset):
        """#endif: each branch must have left the same brackets open."""
        if self.skipping > 1:
            self.skipping -= 1
            return
        branches = self.inside(offset, "endif")
        self.end_branch(offset, branches)
        if not branches.complete:               # without an #else no branch may be taken at all
            self.opened, self.last = list(branches.opened), set(branches.last)
            self.end_branch(offset, branches)
        self.last = branches.lasts
        self.branches.pop()

    def inside(self, offset, name):
        if not self.branches:
            raise Complaint(offset, "#%s without an #if in this text" % name)
        return self.branches[-1]

    def end_branch(self, offset, branches):
        """A branch ends here. Whichever branch is taken, the same must be open behind it."""
        if self.skipping:
            self.skipping = 0                   # a branch that is left out opens nothing
            return
        ends = [what for what, _ in self.opened]
        if branches.ends is not None and ends != branches.ends:
            raise Complaint(offset, "the branches of this #if do not open and close the same "
                            "brackets")
        branches.ends = ends
        branches.lasts |= self.last

    def condition(self, tokens):
        """Judge the condition of an #if."""
        raise NotImplementedError

    def code(self, line, tokens):
        """Judge a line of code: all its tokens, and those that are no blanks or comments."""
        raise NotImplementedError

    def define(self, tokens):
        """Judge a #define: its name and what follows."""
        raise NotImplementedError

    def open(self, what, offset):
        """Something is opened here that must be closed in the same text."""
        if len(self.opened) == self.MAX_DEPTH:
            raise Complaint(offset, "more than %d are open in one another" % self.MAX_DEPTH)
        self.opened.append((what, offset))
