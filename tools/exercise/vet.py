"""What a student's text in a region may not have: whatever would reach beyond the region, or bring
something of this host into the kernel.

The text is compiled in the middle of a file that is not the student's, on a machine that is not the
student's either. So it must be whole: it closes all that it opens, whichever branch of an #if is
taken, and it ends at the end of a statement. It may define names that the file does not have. It
has none of the words by which a compiler or assembler reads other files or is told how to work, and
none by which a test reports. Comments, strings, and text between #if 0 and its end are not looked
at. vet_asm.py does the same for assembly; symbols.py looks at what the compiler made of the text.
"""
import re

from exercise import vet_asm
from exercise.lexer import Complaint, Lexer, Preprocessor
from exercise.regions import MARKER, RegionError

MAX_BYTES = 1 << 16
# Not allowed: control characters, and characters that make text look other than it is.
BAD_CHARACTER = re.compile("[^\t\n\v\f -~\xa0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\U0010ffff]")
CLOSES = {")": "(", "]": "[", "}": "{"}
# An attribute in brackets does no harm without "gnu::" or "clang::"; macros can hide the brackets.
WORDS = re.compile(r"_?_?asm_?_?|_?_?attribute_?_?|_Pragma|\w*incbin\w*|"
                   r"_*gnu_*|_*clang_*|__has_\w+|__(?:DATE|TIME|TIMESTAMP)__|"
                   r"report_(?:key|as|line|side|done|check\w*)|check_(?:done|failed)|"
                   r"checkpoint\w*|power_off|SELFTEST\w*|MONITOR_COMMAND|_binary_\w+|"
                   r"DRIVER|PMM_MANAGER|SCHED_CLASS|SHRINKER|"
                   # A text that names another manager or scheduler lets it do the student's work.
                   r"(?:buddy|first_fit|best_fit)_pmm_manager|(?:fifo|stride|mlfq)_sched_class")
# Lab 7 is about what other harts do meanwhile. A text that turns interrupts off keeps none of them
# out, but it keeps the tests with one hart and chaos= from showing that.
NO_LOCK = re.compile(r"irq_\w+|local_intr_\w+|csr_\w+|locks_held|HELD_\w+")
CSR = re.compile(r"csr_(?:read|write|set|clear)")       # these make assembly of their argument
# Attributes that change nothing beyond the declaration or statement at which they stand.
HARMLESS = frozenset("""aligned always_inline cold const deprecated fallthrough flatten format hot
    malloc may_alias maybe_unused noclone noinline nonnull noreturn nothrow packed pure
    returns_nonnull unused used warn_unused_result""".split())
ATTRIBUTE = re.compile(r"__attribute(?:__)?")
ENDS = {"code": (";", "}", ""), "extra": (";", "}", "", ","), "given": (";", "}", "")}


def check_characters(text):
    """Complain about a text that is too long, is not whole lines, or has what is no text."""
    if len(text.encode("utf-8", "surrogateescape")) > MAX_BYTES:
        raise Complaint(0, "this is longer than %d KiB" % (MAX_BYTES >> 10))
    bad = BAD_CHARACTER.search(text)
    if bad:
        code = ord(bad.group())
        raise Complaint(bad.start(), "a byte %#x that is not UTF-8: save the file as UTF-8"
                        % (code - 0xdc00) if 0xdc80 <= code <= 0xdcff else
                        "a character (%#x) that is no text: remove it" % code)
    found = MARKER.search(text)
    if found:
        raise Complaint(found.start(), "this looks like a marker of an exercise; the text must not")
    if text and not text.endswith("\n"):
        raise Complaint(len(text), "the last line has no end")


def check_word(token):
    """Complain about a word that no text may have."""
    if WORDS.fullmatch(token.text):
        raise Complaint(token.offset, "%s is not allowed in an exercise: use the functions that "
                        "the kernel has" % token.text)


def plain_name(name):
    """The name of an attribute without the underlines that may stand around it."""
    return name[2:-2] if name[:2] == name[-2:] == "__" else name


def is_harmless(tokens):
    """Are these tokens, which stand behind __attribute__, a list of attributes of which each may be
    used?"""
    texts, depth = [token.text for token in tokens], 0
    for text in texts[2:-2]:
        depth += (text == "(") - (text == ")")
        if depth == 0 and text not in (")", ",") and plain_name(text) not in HARMLESS:
            return False
    return texts[:2] == ["(", "("] and texts[-2:] == [")", ")"]


