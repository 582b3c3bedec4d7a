"""What a student's text in a region may not have: whatever would reach beyond the region, or bring
something of this host into the kernel.

The text is compiled in the middle of a file that is not the student's, on a machine that is not
either. So it must be whole: all that it opens it closes, and it ends where a statement ends. It has
no line for the preprocessor but the definition of a new name, and none of the words by which a
compiler or assembler reads other files or is told how to work, or by which a test reports.
"""
import re

from exercise.regions import MARK, RegionError

MAX_BYTES = 1 << 16
# Control characters, and those that make text look other than it is, are no text.
BAD_CHARACTER = re.compile("[^\t\n -~\xa0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\U0010ffff]")
TOKEN = re.compile(r"""
    (?P<blank>\s+|//[^\n]*|/\*.*?\*/)
  | (?P<raw>(?:u8|[uUL])?R")
  | (?P<text>(?:u8|[uUL])?(?:"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
  | (?P<word>[^\W\d]\w*)
  | (?P<number>\.?\d(?:[eEpP][+-]|[\w.])*)
  | (?P<bracket><%|%>|<:|:>|[][(){}])
  | (?P<hash>\#|%:)
  | (?P<bad>/\*|["'\\`@])
  | (?P<other>.)""", re.X | re.S)
SPELLED = {"<%": "{", "%>": "}", "<:": "[", ":>": "]"}
CLOSES = {")": "(", "]": "[", "}": "{"}
# An attribute in brackets does no harm without "gnu::" or "clang::"; macros can hide the brackets.
WORDS = re.compile(r"_?_?asm_?_?|_?_?attribute_?_?|_Pragma|\w*incbin\w*|\w*include\w*|"
                   r"_*gnu_*|_*clang_*|__has_\w+|__(?:DATE|TIME|TIMESTAMP)__|"
                   r"report_(?:key|as|line|side|done|check\w*)|check_(?:done|failed)|"
                   r"checkpoint\w*|power_off|SELFTEST\w*|MONITOR_COMMAND|_binary_\w+|"
                   # One's own is not another one's: what these do is no work of the student's.
                   r"(?:buddy|first_fit|best_fit)_pmm_manager|(?:fifo|stride|mlfq)_sched_class")
CSR = re.compile(r"csr_(?:read|write|set|clear)")       # these make assembly of their argument
CSR_CALL = re.compile(r"\s*\(\s*\w+\s*[,)]")
ASM_QUOTE = re.compile(r"""["'`]|%:|\\[ \t]*$""", re.M)
ASM_CPP = re.compile(r"^[ \t]*\#[ \t]*(?:\d|(?:include|include_next|define|undef|if|ifdef|"
                     r"ifndef|elif|elifdef|elifndef|else|endif|pragma|line|error|warning|ident|"
                     r"import|embed|assert|unassert)\b)", re.M)
ASM_DIRECTIVES = {".set", ".irp", ".rept", ".endr", ".balign"}
ASM_ARGUMENT = re.compile(r"\w{1,4}")                   # of .irp: registers and numbers
ASM_PASTED = re.compile(r"[\w.$]{2,}\\|\\\w+\\|\\[^\w\s]")
ASM_BLANK = re.compile(r'^[ \t]*not_written\("\d+\.\w", "[\w ,.-]+"\)[ \t]*$', re.M)


class Complaint(Exception):
    """At an offset in the text: what is wrong."""


def check_characters(text):
    if len(text.encode("utf-8", "surrogateescape")) > MAX_BYTES:
        raise Complaint(0, "this is longer than %d KiB" % (MAX_BYTES >> 10))
    bad = BAD_CHARACTER.search(text)
    if bad:
        code = ord(bad.group())
        raise Complaint(bad.start(), "a byte %#x that is not UTF-8: save the file as UTF-8"
                        % (code - 0xdc00) if 0xdc80 <= code <= 0xdcff else
                        "a character (%#x) that is no text: remove it" % code)
    mark = MARK.search(text)
    if mark:
        raise Complaint(mark.start(), "this looks like a marker of an exercise; the text must not")
    bad = re.search(r"\\[ \t]*$", text, re.M)
    if bad:
        raise Complaint(bad.start(), "a backslash at the end of the line: write it in one line")
    if text and not text.endswith("\n"):
        raise Complaint(len(text), "the last line has no end")


def check_word(text, token, word):
    if WORDS.fullmatch(word):
        raise Complaint(token.start(), "%s is not allowed in an exercise: use the functions that "
                        "the kernel has" % word)
    if CSR.fullmatch(word) and not CSR_CALL.match(text, token.end()):
        raise Complaint(token.start(), "%s needs the plain name of a register" % word)


def check_bracket(token, opened, bracket, before):
    """Keep `opened`, the brackets that are open, with their places."""
    if bracket == "[" and before == "[":
        raise Complaint(token.start(), "an attribute is not allowed in an exercise")
    if bracket not in CLOSES:
        opened.append((bracket, token.start()))
    elif not opened or opened.pop()[0] != CLOSES[bracket]:
        raise Complaint(token.start(), "%s closes nothing that was opened in this text" % bracket)


