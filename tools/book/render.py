"""HTML of the pages: pandoc reads the Markdown, and what follows mends what it writes.

body() gives the inside of a page's <main>:

- links to texts of the tree lead to pages of the book; a link to any other file is only its words;
- a picture becomes a <figure>, with the words of the link as its caption. An SVG is put into the
  page, so that it has the page's colours, in the dark too. Code right behind it is the same drawn
  in letters, for readers of plain Markdown: it is folded;
- hints of an exercise unfold one by one, and its list of mistakes is folded: <details>;
- tables stand in a box of their own that can be moved sideways.

Only body() needs pandoc; the steps are functions of texts.
"""
import html
import os
import posixpath
import re
import subprocess

from book import sources

PANDOC = ["pandoc", "--from=gfm", "--to=html5", "--wrap=none", "--no-highlight"]
MISSING = "the book needs pandoc, and it is not installed: run `make setup BOOK=1`, or install " \
          "the package pandoc of your system"
PICTURE = re.compile(r'<p>\s*<img src="([^"]*)"\s*alt="([^"]*)"\s*/?>\s*</p>'
                     r"(\s*<pre>.*?</pre>)?", re.S)
ANCHOR = re.compile(r'<a href="([^"]*)"([^>]*)>(.*?)</a>', re.S)
HINTS = re.compile(r"<p><strong>(?:Hints?|提示)[.。]?</strong>[.。]?\s*(.*?)</p>"
                   r"(\s*<ul>.*?</ul>)?", re.S)
MISTAKES = re.compile(r"<p><strong>((?:(?:Common m|M)istakes, |常见错误)[^<]*?)[.。]?</strong>"
                      r"(.*?)</p>(.*?)(?=<h[1-6]|\Z)", re.S)
IN_LETTERS = {"en": "The same in letters", "zh": "用字符画出的同一张图"}
ITEM = re.compile(r"<li>(.*?)</li>", re.S)
# Where one sentence of a hint ends and the next begins.
SENTENCE = re.compile(r"(?<=[.?!)])\s+(?=[A-Z]|<code>\w)|(?<=[。？！])(?=.)")


def pandoc(words, text, cwd=None):
    """What a command of pandoc writes for a text."""
    try:
        done = subprocess.run(words, input=text.encode(), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, cwd=cwd)
    except FileNotFoundError:
        raise sources.BookError(MISSING)
    if done.returncode:
        raise sources.BookError("pandoc does not succeed: "
                                + done.stderr.decode("utf-8", "replace").strip())
    return done.stdout.decode()


def relinked(text, pages, page):
    """Links lead to pages of the book."""
    def place(match):
        link, rest, words = match.groups()
        link = html.unescape(link)
        if "://" in link:
            return match.group()
        other, anchor = sources.target(pages, page, link)
        if other is None:
            return words
        path = "" if other is page and anchor else other.name + ".html"
        if other.folder != page.folder:
            path = posixpath.relpath(posixpath.join(other.folder, path), page.folder or ".")
        return '<a href="%s"%s>%s</a>' % (path + ("#" + anchor if anchor else ""), rest, words)
    return ANCHOR.sub(place, text)


def inline(svg, name):
    """An SVG as part of a page: without its own colours, and with ids that no other one has."""
    svg = re.sub(r"<\?xml[^>]*>\s*|<style>.*?</style>\s*", "", svg, flags=re.S)
    return re.sub(r'(\bid="|url\(#|href="#|aria-labelledby="|aria-describedby=")([\w-]+)',
                  r"\1%s-\2" % name, svg)


def pictured(text, root, page):
    """Pictures that stand alone become figures."""
    def figure(match):
        link, words, letters = match.groups()
        path = os.path.normpath(os.path.join(root, os.path.dirname(page.source), link))
        name = os.path.splitext(os.path.basename(path))[0]
        with open(path, encoding="utf-8") as file:
            svg = file.read()
        return '<figure id="picture-%s"><div class="picture">%s</div>\n<figcaption>%s' \
               '</figcaption></figure>%s' % (
                   name, inline(svg, name), words, letters and "<details><summary>%s</summary>%s"
                   "</details>" % (IN_LETTERS[page.language], letters) or "")
    return PICTURE.sub(figure, text)


def hints(match):
    """Sentences, or else the items of the list behind them, each inside of the one before, so that
    they come one by one."""
    words, items = match.group(1), match.group(2) or ""
    given, made = SENTENCE.split(words) if words else [], ""
    given += ITEM.findall(items)
    for number, hint in reversed(list(enumerate(given, 1))):
        title = "提示 %d，共 %d 条" if sources.CHINESE.search(hint) else "Hint %d of %d"
        made = '<details class="hint"><summary>%s</summary>\n<p>%s</p>\n%s</details>' % (
            title % (number, len(given)), hint, made)
    return made


def folded(text):
    """Hints and mistakes are folded."""
    text = HINTS.sub(hints, text)
    return MISTAKES.sub(r'<details class="mistakes"><summary>\1</summary>\n<p>\2</p>\n\3'
                        "</details>\n", text).replace("<p></p>\n", "")


def finished(text, root, pages, page):
    """All steps that come after pandoc."""
    text = relinked(pictured(text, root, page), pages, page)
    text = text.replace("<table>", '<div class="table"><table>')
    return folded(text.replace("</table>", "</table></div>"))


def body(root, pages, page):
    """The HTML of a page, from its first heading on."""
    if page.is_plain:
        return '<h1 id="%s">%s</h1>\n<pre><code>%s</code></pre>\n' % (
            page.name, html.escape(page.title), html.escape(page.text))
    return finished(pandoc(PANDOC, page.text), root, pages, page)
