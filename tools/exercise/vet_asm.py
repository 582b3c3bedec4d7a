"""What a student's text in a region of assembly may not have: see vet.py.

It is read as the preprocessor reads it, and what that leaves as the assembler does. Instructions
and labels may be in it, and directives that name values, repeat lines or make macros: no other
directive, as the assembler could read a file by it or write into another section. No word that is
not allowed may come about by putting a macro's argument together with what stands beside it.
"""
import re

from exercise.lexer import Complaint, Lexer, Preprocessor

# What stands in a handout: its quotes are not the student's.
BLANK = re.compile(r'^[ \t]*not_written\("\d+\.\w", "[\w ,.-]+"\)[ \t]*$', re.M)
# Up to the assembler's comment; a character may stand for its number.
CODE = re.compile(r"""(?:[^\#'"`]|'[^'\\\#;"\n]'|'\\['\\ntr0]')*""")
CHARACTER = re.compile(r"'(?:[^'\\]|\\.)'")
LABEL = re.compile(r"\s*(?:\.L)?\w*(?:\\@)?\s*:")
ASSIGNMENT = re.compile(r"(\w+)\s*=(?!=)")
WORD = re.compile(r"\S+")
INSTRUCTION = re.compile(r"[a-z][a-z0-9.]*")
NAMES = re.compile(r"\w+")
VALUES = {".set", ".equ", ".equiv"}
CLOSES = {".endr": (".irp", ".rept"), ".endm": (".macro",), ".endif": (".if",)}
DIRECTIVES = VALUES | set(CLOSES) | {
    ".irp", ".rept", ".macro", ".if", ".else", ".exitm", ".balign", ".p2align", ".align",
    ".option"}
OPTION = re.compile(r"\s*(?:push|pop|rvc|norvc|relax|norelax)\s*")
MACRO = re.compile(r"\.macro\s+(\w+)")
# A dot in an operand: a local label, this place, a number, or a part of an instruction's name.
HIDDEN = re.compile(r"(?<![\w.\\])\.(?!L)[A-Za-z_]\w*")
PLACE = re.compile(r"(?<![\w.])\.(?![\w.])")
# What stands before the name of an argument, that name, and what stands behind it.
ARGUMENT = re.compile(r"(?<![\w.$])([\w.$]*)\\(\w+|.)([\w.$\\]?)")
MAX_LETTERS, MAX_CALLS = 3, 3                   # see put_before()
VALUE = re.compile(r"[\w\s()+*&|^~<>-]*")       # what a #define may define


