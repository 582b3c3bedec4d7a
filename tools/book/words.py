"""The words of the drawings in another language: words.zh.txt, and what is read of it.

A drawing has one source, a function in English. Words looks up what it says, so the same function
draws for both languages. The table has a part for each drawing, "[name]", and in it lines

    English words => words in the other language

"#" stands for each number, in the order of the English words; "\\n" parts the lines of a box. With
nothing behind "=>" the words stay: names of the kernel. `title` and `text` are those of the
drawing; the text has the numbers of the English one. An indented line goes on with the one before.
Remarks stand above the first part.

What has no words in the table, and what is in the table and not drawn, is an error.
"""
import os
import re

FOLDER = os.path.dirname(os.path.abspath(__file__))
NUMBER = re.compile(r"\d+")


class DrawingError(Exception):
    """A drawing is not as it must be; the text says what to change."""


class English:
    """What is said stays as it is."""

    language = "en"

    def of(self, name, words):
        return words

    def about(self, name, title, text):
        return title, text

    def unused(self):
        return []


class Words:
    """The words of another language."""

    def __init__(self, language, text=None):
        self.language, self.path = language, "words.%s.txt" % language
        if text is None:
            with open(os.path.join(FOLDER, self.path), encoding="utf-8") as file:
                text = file.read()
        self.table, self.used = {}, set()
        self.read(text)

    def fail(self, where, words):
        raise DrawingError("tools/book/%s:%s: %s" % (self.path, where, words))

    def read(self, text):
        """Fill the table: {(drawing, words): words}."""
        name = key = None
        for number, line in enumerate(text.split("\n"), 1):
            head = re.fullmatch(r"\[(\w+)\]", line)
            if not line or name is None and line.startswith("# "):
                continue
            if head:
                name, key = head.group(1), None
            elif line.startswith("    ") and key:
                self.table[key] += line.strip()
            elif name and " =>" in line:
                words, _, said = line.partition(" =>")
                key = name, words.replace("\\n", "\n")
                if key in self.table:
                    self.fail(number, "a second line for \"%s\"" % words)
                self.table[key] = said.strip().replace("\\n", "\n")
            else:
                self.fail(number, "expected [drawing], or words => words")

    def found(self, name, words):
        """The line of the table for these words."""
        key = name, NUMBER.sub("#", words)
        if key not in self.table:
            self.fail(name, "there is no line for \"%s\"" % key[1].replace("\n", "\\n"))
        self.used.add(key)
        return self.table[key]

    def of(self, name, words):
        """What a drawing says in place of some words. What has no letters needs no line."""
        if not re.search("[A-Za-z]", words):
            return words
        said, numbers = self.found(name, words) or NUMBER.sub("#", words), NUMBER.findall(words)
        if said.count("#") != len(numbers):
            self.fail(name, "\"%s\" must have %d of #" % (said, len(numbers)))
        return re.sub("#", lambda _: numbers.pop(0), said)

    def about(self, name, title, text):
        """The same for a drawing's title and its text."""
        titled, told = (self.found(name, each) for each in ("title", "text"))
        if sorted(NUMBER.findall(text)) != sorted(NUMBER.findall(told)):
            self.fail(name, "the numbers of its text are not those of the English one: %s" % (
                " ".join(sorted(NUMBER.findall(text)))))
        return titled, told

    def unused(self):
        """Sentences about lines that no drawing uses."""
        return ["tools/book/%s:%s: nothing says \"%s\"" % (
            self.path, name, words.replace("\n", "\\n"))
                for name, words in self.table if (name, words) not in self.used]
