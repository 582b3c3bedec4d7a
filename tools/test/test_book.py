"""The book: what its pages name is there, and mistakes that are planted in a text are found.

The pages here are made up, but for one test of this tree's own pages. None of these tests needs
pandoc: what it would write is given as text. .ci/run makes the whole book, in which makebook.py
looks at each link once more.

Run alone: python3 tools/test/test_book.py
"""
import os
import re
import subprocess
import sys
import tempfile
import unittest
import zipfile
from unittest import mock

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tools"))

from book import checks, epub, makebook, render, search, sources

LABS = """# The labs

Text. See [the second](#lab-2-two).

## Lab 1: one

### Exercise 1.1: do it (5 points)

    # no heading
    make grade LAB=1

## Lab 2: two

### Exercise 1.1: do it (5 points)
"""
CHINESE = """# 实验

正文。

## 实验 1：一

## 实验 2：二
"""
SVG = '<svg xmlns="http://www.w3.org/2000/svg" class="drawing" role="img" aria-labelledby="t">' \
      '<title id="t">a drawing</title><style>text { fill: red }</style><text>words</text></svg>\n'
WORDS = "a drawing in which three boxes stand beside each other, with words"


class TreeOfPages(unittest.TestCase):
    """A folder with pages in it, and with what commands of this tree name."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name
        os.mkdir(os.path.join(self.root, "docs"))
        for name in ("tools", "user", "Makefile"):
            os.symlink(os.path.join(TOP, name), os.path.join(self.root, name))
        self.put("labcodes.md", LABS)
        self.put("docs/a.svg", SVG)

    def put(self, path, text):
        with open(os.path.join(self.root, path), "w", encoding="utf-8") as file:
            file.write(text)

    def pages(self):
        return sources.load(self.root, hints={})

    def page(self, name):
        return next(page for page in self.pages() if page.name == name)

    def complaints(self, text):
        """What is wrong if docs/page.md has this text."""
        self.put("docs/page.md", "# Page\n\n" + text + "\n")
        return [each.split(": ", 1)[1] for each in checks.complaints(self.root, self.pages())]


class Pages(TreeOfPages):
    def test_labcodes_is_split(self):
        self.assertEqual([(page.name, page.title) for page in self.pages()],
                         [("start", "The labs"), ("lab1", "Lab 1: one"), ("lab2", "Lab 2: two")])
        self.assertEqual(self.page("lab1").text.split("\n")[:3],
                         ["# Lab 1: one", "", "## Exercise 1.1: do it (5 points)"])

    def test_code_is_no_heading(self):
        self.assertIn("    # no heading", self.page("lab1").text)
        self.assertEqual(self.page("lab1").anchors, ["lab-1-one", "exercise-11-do-it-5-points"])

    def test_nothing_is_lost(self):
        self.assertEqual("\n".join(page.text for page in self.pages()).replace("#", "").split(),
                         LABS.replace("#", "").split())

    def test_hints_of_the_catalogue(self):
        """Before the mistakes; an exercise that has hints keeps its own."""
        hints = {"1.1": "\nUse a_b\nor <c>.\n\nThen `d_e`.\n", "1.2": "other"}
        made = sources.hinted("# Lab\n\n## Exercise 1.1: x\n\nText.\n\n**Common mistakes, x.**\n\n"
                              "- y\n\n## Exercise 1.2: z\n\n**Hints**. Own.\n\n"
                              "## Challenge 1.C: c\n", hints)
        self.assertIn("Text.\n\n**Hints.**\n\n- Use a\\_b or \\<c>.\n- Then `d_e`.\n\n**Common",
                      made)
        self.assertNotIn("other", made)
        self.assertTrue(made.endswith("Own.\n\n## Challenge 1.C: c\n"))

    def test_each_exercise_of_this_tree_has_hints(self):
        """In both languages, and none of them is a long text at once."""
        for pages, title in ((sources.load(TOP), "Hint"), (sources.load_chinese(TOP), "提示")):
            text, count = "".join(page.text for page in pages if page.part == "labs"), 0
            for part in re.split(r"(?m)^(?=## )", text):
                if sources.EXERCISE.match(part) and "8.C" not in part.split("\n")[0]:
                    self.assertRegex(part, r"(?m)^\*\*" + title, part.split("\n")[0])
                    count += 1
            self.assertGreater(count, 40)
        for hint in sources.known_hints().values():
            for step in sources.steps(hint):
                self.assertLess(sources.width(step), 2 * sources.LONG)

    def test_hints_come_in_steps(self):
        long = "Do the first thing, which is long enough to be a step of its own. " * 3
        hint = "\nWrite:\n    a_line\n    two\nthen\ngo.\n- One.\n- Two\n  of it.\n\n" + long * 3
        steps = list(sources.steps(hint))
        self.assertEqual(["Write: `a_line` `two` then go.", "One.", "Two of it."], steps[:3])
        self.assertEqual(len(steps), 6)
        self.assertEqual(" ".join(steps[3:]), (long * 3).strip())
        self.assertEqual(["先做这个，用 f() 看它的 \\<a>；再做。"],
                         list(sources.steps("\n先做这个，用 f() 看\n它的 <a>；\n再做。")))
        many = "第一步足够长，可以自己成为一步，因为中文的字有两列宽，而且它还没有说完要说的话。" * 6
        self.assertEqual("".join(sources.steps(many)), many)
        self.assertGreater(len(list(sources.steps(many))), 2)

    def test_links_across_pages(self):
        pages = self.pages()
        for page, link, wanted in (("start", "#lab-2-two", ("lab2", "lab-2-two")),
                                   ("lab2", "#exercise-11-do-it-5-points",
                                    ("lab2", "exercise-11-do-it-5-points"))):
            other, anchor = sources.target(pages, self.page(page), link)
            self.assertEqual((other.name, anchor), wanted)

    def test_equal_headings(self):
        self.assertEqual(sources.anchors("# A b\n\n## A b\n\n## `A` b\n"),
                         ["a-b", "a-b-1", "a-b-2"])

    def test_no_labcodes(self):
        with self.assertRaisesRegex(sources.BookError, "labcodes.md is not in"):
            sources.load(os.path.join(self.root, "docs"))


class Checks(TreeOfPages):
    def test_links(self):
        for text, wanted in (("[x](a.md)", "a.md is not there"),
                             ("[x](page.md#no)", "page.md#no leads to no heading"),
                             ("[x](#no)", "#no leads to no heading"),
                             ("[x](../labcodes.md#lab-3)", "leads to no heading"),
                             ("[x\ny](a.md)", "a.md is not there")):
            self.assertIn(wanted, "".join(self.complaints(text)), text)
        for text in ("[x](page.md)", "[x](#page)", "[x](../labcodes.md#lab-2-two)",
                     "[x](https://example.org/#y)", "    [x](a.md)"):
            self.assertEqual(self.complaints(text), [], text)

    def test_pictures(self):
        for text, wanted in (("![%s](b.svg)" % WORDS, "b.svg is not there"),
                             ("![short](a.svg)", "no text beside it"),
                             ("![%s](https://example.org/a.svg)" % WORDS, "from elsewhere")):
            self.assertIn(wanted, "".join(self.complaints(text)), text)
        self.assertEqual(self.complaints("![%s](a.svg)" % WORDS), [])
        self.put("docs/a.svg", SVG.replace("title", "desc"))
        self.assertIn("has no <title>", "".join(self.complaints("![%s](a.svg)" % WORDS)))

    def test_commands(self):
        for text, wanted in (("    make gradee", "no target gradee"),
                             ("`make grade LABS=1`", "no knob LABS="),
                             ("`make\ngrade TEST=tickk`", "no TEST=tickk"),
                             ("    make debug TEST=\"tick nosuch*\"", "no TEST=nosuch*"),
                             ("    make grade EX=1.9   # words", "no EX=1.9"),
                             ("    make run PROG=nosuch", "no PROG=nosuch"),
                             ("`tools/lab handout 5 --nosuch`", "no option --nosuch"),
                             ("    python3 tools/nosuch.py", "tools/nosuch.py is not there"),
                             ("    make grade \\\n        NOSUCH=1", "no knob NOSUCH="),
                             ("    make run PROG=\"hello", "is no command")):
            self.assertIn(wanted, "".join(self.complaints(text)), text)
        for text in ("    make run PROG=hello && echo good", "`make grade TEST=\"cow fork*\"`",
                     "`make debug TEST=name`", "    tools/lab handout 5 -o lab5.zip   words",
                     "`make`", "make gradee in prose"):
            self.assertEqual(self.complaints(text), [], text)

    def test_this_tree(self):
        pages = makebook.all_pages(TOP)
        self.assertEqual(list(checks.complaints(TOP, pages)), [])
        self.assertEqual(10, sum(page.folder == "zh" and page.name != "start" for page in pages))
        self.assertGreater(sum(len(list(checks.commands(page.text))) for page in pages), 200)


class Rendering(TreeOfPages):
    def test_links(self):
        pages, page = self.pages(), self.page("start")
        for link, wanted in (("#lab-2-two", '<a href="lab2.html#lab-2-two">x</a>'),
                             ("#the-labs", '<a href="#the-labs">x</a>'),
                             ("https://example.org/", '<a href="https://example.org/">x</a>'),
                             ("Makefile", "x")):
            self.assertEqual(render.relinked('<a href="%s">x</a>' % link, pages, page), wanted)

    def test_pictures(self):
        self.put("docs/page.md", "# Page\n")
        made = render.pictured('<p><img src="a.svg" alt="%s" /></p>' % WORDS, self.root,
                               self.page("page"))
        self.assertIn("<figcaption>%s</figcaption>" % WORDS, made)
        self.assertIn('aria-labelledby="a-t"', made)
        self.assertIn('<title id="a-t">', made)
        self.assertNotIn("<style>", made)
        self.assertNotIn("<details>", made)
        made = render.pictured('<p><img src="a.svg" alt="x" /></p>\n<pre>code</pre><pre>two</pre>',
                               self.root, self.page("page"))
        self.assertTrue(made.endswith("letters</summary>\n<pre>code</pre></details><pre>two</pre>"))

    def test_hints_come_one_by_one(self):
        made = render.folded("<p><strong>Hints</strong>. Do this. Use <code>x.y</code>: it helps. "
                             "<code>Z</code> too.</p>\n<p>No hint.</p>")
        self.assertEqual(re.findall("Hint . of .", made), ["Hint %d of 3" % n for n in (1, 2, 3)])
        self.assertRegex(made, r"(?s)Hint 1.*<details.*Hint 2.*<details.*Hint 3.*(</details>){3}")
        self.assertTrue(made.endswith("</details>\n<p>No hint.</p>"))

    def test_hints_of_a_list(self):
        made = render.folded("<p><strong>Hints.</strong></p>\n<ul>\n<li>One. Two.</li>\n"
                             "<li>Three.</li>\n</ul>\n<ul><li>x</li></ul>")
        self.assertEqual(re.findall("Hint . of .", made), ["Hint 1 of 2", "Hint 2 of 2"])
        self.assertTrue(made.endswith("</details>\n<ul><li>x</li></ul>"))

    def test_mistakes_are_folded(self):
        made = render.folded("<p><strong>Mistakes, and what they look like</strong></p>\n"
                             '<ul></ul>\n<h2 id="a">A</h2>')
        self.assertTrue(made.startswith('<details class="mistakes"><summary>Mistakes, and what'))
        self.assertTrue(made.endswith('<ul></ul>\n</details>\n<h2 id="a">A</h2>'))
        made = render.folded("<p><strong>Common mistakes, and what they look like.</strong> Words."
                             "</p>\n<ul></ul>")
        self.assertEqual(made, '<details class="mistakes"><summary>Common mistakes, and what they '
                         "look like</summary>\n<p> Words.</p>\n\n<ul></ul></details>\n")

    def test_index(self):
        found = list(search.sections('<h1 id="a">A &amp; b</h1><p>one <b>two</b></p>'
                                     '<h2 id="c">C</h2><svg><style>x</style><text>t</text></svg>'))
        self.assertEqual(found, [("a", "A & b", "one two"), ("c", "C", "t")])

    def test_joined(self):
        pages = self.pages()
        bodies = {page: '<h1 id="%s">x</h1><a href="lab1.html">y</a><a href="#z">z</a>'
                        '<a href="lab2.html#q">q</a>' % page.anchors[0] for page in pages}
        text = epub.joined(pages, bodies)
        for wanted in ('id="start--the-labs"', 'href="#lab1--lab-1-one"', 'href="#lab1--z"',
                       'href="#lab2--q"'):
            self.assertIn(wanted, text)
        text = epub.joined(pages[:1], {
            pages[0]: '<h1 id="x">x</h1><details><summary>提示 1，共 2 条</summary>'
                      '<a href="../b.html#c">看 <b>b</b></a></details>'})
        self.assertTrue(text.endswith("</h1>看 <b>b</b>"), text)

    def test_dead_links_of_the_book(self):
        self.put("one.html", '<p id="a"></p><a href="two.html#b">x</a><a href="#c">y<br></a>\n'
                             "<p>'<unknown> [4]'<b/></p>")
        self.put("two.html", '<p id="a"></p><p id="a"></p><img src="https://x/y.png">'
                             '<a href="three.html">x</a><a href="one.html#a">y</a>')
        self.assertEqual(list(makebook.dead(self.root)), [
            "one.html: line 2: <unknown> is not closed",
            "one.html: two.html#b leads nowhere", "one.html: #c leads nowhere",
            "two.html: https://x/y.png is loaded from a network",
            "two.html: https://x/y.png has no text beside it",
            "two.html: two things have the id a", "two.html: three.html leads nowhere"])


    FRAME = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<c xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
                                  '<rootfile full-path="E/p.opf"/></c>',
        "E/p.opf": '<p xmlns="http://www.idpf.org/2007/opf"'
                   ' xmlns:d="http://purl.org/dc/elements/1.1/"><d:title>t</d:title>'
                   "<d:language>zh</d:language><d:identifier>i</d:identifier>"
                   '<item id="a" href="a.xhtml"/><itemref idref="a"/></p>',
        "E/a.xhtml": '<a id="x" href="#x"/>'}

    def dead_of(self, files):
        path = os.path.join(self.root, "a.epub")
        with zipfile.ZipFile(path, "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
        return list(epub.dead(path))

    def test_dead_links_of_the_epub(self):
        pages = {"E/a.xhtml": '<a id="a" href="two.xhtml#b"><b src="no.svg"/></a>',
                 "E/two.xhtml": '<a href="#no"><b href="a.xhtml#a"/></a>', "E/three.xhtml": "<a>"}
        package = self.FRAME["E/p.opf"].replace("<itemref", "".join(
            '<item id="%s" href="%s.xhtml"/>' % (name, name) for name in ("two", "three"))
            + "<itemref")
        self.assertEqual([each.split(", column")[0] for each in self.dead_of(
            dict(self.FRAME, **pages, **{"E/p.opf": package}))],
                         ["E/three.xhtml: no element found: line 1",
                          "E/a.xhtml: two.xhtml#b leads nowhere",
                          "E/a.xhtml: no.svg leads nowhere", "E/two.xhtml: #no leads nowhere"])

    def test_frame_of_the_epub(self):
        self.assertEqual([], self.dead_of(self.FRAME))
        for name, old, new, wanted in (
                ("mimetype", "epub", "", "mimetype: is not first"),
                ("META-INF/container.xml", "p.opf", "q.opf", "leads to no package"),
                ("META-INF/container.xml", "rootfile", "root", "leads to no package"),
                ("E/p.opf", "a.xhtml", "b.xhtml", "E/a.xhtml is not listed"),
                ("E/p.opf", "a.xhtml", "b.xhtml", "E/b.xhtml is not there"),
                ("E/p.opf", 'idref="a"', 'idref="b"', "the order has b, which is not listed"),
                ("E/p.opf", ">zh<", "> <", "there is no language")):
            self.assertIn(old, self.FRAME[name])
            self.assertIn(wanted, "\n".join(self.dead_of(
                dict(self.FRAME, **{name: self.FRAME[name].replace(old, new)}))))
        self.assertIn("is not first", self.dead_of(dict(reversed(list(self.FRAME.items()))))[0])


class Languages(TreeOfPages):
    """Pages in two languages; pandoc is played by headings."""

    def build(self):
        folder = os.path.join(self.root, "book")
        os.mkdir(folder)
        self.put("LICENSE", "A license.\n")

        def body(root, pages, page):
            return "".join('<h1 id="%s">%s</h1>' % (each, page.title) for each in page.anchors)
        with mock.patch.object(render, "body", body):
            written = makebook.build_pages(self.root, folder, True)
        names = {epub.NAMES[next(iter(bodies)).language]: next(iter(bodies)).folder
                 for bodies in written}
        for name, place in names.items():
            self.assertIn('href="%s"' % name, self.text(place, "index.html"))
            self.put(os.path.join("book", place, name), "")
        self.assertEqual(list(makebook.dead(folder)), [])
        return folder

    def text(self, *path):
        with open(os.path.join(self.root, "book", *path), encoding="utf-8") as file:
            return file.read()

    def test_each_chapter_leads_to_itself(self):
        self.put("labcodes.zh.md", CHINESE)
        folder = self.build()
        self.assertEqual(list(makebook.dead(os.path.join(folder, "zh"))), [])
        self.assertIn('<a id="language" href="zh/lab1.html" lang="zh">', self.text("lab1.html"))
        chinese = self.text("zh", "lab1.html")
        self.assertIn('<html lang="zh"', chinese)
        self.assertIn('<a id="language" href="../lab1.html" lang="en">', chinese)
        self.assertIn('href="../style.css"', chinese)
        # A copy of it in one language has its license too.
        self.assertIn('href="license.html"', chinese)
        self.assertIn(' lang="en">LICENSE</a>', chinese)
        # Its contents and its search have its own pages, and no word of the others.
        self.assertIn("一", self.text("zh", "index.js"))
        self.assertIsNone(re.search("Skip|Search|Contents|Before", chinese))

    def test_a_chapter_of_one_language_leads_to_the_front(self):
        self.put("labcodes.zh.md", CHINESE.partition("## 实验 2")[0])
        self.build()
        self.assertIn('<a id="language" href="zh/index.html"', self.text("lab2.html"))

    def test_one_language_has_no_switch(self):
        folder = self.build()
        self.assertFalse(os.path.exists(os.path.join(folder, "zh")))
        self.assertNotIn('id="language"', self.text("lab1.html"))


class Command(unittest.TestCase):
    def run_tool(self, *words, **more):
        done = subprocess.run([sys.executable, os.path.join(TOP, "tools/book/makebook.py"), *words],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)
        return done.returncode, done.stdout.decode()

    def test_check(self):
        status, said = self.run_tool("--check")
        self.assertEqual(status, 0, said)
        self.assertRegex(said, r"^\d+ pages: links, pictures and commands are right\n$")

    def test_without_pandoc(self):
        with tempfile.TemporaryDirectory() as folder:
            target = os.path.join(folder, "book")
            self.assertEqual(self.run_tool(target, env={"PATH": folder}),
                             (2, "book: " + render.MISSING + "\n"))
            self.assertFalse(os.path.exists(target))


def luminance(color):
    """WCAG 2.1's relative luminance of #rrggbb."""
    parts = [int(color[at:at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
                        for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


class Colours(unittest.TestCase):
    """Words can be read on all that is behind them: 4.5 to 1. Lines of drawings have 3 to 1."""

    def themes(self):
        with open(os.path.join(TOP, "tools/book/style.css"), encoding="utf-8") as file:
            css = file.read()
        for block in re.findall(r"\{([^{}]*--paper: #[^{}]*)\}", css):
            yield dict(re.findall(r"--(\w+): (#\w{6})", block))

    def test_contrast_is_computed_right(self):
        self.assertAlmostEqual(contrast("#ffffff", "#000000"), 21)
        self.assertAlmostEqual(contrast("#777777", "#ffffff"), 4.48, places=2)

    def test_contrast(self):
        themes = list(self.themes())
        self.assertEqual(len(themes), 4)
        for theme in themes:
            fills = [theme["fill%d" % number] for number in (1, 2, 3, 4)]
            for words, behind, least in (
                    ("ink", [theme["paper"], theme["panel"], theme["mark"]] + fills, 4.5),
                    ("soft", [theme["paper"], theme["panel"]], 4.5),
                    ("link", [theme["paper"], theme["panel"]], 4.5),
                    ("edge", [theme["paper"]] + fills, 3)):
                for each in behind:
                    self.assertGreaterEqual(contrast(theme[words], each), least, (words, each))

    def test_both_darks_are_one(self):
        light, button, system, paper = self.themes()
        self.assertEqual(button, system)
        self.assertEqual(set(light), set(button) & set(paper))


if __name__ == "__main__":
    unittest.main()
