"""What comes from a student, as bytes, becomes values that the other tools can trust.

Hand-ins, .handout.json, student.txt and answers.md are read through this file and nowhere else. A
value has the type, the range and the length that its reader asks for, or there is a BadValue, whose
text says what is wrong. Nothing here raises anything else, whatever the bytes are.

Text may come in UTF-8, UTF-16, or in the encoding of an old editor. Foreign letters are decoded by
a guess only if a wrong guess does no harm, as in a comment, and the guess is always told.
"""
import errno
import json
import os
import re
import stat
import unicodedata

MAX_DIGITS = 18                 # a number with more digits takes long to read, and fits nowhere
SHOWN = 40                      # an error shows so many characters of a wrong value
# Chinese text in GB 2312 has pairs of bytes; the first byte names a row of signs or letters.
CHINESE = re.compile(rb"(?:[\0-\x7f]|[\xa1-\xa9\xb0-\xf7][\xa1-\xfe])*")


class BadValue(ValueError):
    """A value is not what it must be; the text says how."""


def file_data(path, most):
    """The bytes of a file of a student's tree. OSError if it cannot be read, if it is no file
    but a pipe, which nobody may ever write to, or if it has more than `most` bytes."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(errno.EINVAL, "this is a folder, a device or a pipe, and no file", path)
    with open(path, "rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, "this file has more than %d bytes" % most, path)
    return data


# -- text

def is_utf16(data):
    """The encoding, if these bytes are UTF-16, which some editors of Windows write; else None. If
    there is no mark at the beginning, plain letters tell: every second byte of them is 0."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    start = data[:256]
    for name, zeros, others in (("utf-16-le", start[1::2], start[::2]),
                                ("utf-16-be", start[::2], start[1::2])):
        if len(zeros) > 8 and zeros.count(0) * 4 > len(zeros) * 3 and 0 not in others:
            return name
    return None


def lines_of(text):
    """The text with LF as end of line. A CR alone counts as one only if the text has no other."""
    text = re.sub("\r+\n", "\n", text.lstrip("\ufeff"))
    return text if "\n" in text else text.replace("\r", "\n")


def text_of(data):
    """The text of a file in UTF-8 or UTF-16. A byte that fits neither stays what it is, as half of
    a surrogate pair; the reader of the text decides about it."""
    wide = is_utf16(data)
    return lines_of(data.decode(wide, "replace") if wide else
                    data.decode("utf-8", "surrogateescape"))


def sure_text_of(data):
    """The same, but a byte that is not UTF-8 is a BadValue."""
    try:
        return lines_of(data.decode(is_utf16(data) or "utf-8"))
    except UnicodeDecodeError as error:
        raise BadValue("byte %#x in line %d is not UTF-8: save the file as UTF-8" % (
            data[error.start], data.count(b"\n", 0, error.start) + 1)) from None


def guessed(text):
    """(the text with its foreign bytes decoded, whether that is sure). Bytes that are not UTF-8 are
    taken for Chinese if they can be that, else for a western European encoding."""
    if text.isascii() or not re.search("[\udc80-\udcff]", text):
        return text, True
    data = text.encode("utf-8", "surrogateescape")
    return data.decode(encoding_of(data), "replace"), False


def encoding_of(data):
    """The encoding that bytes which are not UTF-8 probably have."""
    return "gb18030" if CHINESE.fullmatch(data) else "cp1252"


def source_of(data):
    """(the text of a source file, the name of its encoding; "" if that is UTF-8)."""
    return known_lines(text_of(data))


def known_lines(text):
    """The same for a text that text_of() has read. Only lines with foreign bytes are changed. A
    wrong guess makes a comment unreadable, and harms nothing else."""
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
    """The note for people about a file in a foreign encoding."""
    return "%s is not UTF-8, and is read as %s: save it as UTF-8" % (path, name)


def is_readable(text):
    """Was no letter of this text lost on its way?"""
    return not re.search("[\ud800-\udfff\ufffd]", text)


def plain(text, most):
    """The text as one line of at most so many characters, all of which can be printed."""
    text = "".join(c if c.isprintable() else " " for c in unicodedata.normalize("NFC", text))
    return text.strip()[:most]


# -- JSON

def shown(value):
    """A wrong value, as an error shows it."""
    text = ascii(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."


def whole_number(text):
    """A whole number in JSON."""
    if len(text) > MAX_DIGITS:
        raise BadValue("a number has %d digits" % len(text))
    return int(text)


def fraction(text):
    """Another number in JSON."""
    if len(text) > 2 * MAX_DIGITS or abs(float(text)) == float("inf"):
        raise BadValue("the number %s is too large" % text[:SHOWN])
    return float(text)


def no_number(text):
    """NaN and Infinity, which Python takes and JSON does not have."""
    raise BadValue("%s is no number" % text)


def once(pairs):
    """An object of JSON; its keys must all differ."""
    found = {}
    for key, value in pairs:
        if key in found:
            raise BadValue("%s is there twice" % shown(key))
        found[key] = value
    return found


def json_of(data, most):
    """The value that these bytes hold as JSON; they may be at most so many."""
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
    """The value, which must be a whole number in this range."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise BadValue("%s is %s, not a whole number from %d to %d"
                       % (what, shown(value), least, most))
    return value


def word(value, pattern, what):
    """The value, which must be a text that matches the pattern as a whole."""
    if not isinstance(value, str) or not re.fullmatch(pattern, value, re.A):
        raise BadValue("%s is %s, which cannot be" % (what, shown(value)))
    return value


def items(value, most, what, count=None):
    """The value, which must be a list of at most so many items, or of exactly `count`."""
    if not isinstance(value, list) or len(value) > most or count not in (None, len(value)):
        raise BadValue("%s is no list of %s%d" % (what, "at most " if count is None else "",
                                                  most if count is None else count))
    return value


def table(value, most, what):
    """The value, which must be an object with at most so many keys."""
    if not isinstance(value, dict) or len(value) > most:
        raise BadValue("%s is no object of at most %d keys" % (what, most))
    return value


def member(value, name):
    """A member that an object must have."""
    if name not in value:
        raise BadValue("%s is missing" % name)
    return value[name]
