"""tools/book/look.py and the browser that it drives, as far as no browser is needed.

That its checks see mistakes the tool proves by itself, each time before it looks at the book. Here
are the frames by which it speaks to Chromium, answers that a page could give, and what it says if
there is no browser, or no book.

Run alone: python3 tools/test/test_look.py
"""
import io
import os
import struct
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tools"))

from book import browser, look


class Frames(unittest.TestCase):
    def test_ours(self):
        """Masked, with a size of each of the three kinds."""
        for text, head in (("a\u4e00", b"\x81\x84"), ("x" * 300, b"\x81\xfe\x01\x2c"),
                           ("y" * 70000, b"\x81\xff" + struct.pack(">Q", 70000))):
            made = browser.frame(text)
            self.assertEqual(made[:len(head)], head)
            mask, data = made[len(head):len(head) + 4], made[len(head) + 4:]
            self.assertEqual(text, bytes(
                each ^ mask[at % 4] for at, each in enumerate(data)).decode())

    def test_theirs(self):
        for text in ("a\u4e00", "x" * 300, "y" * 70000):
            data = text.encode()
            size = bytes([len(data)]) if len(data) < 126 else \
                struct.pack(">BH", 126, len(data)) if len(data) < 1 << 16 else \
                struct.pack(">BQ", 127, len(data))
            self.assertEqual(text, browser.unframe(io.BytesIO(b"\x81" + size + data).read))
        # Three parts, with a ping between them.
        self.assertEqual("abc", browser.unframe(io.BytesIO(
            b"\x01\x01a" b"\x89\x01p" b"\x00\x01b" b"\x80\x01c").read))
        with self.assertRaisesRegex(browser.BrowserError, "ended the connection"):
            browser.unframe(io.BytesIO(b"\x88\x00").read)


class Played:
    """A browser that gives prepared answers, in order, for one script after the other."""

    def __init__(self, *answers):
        self.answers, self.pressed = list(answers), []

    def run(self, script):
        return self.answers.pop(0)

    def press(self, key):
        self.pressed.append(key)


class Keyboard(unittest.TestCase):
    def test_walk(self):
        first, second = ["0", "one", "A", True, ""], ["1", "two", "A", False, ""]
        self.assertEqual(["nobody sees that the keyboard is at: two",
                          "the keyboard does not reach: three"],
                         list(look.walk(Played(3, first, second, first, ["three"]))))

    def test_skip(self):
        for id, wanted in (("text", []), ("", ["the first Tab and Enter do not lead to the text"])):
            page = Played(["", "", "MAIN", False, id])
            self.assertEqual(wanted, list(look.skipped(page)))
            self.assertEqual(["Tab", "Enter"], page.pressed)

    def test_hints(self):
        def at(words):
            return ["", words, "SUMMARY", True, ""]
        for answers, wanted in (
                ([2, at("Hint 1 of 2"), 1, at("Hint 2 of 2"), 2], 0),
                ([2, at("提示 1，共 2 条"), 1, at("提示 2，共 2 条"), 2], 0),
                ([2, at("Hint 1 of 2"), 2, at("Hint 2 of 2"), 2], 1),
                ([2, at("Hint 1 of 2"), 1, at("Common mistakes"), 1], 1)):
            self.assertEqual(wanted, len(list(look.unfolded(Played(*answers)))), answers)


class Command(unittest.TestCase):
    def run_tool(self, *words, **more):
        done = subprocess.run([sys.executable, os.path.join(TOP, "tools/book/look.py"), *words],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)
        return done.returncode, done.stdout.decode()

    def test_without_a_book_or_a_browser(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual((2, "look: %s has no index.html: run `make book`\n" % folder),
                             self.run_tool(folder))
            with open(os.path.join(folder, "index.html"), "w", encoding="utf-8") as file:
                file.write("<p>x</p>\n")
            self.assertEqual((2, "look: %s\n" % browser.MISSING),
                             self.run_tool(folder, env={"PATH": folder}))


if __name__ == "__main__":
    unittest.main()
