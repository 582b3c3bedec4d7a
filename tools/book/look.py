#!/usr/bin/env python3
"""Look at the book in a browser: what is too wide, too pale, or out of reach of the keyboard.

    look.py [DIR]           look at obj/book, which `make book` makes; Chromium must be there

Each page is opened 1400, 800 and 360 points wide: nothing may go beyond the page, but for what can
be moved sideways in a box of its own. In light and dark each word, also those of drawings and of
what is folded, has a contrast of 4.5 to 1 or more with what is behind it. By the Tab key alone all
that can be used is reached, and seen to be; the first key leads past the contents to the text; and
hints unfold one by one.

Before that it looks at a page with such mistakes, and must see each.
"""
import argparse
import os
import sys
import tempfile

sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

import cli
from book.browser import Browser, BrowserError

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WIDTHS, LEAST = (1400, 800, 360), 4.5
WALKED = ("lab5.html", os.path.join("zh", "lab5.html"))     # the keyboard is tried on these

UNFOLD = "for (const each of document.querySelectorAll('details')) each.open = true;"
WIDE = """(() => { %s
    const wide = document.documentElement.clientWidth, found = [];
    for (const each of document.querySelectorAll('body *')) {
        const box = each.getBoundingClientRect();
        if (box.width && box.right > wide + 1 && !each.closest('svg, pre, .table, .picture, .skip'))
            found.push(each.tagName + ' goes to column ' + Math.round(box.right) + ': ' +
                       each.textContent.trim().slice(0, 40));
    }
    return found;
})()""" % UNFOLD
PALE = """(() => { %s
    const numbers = color => color.match(/[\\d.]+/g).map(Number);
    const light = color => color.slice(0, 3).map(part => part / 255).map(part =>
        part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
        .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
    const isSolid = color => color.length === 3 || color[3] > 0.9;
    function behind(each) {
        for (; each; each = each.parentElement) {
            const color = numbers(getComputedStyle(each).backgroundColor);
            if (isSolid(color))
                return color;
        }
        return [255, 255, 255];
    }
    function drawn(each) {
        const box = each.getBoundingClientRect(), svg = each.closest('svg');
        const x = box.left + box.width / 2, y = box.top + box.height / 2;
        let color = behind(svg.parentElement);
        for (const form of svg.querySelectorAll('rect')) {
            const area = form.getBoundingClientRect(), fill = getComputedStyle(form).fill;
            if (area.left <= x && x <= area.right && area.top <= y && y <= area.bottom &&
                    fill !== 'none' && isSolid(numbers(fill)))
                color = numbers(fill);
        }
        return color;
    }
    const found = new Set(), walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const each = walk.currentNode.parentElement, words = walk.currentNode.data.trim();
        if (!words || each.closest('script, style, title, desc') || !each.getClientRects().length)
            continue;
        const inSvg = each.closest('svg'), style = getComputedStyle(each);
        const one = light(numbers(inSvg ? style.fill : style.color));
        const other = light(inSvg ? drawn(each) : behind(each));
        const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
        if (ratio < %s)
            found.add('a contrast of ' + ratio.toFixed(2) + ': ' + words.slice(0, 40));
    }
    return [...found];
})()""" % (UNFOLD, LEAST)
USED = """(() => {
    let number = 0;
    for (const each of document.querySelectorAll('a[href], button, input, summary'))
        if (each.checkVisibility({contentVisibilityAuto: true, visibilityProperty: true}))
            each.dataset.look = number++;
    return number;
})()"""
FOCUS = """(() => {
    const each = document.activeElement, style = getComputedStyle(each);
    return [each.dataset.look ?? '', each.textContent.trim().slice(0, 40), each.tagName,
            style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2, each.id];
})()"""
HINTS = """(() => {
    const first = [...document.querySelectorAll('.hint')].find(
        each => each.querySelector('.hint') && !each.parentElement.closest('.hint'));
    first.querySelector('summary').focus();
    return 1 + first.querySelectorAll('.hint').length;
})()"""
MISSED = """[...document.querySelectorAll('[data-look]')].filter(each =>
    !%s.includes(each.dataset.look)).map(each => each.textContent.trim().slice(0, 40))"""
