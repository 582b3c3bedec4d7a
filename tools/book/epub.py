"""The book as one file, an EPUB: all pages behind each other, made by pandoc of their HTML.

Links between pages become links inside of the file, and what is folded in a browser is open,
because a reader of paper has nothing to click. Drawings are files in it, which bring their own
colours.

write() is all that others use. The rest are functions of texts, which need no pandoc.
"""
import os
import posixpath
import re
import xml.etree.ElementTree as ElementTree
import zipfile

from book import render, sources

NAME = "rvlab.epub"
WORDS = ["pandoc", "--from=html", "--to=epub3", "--toc", "--toc-depth=2", "--metadata=title:rvlab",
         "--metadata=lang:en", "--metadata=rights:MIT license",
         "--metadata=author:the rvlab authors", "--metadata=identifier:rvlab"]
STYLE = "pre { white-space: pre-wrap; font-size: 0.75em; }\n" \
        "td, th { border: 1px solid #888; padding: 0.2em 0.4em; vertical-align: top; }\n" \
        "figcaption { font-size: 0.9em; }\nimg { max-width: 100%; }\n"
FIGURE = re.compile(r'<figure id="([^"]*)">.*?</svg>\s*</div>\s*'
                    r"<figcaption>(.*?)</figcaption></figure>", re.S)


def joined(pages, bodies):
    """One HTML text of {Page: HTML}, in which each id begins with its page's name."""
    parts = []
    for page, text in bodies.items():
        text = re.sub(r'(<[^>]*\bid=")([^"]*)', r"\1%s--\2" % page.name, text)
        text = re.sub(r'href="#([^"]+)', r'href="#%s--\1' % page.name, text)
        text = re.sub(r'href="([a-z0-9-]+)\.html#([^"]+)', r'href="#\1--\2', text)
        for other in pages:
            text = text.replace('href="%s.html"' % other.name,
                                'href="#%s--%s"' % (other.name, first_id(bodies[other])))
        parts.append(re.sub(r"</?details[^>]*>|<summary>Hint [^<]*</summary>", "", text)
                     .replace("<summary>", "<p><strong>").replace("</summary>", "</strong></p>"))
    return "\n".join(parts)


def first_id(text):
    """The id of a page's first heading."""
    return re.search(r'<h1 id="([^"]*)"', text).group(1)


def with_files(root, pages, text):
    """Figures show files again, because an EPUB's readers know pictures better than inline SVG."""
    places = {os.path.splitext(os.path.basename(link))[0]: os.path.join(
        root, os.path.dirname(page.source), link)
              for page in pages for link in re.findall(r"!\[[^]]*\]\(([^)]+)\)", page.text)}
    return FIGURE.sub(lambda match: '<figure id="%s"><img src="%s" alt="%s" /><figcaption>%s'
                      "</figcaption></figure>" % (
                          match.group(1), places[match.group(1).split("picture-")[1]],
                          match.group(2), match.group(2)), text)


def write(root, bodies, path):
    """Write the EPUB for {Page: HTML}."""
    pages = list(bodies)
    style = path + ".css"
    with open(style, "w", encoding="utf-8") as file:
        file.write(STYLE)
    try:
        render.pandoc(WORDS + ["--css", style, "--output", path],
                      with_files(root, pages, joined(pages, bodies)))
    finally:
        os.remove(style)
    if not os.path.isfile(path):
        raise sources.BookError("pandoc has written no " + path)


def dead(path):
    """Sentences about what in an EPUB is no XML, or leads nowhere."""
    ids, links = {}, []
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        for name in names:
            if not name.endswith((".xhtml", ".opf", ".ncx", ".svg")):
                continue
            try:
                elements = list(ElementTree.fromstring(archive.read(name)).iter())
            except ElementTree.ParseError as error:
                yield "%s: %s" % (name, error)
                continue
            ids[name] = {each.get("id") for each in elements}
            if name.endswith(".xhtml"):
                links += [(name, each.get(key)) for each in elements for key in ("href", "src")
                          if each.get(key)]
    for name, link in links:
        place, _, anchor = link.partition("#")
        place = posixpath.join(posixpath.dirname(name), place) if place else name
        place = posixpath.normpath(place)
        if "://" not in link and (place not in names
                                  or anchor and anchor not in ids.get(place, ())):
            yield "%s: %s leads nowhere" % (name, link)
