#!/usr/bin/env python3
"""Make the book: pages for a browser in obj/book, and an EPUB of them for each language.

    makebook.py [DIR]       make it, in DIR instead of obj/book; `make book` runs this
    makebook.py --check     look at links, pictures and commands only; that needs no pandoc
    makebook.py --outside   ask the addresses outside of the tree, by the network

The pages open from files, without a server or a network: obj/book/index.html is the first. The text
is labcodes.md and docs/. What is named there and is wrong (a link, a picture, a command) is told,
and then no book is made. What was made is read once more: each link in it must lead to something.
"""
import argparse
import html
import html.parser
import os
import shutil
import string
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import cli
from book import checks, epub, outside, render, search, sources

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OWN = os.path.dirname(os.path.abspath(__file__))
EMPTY = ("meta", "link", "br", "img", "hr", "input", "col")    # elements that have no end
COPIED = ("style.css", "book.js")
# What the pages say beside their texts. book.js has the words of what it does.
WORDS = {
    "en": dict(
        skip="Skip to the text", menu="Contents", search="Search", press="press / to search",
        theme="Theme: as the system", found="What the search has found",
        around="Pages before and after", before="Before: %s", next="Next: %s", labs="The labs",
        docs="About the kernel and its tools", switch="中文",
        license='The text, the drawings and the screens of this book are under the <a '
                'href="license.html">MIT license</a>, as the code is.',
        front='A teaching kernel for RISC-V, and the labs that are cut out of it. Begin with <a '
              'href="start.html">the first hour</a>.',
        file=' All pages are also in one file: <a href="%s">%s</a>.'),
    "zh": dict(
        skip="跳到正文", menu="目录", search="搜索", press="按 / 搜索", theme="主题：随系统",
        found="搜索结果", around="前后页", before="上一页：%s", next="下一页：%s", labs="实验",
        docs="其他", switch="English",
        license='本书的文字、图和屏幕显示与代码一样，采用 <a href="license.html">MIT 许可证</a>。',
        front='一个 RISC-V 教学内核，以及从它里面裁出来的实验。从<a href="start.html">第一个小时</a>'
              '开始。', file='所有页面也在一个文件里：<a href="%s">%s</a>。')}
FRONT = '<h1 id="rvlab">rvlab</h1>\n<p>%s%s</p>\n'