PLANTED = """<!doctype html><title>t</title><style>:focus { outline: 3px solid }</style>
<a href="#text" id="skip">skip</a><main id="text" tabindex="-1"><p style="width: 600px">wide</p>
<p style="color: #999; background: #fff">pale</p><svg><rect width="90" height="50" fill="#fff"/>
<text y="20" fill="#aaa">drawn</text></svg><button tabindex="-1">unreached</button>
<a href="#x" style="outline: none">unseen</a></main>"""
SEEN = ("goes to column 6", "a contrast of 2.85: pale", "a contrast of 2.32: drawn",
        "the keyboard does not reach: unreached", "nobody sees that the keyboard is at: unseen")


def walk(browser):
    """Sentences on what the Tab key does not reach, or reaches unseen."""
    count, reached = browser.run(USED), []
    for _ in range(2 * count):
        browser.press("Tab")
        number, words, tag, is_seen, _ = browser.run(FOCUS)
        if number in reached:
            break
        reached += [number] if number else []
        if tag != "BODY" and not is_seen:
            yield "nobody sees that the keyboard is at: " + words
    for words in browser.run(MISSED % reached):
        yield "the keyboard does not reach: " + words


def skipped(browser):
    """Does the first key lead to the text?"""
    browser.press("Tab")
    browser.press("Enter")
    if browser.run(FOCUS)[4] != "text":
        yield "the first Tab and Enter do not lead to the text"


def unfolded(browser):
    """Do hints unfold one by one, by Tab and Enter?"""
    count = browser.run(HINTS)
    for number in range(1, count + 1):
        words = browser.run(FOCUS)[1]
        browser.press("Enter")
        is_open = browser.run("document.querySelectorAll('.hint[open]').length")
        if not words.split("，")[0].endswith((" %d" % number, " %d of %d" % (number, count))) \
                or is_open != number:
            yield "hint %d of %d does not come by the keyboard: %s" % (number, count, words)
        browser.press("Tab")


def look(browser, path):
    """Sentences on a page: what is too wide, or too pale."""
    for width in WIDTHS:
        browser.open(path, width)
        for words in browser.run(WIDE):
            yield "%d wide: %s" % (width, words)
    for dark in (False, True):
        browser.open(path, WIDTHS[0], dark)
        for words in browser.run(PALE):
            yield "%s: %s" % ("dark" if dark else "light", words)


def prove(browser):
    """Each mistake of a page that is full of them must be seen."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "planted.html")
        with open(path, "w", encoding="utf-8") as file:
            file.write(PLANTED)
        said = "\n".join(look(browser, path))
        browser.open(path, WIDTHS[0])
        said += "\n" + "\n".join(walk(browser))
    for words in SEEN:
        if words not in said:
            raise BrowserError("a planted mistake is not seen (%s): do not trust this" % words)


def complaints(browser, folder):
    """Sentences on all pages of a book."""
    paths = sorted(os.path.relpath(os.path.join(place, name), folder)
                   for place, _, names in os.walk(folder) for name in names
                   if name.endswith(".html"))
    for path in paths:
        for words in look(browser, os.path.join(folder, path)):
            yield "%s: %s" % (path, words)
    for path in [path for path in WALKED if path in paths]:
        for check in (walk, skipped, unfolded):
            browser.open(os.path.join(folder, path), WIDTHS[0])
            for words in check(browser):
                yield "%s: %s" % (path, words)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", nargs="?", default=os.path.join(ROOT, "obj", "book"),
                        metavar="DIR", help="a book; obj/book")
    folder = parser.parse_args().folder
    if not os.path.isfile(os.path.join(folder, "index.html")):
        raise BrowserError("%s has no index.html: run `make book`" % folder)
    browser = Browser()
    try:
        prove(browser)
        return cli.tell(list(complaints(browser, folder)), "the pages of %s, in a browser" % folder)
    finally:
        browser.close()


if __name__ == "__main__":
    sys.exit(cli.run("look", main, (BrowserError,)))