class CText(Preprocessor):
    """A text of C that is checked token by token: brackets, words, attributes, and lines for the
    preprocessor. `last` is the token at which it ends, in each way that the #ifs leave open.
    `locks`: it is of lab 7."""

    def __init__(self, text, taken, locks):
        super().__init__(Lexer(text), taken)
        self.locks = locks
        self.attribute, self.depth = None, 0    # the tokens of an attribute that has no end yet
        self.csr = None                 # the tokens of a call of CSR up to its first argument

    def check_name(self, token):
        """A name that the text defines: no macro may change the words that are looked for here."""
        super().check_name(token)
        check_word(token)
        if plain_name(token.text) in HARMLESS:
            raise Complaint(token.offset, "%s is the name of an attribute: define another name"
                            % token.text)

    def directive(self, tokens):
        """Attributes and CSR functions must not be cut by a line for the preprocessor."""
        pending = self.attribute or self.csr
        if pending and not self.skipping:
            raise Complaint(pending[0].offset, "%s is cut by a line for the preprocessor"
                            % pending[0].text)
        super().directive(tokens)

    def condition(self, tokens):
        """What stands behind #if or #elif: allowed words only, and nothing that makes words."""
        for token in tokens:
            if token.kind == "word":
                check_word(token)
            if token.kind in ("hash", "paste", "bad"):
                raise Complaint(token.offset, "this is no condition")

    def define(self, tokens):
        """What stands behind #define. It must be whole, because it may be used anywhere."""
        name, body = tokens[0], tokens[1:]
        adjacent = body and body[0].offset == name.offset + len(name.text)
        Definition(self.taken, self.locks).whole(body, bool(adjacent and body[0].text == "("))

    def code(self, line, tokens):
        """A line that is not for the preprocessor."""
        for token in tokens:
            if self.attribute:
                self.in_attribute(token)
            elif self.csr:
                self.in_csr(token)
            self.token(token)
            self.last = {token.text}

    def token(self, token):
        """A token of the code itself."""
        if token.kind == "word" and ATTRIBUTE.fullmatch(token.text) and not self.attribute:
            self.attribute, self.depth = [token], 0
        elif token.kind == "word":
            check_word(token)
            if self.locks and NO_LOCK.fullmatch(token.text):
                raise Complaint(token.offset, "%s is not allowed in lab 7: that interrupts are off "
                                "keeps no other hart out. Use the lock" % token.text)
            if CSR.fullmatch(token.text):
                self.csr = [token]
        elif token.kind == "bracket":
            self.bracket(token)
        elif token.kind in ("hash", "paste"):
            raise Complaint(token.offset, "a line for the preprocessor begins with #; elsewhere it "
                            "is not allowed in an exercise")

    def in_attribute(self, token):
        """A token of an attribute; at its end all of it is judged."""
        self.attribute.append(token)
        self.depth += (token.text == "(") - (token.text == ")")
        if self.depth == 0 or len(self.attribute) > 64:
            if not is_harmless(self.attribute[1:]):
                raise Complaint(self.attribute[0].offset, "this attribute is not allowed in an "
                                "exercise; these are: " + " ".join(sorted(HARMLESS)))
            self.attribute = None

    def in_csr(self, token):
        """A token behind the name of a function of CSR. "(NAME," or "(NAME)" must follow, because
        an expression there would become a piece of assembly."""
        self.csr.append(token)
        if not (token.text == "(" if len(self.csr) == 2 else
                token.kind == "word" if len(self.csr) == 3 else token.text in (",", ")")):
            raise Complaint(self.csr[0].offset, "%s needs the plain name of a register"
                            % self.csr[0].text)
        if len(self.csr) == 4:
            self.csr = None

    def bracket(self, token):
        """A bracket opens, or closes what is open."""
        if token.text == "[" and "[" in self.last:
            raise Complaint(token.offset, "an attribute in brackets is not allowed in an exercise")
        if token.text not in CLOSES:
            self.open(token.text, token.offset)
        elif not self.opened or self.opened.pop()[0] != CLOSES[token.text]:
            raise Complaint(token.offset, "%s closes nothing that was opened in this text"
                            % token.text)

    def finish(self):
        """Complain if the text has left something open."""
        pending = self.attribute or self.csr
        if pending:
            raise Complaint(pending[0].offset, "%s needs the plain name of a register"
                            % pending[0].text if self.csr else "this attribute has no end")
        if self.opened:
            raise Complaint(self.opened[-1][1], "this %s is not closed" % self.opened[-1][0])


class Definition(CText):
    """What a #define defines. It must be whole in itself, because it may be used anywhere."""

    def __init__(self, taken, locks):
        super().__init__("", taken, locks)
        self.has_arguments = False

    def whole(self, tokens, has_arguments):
        """Judge the tokens behind the name; `has_arguments`: the first is the list of these."""
        self.has_arguments = has_arguments
        texts = [token.text for token in tokens]
        for index, token in enumerate(tokens):      # ", ##__VA_ARGS__" makes no new word
            if token.kind == "paste" and texts[index - 1:index + 2] == [",", "##", "__VA_ARGS__"]:
                tokens[index] = token._replace(kind="other")
        self.code(None, tokens)
        self.finish()

    def token(self, token):
        """A token of a macro. If the macro has arguments, # makes a string, and a CSR must not be
        an argument."""
        if token.kind == "word" and CSR.fullmatch(token.text) and self.has_arguments:
            raise Complaint(token.offset, "%s needs the plain name of a register, which a macro's "
                            "argument is not" % token.text)
        if token.kind == "hash" and self.has_arguments:
            return                                  # makes a string of an argument
        super().token(token)


def check_c(text, form, taken, locks):
    """Complain about a text of C that must not be in a region of this form. `locks`: of lab 7."""
    checker = CText(text, taken, locks)
    checker.run()
    checker.finish()
    bad = sorted(checker.last - set(ENDS[form]))
    if bad:
        raise Complaint(len(text.rstrip()), "the text ends with \"%s\", in the middle of something"
                        % bad[0])


def vet(region, text, line=1, taken=()):
    """Raise RegionError if a text must not be put into this region. `line` is the line of the
    student's file in which it begins, `taken` are the names that it may not define."""
    try:
        check_characters(text)
        if region.path.endswith(".S"):
            vet_asm.check(text, taken, WORDS)
        else:
            check_c(text, region.form, taken, region.exercise.startswith("7."))
    except Complaint as complaint:
        offset, message = complaint.args
        raise RegionError(region.path, line + text.count("\n", 0, offset), message) from None