class Seen(html.parser.HTMLParser):
    """The ids of a page, and what it leads to or loads. An element that is not closed is wrong: so
    a word in angle brackets, which nobody would see, is found."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.targets, self.wrong, self.open = [], [], [], []
        self.feed(text)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in EMPTY:
            self.open.pop()

    def handle_endtag(self, tag):
        while self.open and self.open[-1] != tag:
            self.wrong.append("line %d: <%s> is not closed" % (self.getpos()[0], self.open.pop()))
        if self.open:
            self.open.pop()

    def handle_starttag(self, tag, attributes):
        if tag not in EMPTY:
            self.open.append(tag)
        of = dict(attributes)
        self.ids += [of["id"]] if "id" in of else []
        self.targets += [of[name] for name in ("href", "src") if of.get(name)]
        if tag in ("link", "script", "img") and "://" in (of.get("href") or of.get("src") or ""):
            self.wrong.append("%s is loaded from a network" % (of.get("href") or of.get("src")))
        if tag == "img" and not of.get("alt"):
            self.wrong.append("%s has no text beside it" % of.get("src"))


def contents(pages, current, deep=False):
    """The list of all pages; of the current one, or of all labs, the headings too."""
    for part in ("labs", "docs"):
        yield "<h2>%s</h2>\n<ul>" % WORDS[pages[0].language][part]
        for page in pages:
            if page.part != part:
                continue
            here = ' aria-current="page"' if page is current else ""
            tongue = "" if page.language == pages[0].language else ' lang="%s"' % page.language
            yield '<li><a href="%s.html"%s%s>%s</a>' % (
                page.name, here, tongue, html.escape(page.title))
            if page is current or deep and part == "labs":
                yield from headings(page)
            yield "</li>"
        yield "</ul>"


def headings(page):
    """The sections of a page as a list of links."""
    found = [(anchor, title) for anchor, (level, title) in zip(
        page.anchors, sources.headings(page.text)) if level == 2 and not page.is_plain]
    if found:
        yield "<ul>"
        for anchor, title in found:
            yield '<li><a href="%s.html#%s">%s</a></li>' % (
                page.name, anchor, html.escape(sources.plain(title)))
        yield "</ul>"


def turn(pages, page):
    """Links to the pages before and after this one."""
    at = pages.index(page)
    for other, word in ((at - 1, "before"), (at + 1, "next")):
        if 0 <= other < len(pages):
            yield '<a href="%s.html">%s</a>' % (
                pages[other].name, WORDS[page.language][word] % html.escape(pages[other].title))


def write(folder, name, text):
    with open(os.path.join(folder, name), "w", encoding="utf-8", newline="\n") as file:
        file.write(text)


def build(root, folder):
    """Write all files of the book into an empty folder."""
    for bodies in build_pages(root, folder, True):
        epub.write(root, bodies, os.path.join(folder, next(iter(bodies)).folder))


def build_pages(root, folder, files=False, hints=None):
    """The same without the EPUBs, of any tree; the front pages name them if there will be `files`.
    `hints` are those of tools/labs, or what a handout shows of them. If the tree has the Chinese
    text too, it is in the folder zh. A list of {Page: its HTML}, for each language."""
    pages, chinese = sources.load(root, hints), sources.load_chinese(root)
    written = [write_pages(root, folder, pages, chinese, files)]
    if chinese:
        os.mkdir(os.path.join(folder, "zh"))
        written.append(write_pages(root, folder, chinese, pages, files))
    for name in COPIED:
        shutil.copyfile(os.path.join(OWN, name), os.path.join(folder, name))
    return written


def write_pages(root, folder, pages, others, files):
    """Write the pages of one language, with a front page, contents and a search of their own; the
    result is {Page: its HTML}. Each leads to the page of its name among `others`, which are those
    of the other language, or else to their front page."""
    inside, up = pages[0].folder, "../" if pages[0].folder else ""
    place = os.path.join(folder, inside)
    known = pages + others if inside else pages     # no English page leads to a Chinese one
    bodies = {page: render.body(root, known, page) for page in pages}
    with open(os.path.join(OWN, "template.html"), encoding="utf-8") as file:
        template = string.Template(file.read())

    def write_one(name, language, **parts):
        words = WORDS[language]
        there = name if name in {page.name for page in others} else "index"
        switch = '<a id="language" href="%s%s.html" lang="%s">%s</a>\n' % (
            up or "zh/", there, others[0].language, words["switch"]) if others else ""
        write(place, name + ".html", template.substitute(
            words, language=language, up=up, other=switch, **parts))

    for page in pages:
        write_one(page.name, page.language if not others else pages[0].language,
                  title=html.escape(page.title + " - rvlab"), body=bodies[page],
                  contents="\n".join(contents(pages, page)), turn="\n".join(turn(pages, page)))
    language = pages[0].language
    file = WORDS[language]["file"] % ((epub.NAMES[language],) * 2) if files else ""
    write_one("index", language, title="rvlab", turn="", body=FRONT % (
        WORDS[language]["front"], file) + "\n".join(contents(pages, None, True)),
        contents="\n".join(contents(pages, None)))
    write(place, "index.js", search.index(bodies))
    return bodies


def dead(folder):
    """Sentences about what in the pages of a folder leads nowhere."""
    names = sorted(name for name in os.listdir(folder) if name.endswith(".html"))
    seen = {}
    for name in names:
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            seen[name] = Seen(file.read())
    for name, page in seen.items():
        for wrong in page.wrong:
            yield "%s: %s" % (name, wrong)
        for double in sorted({each for each in page.ids if page.ids.count(each) > 1}):
            yield "%s: two things have the id %s" % (name, double)
        for target in page.targets:
            path, _, anchor = target.partition("#")
            other = seen.get(path or name)
            if "://" in target:
                continue
            if not os.path.isfile(os.path.join(folder, path or name)) or \
                    anchor and other and anchor not in other.ids:
                yield "%s: %s leads nowhere" % (name, target)


def tell(found):
    """Print what is wrong; if there is anything, no book is made."""
    if found:
        count = "%d things are wrong:" % len(found) if len(found) > 1 else "one thing is wrong:"
        raise sources.BookError("\n  ".join([count] + found))


def all_pages(root):
    """The pages of both languages. A file that has a page in each is here once."""
    pages = sources.load(root)
    of_files = {page.source for page in pages}
    return pages + [page for page in sources.load_chinese(root) if page.source not in of_files]


def make(root, target):
    """Make the book of a tree in a folder, which is there as a whole or stays as it was."""
    tell(list(checks.complaints(root, all_pages(root))))
    beside = target.rstrip("/") + ".new"
    shutil.rmtree(beside, ignore_errors=True)
    os.makedirs(beside)
    build(root, beside)
    tell([each for place, _, names in os.walk(beside) for each in list(dead(place)) + [
        wrong for name in names if name.endswith(".epub")
        for wrong in epub.dead(os.path.join(place, name))]])
    shutil.rmtree(target, ignore_errors=True)
    os.rename(beside, target)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", nargs="?", default=os.path.join(ROOT, "obj", "book"),
                        metavar="DIR", help="where to; obj/book")
    parser.add_argument("--check", action="store_true", help="only look at what the texts name")
    parser.add_argument("--outside", action="store_true",
                        help="only ask whether addresses outside of the tree answer")
    options = parser.parse_args()
    pages = all_pages(ROOT)
    if options.check:
        tell(list(checks.complaints(ROOT, pages)))
        print("%d pages: links, pictures and commands are right" % len(pages))
        return 0
    if options.outside:
        tell(outside.complaints(pages))
        print("%d addresses outside: all answer" % len(outside.addresses(pages)))
        return 0
    make(ROOT, options.folder)
    print("%d pages: %s" % (len(pages), os.path.relpath(
        os.path.join(options.folder, "index.html"))))
    return 0


if __name__ == "__main__":
    sys.exit(cli.run("book", main, (sources.BookError,)))