def check_define(text, token, taken):
    """A line for the preprocessor must be the definition of a new name, whole in itself."""
    before = text[text.rfind("\n", 0, token.start()) + 1:token.start()]
    line = text[token.end():(text + "\n").index("\n", token.end())]
    name = re.match(r"[ \t]*define[ \t]+(\w+)", line)
    if before.strip() or not name:
        raise Complaint(token.start(), "of the lines for the preprocessor only a plain #define is "
                        "allowed in an exercise: use comments to leave something out")
    if name.group(1) in taken:
        raise Complaint(token.start(), "the kernel has the word %s elsewhere: define another name"
                        % name.group(1))
    check_tokens(line, (), token.end())


def check_tokens(text, taken, offset=0):
    """Brackets, words, literals, comments; the last token is returned."""
    opened, last, end = [], "", 0
    for token in TOKEN.finditer(text):
        kind, value = token.lastgroup, SPELLED.get(token.group(), token.group())
        if token.start() < end or kind == "blank":              # in a definition, or nothing
            continue
        try:
            if kind == "bad":
                raise Complaint(token.start(), "a comment, string or character that has no end"
                                if value != "\\" else "a backslash outside of a string")
            if kind == "raw":
                raise Complaint(token.start(), "a raw string is not allowed in an exercise")
            if kind == "word":
                check_word(text, token, value)
            if kind == "bracket":
                check_bracket(token, opened, value, last)
            if kind == "hash":
                check_define(text, token, taken)
                end = (text + "\n").index("\n", token.end())
                continue
        except Complaint as complaint:
            raise Complaint(complaint.args[0] + offset, complaint.args[1]) from None
        last = value
    if opened:
        raise Complaint(opened[-1][1] + offset, "this %s is not closed" % opened[-1][0])
    return last


def check_c(text, form, taken):
    last = check_tokens(text, taken)
    ends = (";", "}", "") if form == "code" else (";", "}", "", ",")
    if last not in ends:
        raise Complaint(len(text.rstrip()), "the text ends with \"%s\", in the middle of something"
                        % last)


def spaces(match):
    """Blanks instead of what matched; its lines stay."""
    return re.sub(r"[^\n]", " ", match.group())


def check_asm_words(text):
    """Words that C may not have either; nor may .irp put them together from parts."""
    for word in re.finditer(r"\w+", text):
        if WORDS.fullmatch(word.group()):
            raise Complaint(word.start(), "%s is not allowed in an exercise" % word.group())
    pasted = ASM_PASTED.search(text)
    if pasted:
        raise Complaint(pasted.start(), "%s: before a name of .irp there may be one letter, as in "
                        "s\\n, and nothing behind it" % text[pasted.start():].split()[0])
    for irp in re.finditer(r"\.irp[ \t]+\w+[ \t]*,?([^\n;]*)", text):
        for word in irp.group(1).replace(",", " ").split():
            if not ASM_ARGUMENT.fullmatch(word):
                raise Complaint(irp.start(), "%s: .irp is for registers and numbers here" % word)


def check_asm(text):
    """Instructions, labels, and the directives that repeat them."""
    text = ASM_BLANK.sub(spaces, text)
    # As the preprocessor sees it, and then as the assembler does.
    text = re.sub(r"/\*.*?\*/|//[^\n]*", spaces, text, flags=re.S)
    bad = re.search(r"/\*", text) or ASM_QUOTE.search(text) or ASM_CPP.search(text)
    if bad:
        raise Complaint(bad.start(), "a comment that has no end" if bad.group() == "/*" else
                        "quotes and lines for the preprocessor are not allowed here; comments are "
                        "written as /* ... */")
    depth, plain = 0, re.sub(r"\#[^\n]*", spaces, text)
    for statement in re.finditer(r"[^\n;]+", plain):
        word = re.sub(r"^(?:\s*\w+:)*\s*", "", statement.group()).split(None, 1)[:1]
        if not word:
            continue
        if not re.fullmatch(r"[a-z][a-z0-9.]*", word[0]) and word[0] not in ASM_DIRECTIVES:
            raise Complaint(statement.start(), "%s is not allowed here; of directives only %s are"
                            % (word[0], " ".join(sorted(ASM_DIRECTIVES))))
        depth += (word[0] in (".irp", ".rept")) - (word[0] == ".endr")
        if depth < 0:
            raise Complaint(statement.start(), "this .endr ends nothing that began in this text")
    if depth:
        raise Complaint(len(text), "an .irp or .rept has no .endr")
    check_asm_words(plain)


def vet(region, text, line=1, taken=()):
    """Raise RegionError where a text must not be put into this region; `line` is where it begins in
    the student's file, `taken` are the names that it may not define."""
    try:
        check_characters(text)
        if region.path.endswith(".S"):
            check_asm(text)
        else:
            check_c(text, region.form, taken)
    except Complaint as complaint:
        offset, message = complaint.args
        raise RegionError(region.path, line + text.count("\n", 0, offset), message) from None
