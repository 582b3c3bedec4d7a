"""What a student's text in a region of assembly may not have: see vet.py.

The text is read in the two steps of a build: the preprocessor's lines as in C, and the lines that
are left as the assembler reads them: statements between ";", labels before each, and a comment
behind "#". Instructions and labels may be in it, and directives that name values, repeat lines or
make macros. By another directive the assembler could read a file or write into another section.

No word that is not allowed may come about when a macro's argument is put together with the letters
beside it. The text is not expanded for this: check_arguments() lets one letter stand before an
argument, and finish() looks at all words that such letters can make.
"""
import re

from exercise.lexer import Complaint, Lexer, Preprocessor

# The line of a region that is still blank: its quotes are the handout's, and not an error.
BLANK = re.compile(r'^[ \t]*not_written\("\d+\.\w", "[\w ,.-]+"\)[ \t]*$', re.M)
# The part of a line before the assembler's comment; 'a' may stand in it for a number.
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
# The letters before the name of an argument, that name, and the letter behind it.
ARGUMENT = re.compile(r"(?<![\w.$])([\w.$]*)\\(\w+|.)([\w.$\\]?)")
MAX_LETTERS, MAX_CALLS = 3, 3                   # see put_before()
VALUE = re.compile(r"[\w\s()+*&|^~<>-]*")       # what a #define may define


class AsmText(Preprocessor):
    """A text of assembly that is checked statement by statement.

    words     a pattern of the words that no text may have
    lower     the names that it may not define, in small letters
    macros    the names of its own macros, likewise
    prefixes  {letters before a macro's argument: offset}; seen: {each word: offset}
    """
    assembly = True

    def __init__(self, text, taken, words):
        super().__init__(Lexer(BLANK.sub(lambda match: re.sub("[^\n]", " ", match.group()), text)),
                         taken)
        self.words, self.lower = words, {word.lower() for word in taken}
        self.macros = {name.lower() for name in MACRO.findall(text)}
        self.prefixes, self.seen = {}, {}
        self.handed = set()                     # the prefixes that stand in calls of macros

    def is_macro(self, name):
        """The assembler does not tell small letters from others in names of macros."""
        return name.lower() in self.macros

    def check_name(self, token):
        """A macro of the preprocessor must not have the name of a directive."""
        super().check_name(token)
        if "." + token.text in DIRECTIVES:
            raise Complaint(token.offset, "%s is a directive: define another name" % token.text)

    def condition(self, tokens):
        """What stands behind #if or #elif: allowed words only."""
        for token in tokens:
            self.check_words(token.text, token.offset)

    def define(self, tokens):
        """What stands behind #define: a name for a value."""
        name, body = tokens[0], tokens[1:]
        text = " ".join(token.text for token in body)
        if not VALUE.fullmatch(text) or \
                body and body[0].text == "(" and body[0].offset == name.offset + len(name.text):
            raise Complaint(name.offset, "in assembly a #define is for a value or a register")
        self.check_words(name.text + " " + text, name.offset)

    def code(self, line, tokens):
        """A line that the assembler sees; comments of C are blanks for it."""
        text = "".join(" " if token.kind == "comment" else token.text for token in line)
        end = CODE.match(text).end()
        if text[end:end + 1] not in ("", "#"):
            raise Complaint(tokens[0].offset, "quotes are for single characters here, as in 'a'")
        for statement in CHARACTER.sub("0", text[:end]).split(";"):
            self.statement(statement, tokens[0].offset)

    def statement(self, text, offset):
        """Check one statement: labels, then an instruction, a macro's name or a directive."""
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
        """Complain about a word that no text may have; note all others for finish()."""
        for word in NAMES.findall(text):
            self.seen.setdefault(word, offset)
            if self.words.fullmatch(word):
                raise Complaint(offset, "%s is not allowed in an exercise" % word)

    def check_dots(self, name, rest, offset):
        """Complain about a directive in an operand: as a macro's argument it could be executed."""
        hidden = HIDDEN.search(rest)
        if not hidden and (self.is_macro(name) or name in (".irp", ".macro")):
            hidden = PLACE.search(rest)
        if hidden:
            raise Complaint(offset, "%s is not allowed in an operand here" % hidden.group())

    def check_arguments(self, name, text, offset):
        """Complain if something is put together with a macro's argument, but for one letter before
        it, and the label of a macro that ends in the counter."""
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
        """Follow what is opened and closed: .irp and .rept, .macro, .if."""
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
        """Complain if something is left open, or a word could be put together."""
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
        """All letters that can come to stand before a word. A macro may hand on what it has put
        together, and so on. A few letters and a few calls are enough to look at, because no word
        that is not allowed begins with more letters of so few kinds."""
        if self.handed and len(self.prefixes) > MAX_LETTERS:
            raise Complaint(min(self.prefixes.values()), "where macros are called with arguments "
                            "like s\\n there may be %d such letters" % MAX_LETTERS)
        found = last = set(self.prefixes)
        for _ in range(MAX_CALLS if self.handed else 0):
            last = {before + prefix for before in self.prefixes for prefix in last}
            found = found | last
        return sorted(found)


def check(text, taken, words):
    """Raise Complaint if the text must not be in a region of assembly. `taken` are the names that
    it may not define, `words` is a pattern of the words that it may not have."""
    checker = AsmText(text, taken, words)
    checker.run()
    checker.finish()
