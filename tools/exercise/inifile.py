"""Files of sections with lines "key: value", read with the line in which each value stands.

    # a comment
    [section]
    key: value
    another:
        several lines,
        each of them indented

read() gives the Sections in order. What is wrong is a FileError, whose text names the file, the
line, the section and the key, and says what to do. Python's configparser could read such files too,
but it does not tell where a value stood, and a teacher must know that.
"""
import difflib
import re
import unicodedata

from exercise import incoming

MAX_BYTES = 1 << 20
HEAD = re.compile(r"\[([^\[\]]*)\]")
PAIR = re.compile(r"(\w[\w -]*?)\s*[:=]\s*(.*)")
JSON = re.compile(r"[{}\"]")


class FileError(ValueError):
    """A file cannot be used; the text is for the person who has written it."""


class Value:
    """What stands behind a key: its lines, without comments, and the number of the first one."""

    def __init__(self, line, text):
        self.line, self.lines = line, [(line, text)] if text else []

    @property
    def text(self):
        """All of it in one line."""
        return " ".join(text for _, text in self.lines)


class Section:
    """One section.

    name    what stands in the brackets
    line    where it begins
    values  {key: Value}, in order
    """

    def __init__(self, file, name, line):
        self.file, self.name, self.line, self.values = file, name, line, {}

    def fail(self, why, key="", line=0):
        """FileError at a key of this section, or at its head."""
        line = line or (self.values[key].line if key in self.values else self.line)
        raise FileError("%s:%d: [%s]%s: %s" % (self.file, line, self.name, key and " " + key, why))

    def check_keys(self, known):
        """FileError at the first key that is not among these."""
        for key in self.values:
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                self.fail("there is no such key%s; there are %s" % (
                    near and ", do you mean %s?" % near[0] or "", ", ".join(known)), key)

    def text(self, key, default=""):
        """The value of a key as one line; the default if it is not there. An empty one is an
        error."""
        if key not in self.values:
            return default
        if not self.values[key].text:
            self.fail("nothing stands behind the colon: write a value, or take the line out", key)
        return self.values[key].text

    def number(self, key, default, least, most):
        """The value of a key as a whole number in this range."""
        text = self.text(key, str(default))
        if not re.fullmatch(r"\d{1,6}", text) or not least <= int(text) <= most:
            self.fail("%s is no whole number from %d to %d" % (incoming.shown(text), least, most),
                      key)
        return int(text)

    def choice(self, key, default, choices):
        """The value of a key, which must be one of these words."""
        text = self.text(key, default)
        if text not in choices:
            self.fail("%s is none of %s" % (incoming.shown(text), ", ".join(choices)), key)
        return text


def read(path):
    """The Sections of a file, in order."""
    try:
        text = incoming.sure_text_of(incoming.file_data(path, MAX_BYTES))
    except incoming.BadValue as error:
        raise FileError("%s: %s" % (path, error)) from None
    except OSError as error:
        raise FileError("%s cannot be read: %s" % (path, error.strerror)) from None
    return parse(text, path)


def check_signs(words, path, number):
    """FileError if a line has a sign that nobody sees, as a code for terminals or a space that has
    no width."""
    for sign in words:
        if sign != "\t" and unicodedata.category(sign)[0] == "C":
            raise FileError("%s:%d: the sign U+%04X cannot be printed: take it out"
                            % (path, number, ord(sign)))


def parse(text, path):
    """The Sections in the text of a file."""
    sections, value = [], None
    for number, line in enumerate(text.split("\n"), 1):
        words = line.strip()
        if not words or words[0] in "#;":
            continue
        check_signs(words, path, number)
        if words != line.rstrip() and value:        # it is indented: the value goes on
            value.lines.append((number, words))
            continue
        head, pair = HEAD.fullmatch(words), PAIR.fullmatch(words)
        if head:
            name = " ".join(head.group(1).split())
            if any(each.name == name for each in sections):
                raise FileError("%s:%d: [%s] is there twice: give one of them another name"
                                % (path, number, name))
            sections.append(Section(path, name, number))
            value = None
        elif pair and sections:
            key = " ".join(pair.group(1).lower().split())
            if key in sections[-1].values:
                sections[-1].fail("it is there twice: take one of the lines out", key, number)
            value = sections[-1].values[key] = Value(number, pair.group(2))
        else:
            raise FileError("%s:%d: expected \"[section]\"%s, and not %s%s" % (
                path, number, " or \"key: value\"" if sections else " first",
                incoming.shown(words), ": this file is not JSON" if JSON.match(words) else
                "; a line that belongs to the key above begins with a space" if value else ""))
    return sections
