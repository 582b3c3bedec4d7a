"""The index of the book: each section's words, for the search in book.js.

A section reaches from a heading that has an anchor to the next one. The index is a script that sets
one variable, because a page that is opened from a file may load scripts, and no other data.

A row of it is [number of the page, anchor, title, words]; what is searched is title and words.
book.js is its only reader.
"""
import html
import json
import re

HEADING = re.compile(r'<h([1-6]) id="([^"]*)">(.*?)</h\1>', re.S)


def words_of(text):
    """What a reader sees of HTML, as one line. Of a picture that are its texts."""
    text = re.sub(r"<(style|script)\b.*?</\1>", " ", text, flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


def sections(text):
    """(anchor, title, words) of each section of a page's HTML."""
    heads = list(HEADING.finditer(text))
    for head, after in zip(heads, heads[1:] + [None]):
        yield (head.group(2), words_of(head.group(3)),
               words_of(text[head.end():after.start() if after else len(text)]))


def index(bodies):
    """The script, for {Page: HTML}."""
    names = [[page.name, page.title] for page in bodies]
    rows = [[number, anchor, title, words] for number, text in enumerate(bodies.values())
            for anchor, title, words in sections(text)]
    return "var RVLAB_INDEX = %s;\n" % json.dumps({"pages": names, "sections": rows},
                                                  ensure_ascii=False, separators=(",", ":"))