class AsmText(Preprocessor):
    """Goes through a text of assembly. Words that may not be named are in `words`, names that may
    not be defined in `taken`."""

    assembly = True

    def __init__(self, text, taken, words):
        super().__init__(Lexer(BLANK.sub(lambda match: re.sub("[^\n]", " ", match.group()), text)),
                         taken)
        self.words, self.lower = words, {word.lower() for word in taken}
        self.macros = {name.lower() for name in MACRO.findall(text)}
        self.prefixes, self.seen = {}, {}       # before arguments, and all words: {text: offset}
        self.handed = set()                     # of the prefixes those in calls of macros

    def is_macro(self, name):
        """The assembler does not tell small letters from others in names of macros."""
        return name.lower() in self.macros

    def check_name(self, token):
        """A macro of the preprocessor must not have the name of a directive."""
        super().check_name(token)
        if "." + token.text in DIRECTIVES:
            raise Complaint(token.offset, "%s is a directive: define another name" % token.text)

    def condition(self, tokens):
        """Only allowed words may be in it."""
        for token in tokens:
            self.check_words(token.text, token.offset)

    def define(self, tokens):
        """A name for a value."""
        name, body = tokens[0], tokens[1:]
        text = " ".join(token.text for token in body)
        if not VALUE.fullmatch(text) or \
                body and body[0].text == "(" and body[0].offset == name.offset + len(name.text):
            raise Complaint(name.offset, "in assembly a #define is for a value or a register")
        self.check_words(name.text + " " + text, name.offset)

    def code(self, line, tokens):
        """As the assembler sees it: comments of C are blanks."""
        text = "".join(" " if token.kind == "comment" else token.text for token in line)
        end = CODE.match(text).end()
        if text[end:end + 1] not in ("", "#"):
            raise Complaint(tokens[0].offset, "quotes are for single characters here, as in 'a'")
        for statement in CHARACTER.sub("0", text[:end]).split(";"):
            self.statement(statement, tokens[0].offset)

    def statement(self, text, offset):
        """One statement: labels, then an instruction, a directive, or a call of a macro."""
        self.check_words(text, offset)
        label, at = LABEL.match(text), 0
        while label:
            at = label.end()
            label = LABEL.match(text, at)
        text = text[at:].strip()
        word = WORD.match(text)
        if not word:
            return
        name, rest = word.group(), text[word.end():]
        if ASSIGNMENT.match(text):
            name = ".set"
        if not (name in DIRECTIVES or self.is_macro(name) or INSTRUCTION.fullmatch(name)):
            raise Complaint(offset, "%s is not allowed here; of directives only %s are"
                            % (name, " ".join(sorted(DIRECTIVES))))
        self.check_dots(name, rest, offset)
        self.check_arguments(name, text, offset)
        self.nesting(name, rest, offset)

    def check_words(self, text, offset):
        """No word may be one that is not allowed; all are kept for finish()."""
        for word in NAMES.findall(text):
            self.seen.setdefault(word, offset)
            if self.words.fullmatch(word):
                raise Complaint(offset, "%s is not allowed in an exercise" % word)

    def check_dots(self, name, rest, offset):
        """No directive may come in as an argument."""
        hidden = HIDDEN.search(rest)
        if not hidden and (self.is_macro(name) or name in (".irp", ".macro")):
            hidden = PLACE.search(rest)
        if hidden:
            raise Complaint(offset, "%s is not allowed in an operand here" % hidden.group())

    def check_arguments(self, name, text, offset):
        """How a macro's arguments may stand beside other letters."""
        for before, argument, behind in ARGUMENT.findall(text):
            counter = argument == "@" and re.fullmatch(r"(?:\.L)?\w*", before)
            plain = name in VALUES or INSTRUCTION.fullmatch(name) or self.is_macro(name)
            if before and not counter and self.is_macro(name):
                self.handed.add(before)
            if not NAMES.fullmatch(argument) and argument != "@" or behind or \
                    not counter and before and not (plain and re.fullmatch("[A-Za-z]", before)):
                raise Complaint(offset, "%s\\%s%s: before a macro's argument there may be one "
                                "letter, as in s\\n, in an instruction, and nothing behind it"
                                % (before, argument, behind))
            if before and not counter:
                self.prefixes.setdefault(before, offset)

    def nesting(self, name, rest, offset):
        """Directives that open or close something, and those that need a closer look."""
        if name in (".irp", ".rept", ".if", ".macro"):
            self.open(name, offset)
        elif name in CLOSES:
            if not self.opened or self.opened.pop()[0] not in CLOSES[name]:
                raise Complaint(offset, "this %s ends nothing that began in this text" % name)
        elif name == ".else" and (not self.opened or self.opened[-1][0] != ".if"):
            raise Complaint(offset, "this .else has no .if in this text")
        elif name == ".option" and not OPTION.fullmatch(rest):
            raise Complaint(offset, "this .option is not allowed here")
        if name == ".macro":                    # it is looked for before an instruction is
            words = NAMES.findall(rest)
            if not words or words[0].lower() in self.lower:
                raise Complaint(offset, "a macro needs a name that the kernel does not have "
                                "elsewhere")

    def finish(self):
        """Nothing may be open at the end, and no forbidden word may be put together."""
        if self.opened:
            name, offset = self.opened[-1]
            end = next(end for end, begins in CLOSES.items() if name in begins)
            raise Complaint(offset, "this %s has no %s" % (name, end))
        for prefix in self.put_before():
            for word, offset in self.seen.items():
                if self.words.fullmatch(prefix + word):
                    raise Complaint(offset, "%s, put together from macros' arguments, is not "
                                    "allowed in an exercise" % (prefix + word))

    def put_before(self):
        """All that can come to stand before a word. A macro may hand on what it has put together,
        and so on; a few letters and a few times are enough to know, for no word that is not allowed
        begins with more letters of so few kinds."""
        if self.handed and len(self.prefixes) > MAX_LETTERS:
            raise Complaint(min(self.prefixes.values()), "where macros are called with arguments "
                            "like s\\n there may be %d such letters" % MAX_LETTERS)
        found = last = set(self.prefixes)
        for _ in range(MAX_CALLS if self.handed else 0):
            last = {before + prefix for before in self.prefixes for prefix in last}
            found = found | last
        return sorted(found)


def check(text, taken, words):
    """Raise Complaint if the text must not be in a region of assembly. `words` is a pattern of
    what no text may name."""
    checker = AsmText(text, taken, words)
    checker.run()
    checker.finish()
