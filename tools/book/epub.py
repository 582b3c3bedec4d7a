"""The book as one file for each language, an EPUB: all pages behind each other, made by pandoc of
their HTML.

Links between pages become links inside of the file, and what is folded in a browser is open,
because a reader of paper has nothing to click. Drawings are files in it, which bring their own
colours. Fonts are those of the reader, who is told the language.

write() and dead() are all that others use. The rest are functions of texts, which need no pandoc.
"""
import os
import posixpath
import re
import xml.etree.ElementTree as ElementTree
import zipfile

from book import render, sources

NAMES = {"en": "rvlab.epub", "zh": "rvlab.zh.epub"}
WORDS = ["pandoc", "--from=html", "--to=epub3", "--toc", "--toc-depth=2",
         "--metadata=rights:MIT license", "--metadata=author:the rvlab authors"]
OWN = {"en": ("rvlab", "en"), "zh": ("rvlab：实验指导", "zh-Hans")}     # title, language
OUTSIDE = re.compile(r'<a href="\.\./[^"]*"[^>]*>(.*?)</a>', re.S)
PACKAGE = "{http://www.idpf.org/2007/opf}"
STYLE = "pre { white-space: pre-wrap; font-size: 0.75em; }\n" \
        "table { border-collapse: collapse; }\n" \
        "td, th { border: 1px solid #888; padding: 0.2em 0.4em; vertical-align: top; }\n" \
        "figcaption { font-size: 0.9em; }\nimg { max-width: 100%; }\n"
FIGURE = re.compile(r'<figure id="([^"]*)">.*?</svg>\s*</div>\s*'
                    r"<figcaption>(.*?)</figcaption></figure>", re.S)


def joined(pages, bodies):
    """One HTML text of {Page: HTML}, in which each id begins with its page's name. A link to a page
    of the other language is only its words."""
    parts = []
    for page, text in bodies.items():
        text = OUTSIDE.sub(r"\1", text)
        text = re.sub(r'(<[^>]*\bid=")([^"]*)', r"\1%s--\2" % page.name, text)
        text = re.sub(r'href="#([^"]+)', r'href="#%s--\1' % page.name, text)
        text = re.sub(r'href="([a-z0-9-]+)\.html#([^"]+)', r'href="#\1--\2', text)
        for other in pages:
            text = text.replace('href="%s.html"' % other.name,
                                'href="#%s--%s"' % (other.name, first_id(bodies[other])))
        parts.append(re.sub(r"</?details[^>]*>|<summary>(?:Hint|提示) [^<]*</summary>", "", text)
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


def write(root, bodies, folder):
    """Write the EPUB for {Page: HTML} into a folder."""
    pages = list(bodies)
    language = pages[0].language
    path, (title, tag) = os.path.join(folder, NAMES[language]), OWN[language]
    style = path + ".css"
    with open(style, "w", encoding="utf-8") as file:
        file.write(STYLE)
    try:
        render.pandoc(WORDS + ["--metadata=title:" + title, "--metadata=lang:" + tag,
                               "--metadata=identifier:rvlab-" + language,
                               "--css", style, "--output", path],
                      with_files(root, pages, joined(pages, bodies)))
    finally:
        os.remove(style)
    if not os.path.isfile(path):
        raise sources.BookError("pandoc has written no " + path)


def wrong_frame(archive):
    """Sentences about what every reader of EPUBs wants: the mark at the start, a package that lists
    each file and has title, language and name, and an order of texts that are in the list."""
    names = archive.namelist()
    if names[:1] != ["mimetype"] or archive.getinfo("mimetype").compress_type or \
            archive.read("mimetype") != b"application/epub+zip":
        yield "mimetype: is not first, or packed, or not application/epub+zip"
    try:
        place = ElementTree.fromstring(archive.read("META-INF/container.xml")).find(
            ".//{urn:oasis:names:tc:opendocument:xmlns:container}rootfile").get("full-path")
        package = ElementTree.fromstring(archive.read(place))
    except (KeyError, AttributeError, ElementTree.ParseError) as error:
        yield "META-INF/container.xml: leads to no package: %s" % error
        return
    items = {each.get("id"): posixpath.normpath(posixpath.join(
        posixpath.dirname(place), each.get("href"))) for each in package.iter(PACKAGE + "item")}
    for name in sorted(set(items.values()) ^ {name for name in names if name not in (
            "mimetype", place) and not name.startswith("META-INF/")}):
        yield "%s: %s %s" % (place, name, "is not there" if name not in names else "is not listed")
    for each in package.iter(PACKAGE + "itemref"):
        if each.get("idref") not in items:
            yield "%s: the order has %s, which is not listed" % (place, each.get("idref"))
    for word in ("title", "language", "identifier"):
        found = package.find(".//{http://purl.org/dc/elements/1.1/}" + word)
        if found is None or not (found.text or "").strip():
            yield "%s: there is no %s" % (place, word)


def dead(path):
    """Sentences about what in an EPUB is no XML, leads nowhere, or keeps it from being opened."""
    ids, links = {}, []
    with zipfile.ZipFile(path) as archive:
        yield from wrong_frame(archive)
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
