"""What comes from a student, as bytes, becomes values that the other tools can trust.

Hand-ins, .handout.json, student.txt and answers.md are read through here and nowhere else. A value
has the type, the range and the length that its reader asks for, or there is a BadValue, whose text
says what is wrong. Nothing here raises anything else, whatever the bytes are.
"""
import json
import re
import unicodedata

MAX_DIGITS = 18                 # of a number: more would take long to read, and fits nowhere
SHOWN = 40                      # characters of a wrong value that an error shows
# Chinese text in GB 2312: pairs of bytes, the first of a row that has signs or letters.
CHINESE = re.compile(rb"(?:[\0-\x7f]|[\xa1-\xa9\xb0-\xf7][\xa1-\xfe])*")


class BadValue(ValueError):
    """A value is not what it must be; the text says how."""


# -- text

def is_utf16(data):
    """The byte order of UTF-16, as Windows' editors write it; None where it is none. Without a mark
    at the beginning plain letters tell: every second byte is 0 there."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    start = data[:256]
    for name, zeros, others in (("utf-16-le", start[1::2], start[::2]),
                                ("utf-16-be", start[::2], start[1::2])):
        if len(zeros) > 8 and zeros.count(0) * 4 > len(zeros) * 3 and 0 not in others:
            return name
    return None


def lines_of(text):
    """The text with ends of lines as they are here; a CR ends one only where nothing else does."""
    text = re.sub("\r+\n", "\n", text.lstrip("\ufeff"))
    return text if "\n" in text else text.replace("\r", "\n")


def text_of(data):
    """The text of a file in UTF-8 or UTF-16. A byte that is in neither stays what it is, as half a
    surrogate pair: who reads the text decides about it."""
    wide = is_utf16(data)
    return lines_of(data.decode(wide, "replace") if wide else
                    data.decode("utf-8", "surrogateescape"))


def sure_text_of(data):
    """The same, where every letter must be known."""
    try:
        return lines_of(data.decode(is_utf16(data) or "utf-8"))
    except UnicodeDecodeError as error:
        raise BadValue("byte %#x in line %d is not UTF-8: save the file as UTF-8" % (
            data[error.start], data.count(b"\n", 0, error.start) + 1)) from None


def guessed(text):
    """(text, whether that is sure) where bytes that are not UTF-8 may stand in it: they are taken
    for Chinese where they can be, else for a western European's."""
    if text.isascii() or not re.search("[\udc80-\udcff]", text):
        return text, True
    data = text.encode("utf-8", "surrogateescape")
    return data.decode(encoding_of(data), "replace"), False


def encoding_of(data):
    """Of bytes that are not UTF-8."""
    return "gb18030" if CHINESE.fullmatch(data) else "cp1252"


def source_of(data):
    """(the text of a file of code, the name of its encoding where that is not UTF-8)."""
    return known_lines(text_of(data))


def known_lines(text):
    """The same for a text in which bytes stand that are not UTF-8. Lines without any stay as they
    are. A wrong guess makes a comment unreadable, and harms nothing else."""
    lines = text.split("\n")
    foreign = [number for number, line in enumerate(lines) if not guessed(line)[1]]
    if not foreign:
        return "\n".join(lines), ""
    raw = {number: lines[number].encode("utf-8", "surrogateescape") for number in foreign}
    name = encoding_of(b"\n".join(raw.values()))
    for number, line in raw.items():
        lines[number] = line.decode(name, "replace")
    return "\n".join(lines), "GBK" if name == "gb18030" else "Latin-1"


def encoding_note(path, name):
    """What people are told of it."""
    return "%s is not UTF-8, and is read as %s: save it as UTF-8" % (path, name)


def is_readable(text):
    """No letter of it was lost on its way."""
    return not re.search("[\ud800-\udfff\ufffd]", text)


def plain(text, most):
    """A text in one line, without what no terminal or table should get."""
    text = "".join(c if c.isprintable() else " " for c in unicodedata.normalize("NFC", text))
    return text.strip()[:most]


# -- JSON

def shown(value):
    """A wrong value in an error."""
    text = ascii(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."


def whole_number(text):
    if len(text) > MAX_DIGITS:
        raise BadValue("a number has %d digits" % len(text))
    return int(text)


def fraction(text):
    if len(text) > 2 * MAX_DIGITS or abs(float(text)) == float("inf"):
        raise BadValue("the number %s is too large" % text[:SHOWN])
    return float(text)


def no_number(text):
    raise BadValue("%s is no number" % text)


def once(pairs):
    """An object whose keys all differ."""
    found = {}
    for key, value in pairs:
        if key in found:
            raise BadValue("%s is there twice" % shown(key))
        found[key] = value
    return found


def json_of(data, most):
    """The value in at most so many bytes of JSON."""
    if len(data) > most:
        raise BadValue("it has more than %d KiB" % (most >> 10))
    try:
        return json.loads(sure_text_of(data), parse_int=whole_number, parse_float=fraction,
                          parse_constant=no_number, object_pairs_hook=once)
    except RecursionError:
        raise BadValue("its brackets are nested too deep") from None
    except json.JSONDecodeError as error:
        raise BadValue("it is no JSON: %s" % error) from None


def number(value, least, most, what):
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise BadValue("%s is %s, not a whole number from %d to %d"
                       % (what, shown(value), least, most))
    return value


def word(value, pattern, what):
    """A text that matches."""
    if not isinstance(value, str) or not re.fullmatch(pattern, value, re.A):
        raise BadValue("%s is %s, which cannot be" % (what, shown(value)))
    return value


def items(value, most, what, count=None):
    """A list of at most so many, or of exactly `count`."""
    if not isinstance(value, list) or len(value) > most or count not in (None, len(value)):
        raise BadValue("%s is no list of %s%d" % (what, "at most " if count is None else "",
                                                  most if count is None else count))
    return value


def table(value, most, what):
    """An object with at most so many keys."""
    if not isinstance(value, dict) or len(value) > most:
        raise BadValue("%s is no object of at most %d keys" % (what, most))
    return value


def member(value, name):
    if name not in value:
        raise BadValue("%s is missing" % name)
    return value[name]
