"""Tests of how tools/lab grade reads what a teacher feeds to it: each student is one Submission.

READ holds files that can be graded, in every encoding, packing and mail form that was met;
REFUSED holds files that cannot, with words of the reason. Each is tried alone, beside another
file, in a folder, in a zip, and in the folder of a Moodle participant. Other tests damage
.handout.json and hand-ins by chance. A test fails if a file is lost, counted twice, read with
another meaning, refused without a reason, or if it ends the grading of the others.

Nothing is built and no machine is booted. It takes helpers from test_lab_grade.py.
Run alone: python3 tools/test/test_collect.py
"""
import bz2
import gzip
import io
import json
import os
import random
import sys
import tarfile
import unittest
import zipfile

TOOLS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, TOOLS)

import cli
from exercise import gradebook, handin, incoming, manifest, submissions
from test_lab_grade import LAB, REFERENCE, WANTED, Folder, work_of

NAME = "Ada Lovelace_%d_assignsubmission_file_/"


def zipped(*members):
    """The bytes of a zip with these members, given as (name, content)."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return data.getvalue()


def tarred(*members, mode="w:gz"):
    """The bytes of a tar with these members, packed as `mode` says."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=mode) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return data.getvalue()


def about(**changes):
    """The bytes of a .handout.json. A change gives a field's value, written as JSON."""
    value = {"schema": manifest.SCHEMA, "lab": 5, "version": "", "blank": ["5.1", "5.2", "5.3"],
             "regions": [], "files": {}}
    text = json.dumps(dict(value, **{name: "@" + name for name in changes}))
    for name, change in changes.items():
        text = text.replace('"@%s"' % name, change)
    return text.encode("utf-8", "surrogatepass")


def tree(root, with_objects=False):
    """The members of an archive with a student's tree, below the folder `root`."""
    members = [(root + region.path, REFERENCE.texts[region.path].encode()) for region in LAB]
    members.append((root + ".handout.json", about()))
    members.append((root + "student.txt", b"name: Tree\nemail: t@x\n"))
    if with_objects:
        members += [(root + "obj/unknown-elf/mended/" + path[len(root):], data)
                    for path, data in members]
        members.append((root + "obj/unknown-elf/kernel", random.Random(1).randbytes(6 << 20)
                        if sys.version_info >= (3, 9) else os.urandom(6 << 20)))
    return members


GOOD = work_of("Ada")
TEXT = GOOD.decode()
# Files that can be graded: what is special, a name for the file, its content.
READ = [
    ("plain", "a.txt", GOOD), ("no ending", "a", GOOD), ("BOM", "b.txt", b"\xef\xbb\xbf" + GOOD),
    ("UTF-16", "u.txt", TEXT.encode("utf-16")), ("UTF-16 BE", "v.txt", TEXT.encode("utf-16-be")),
    ("CRLF", "c.txt", GOOD.replace(b"\n", b"\r\n")), ("CR", "r.txt", GOOD.replace(b"\n", b"\r")),
    ("blank lines before", "d.txt", b"\n \n\r\n" + GOOD),
    ("blanks at the ends of heads", "e.txt", GOOD.replace(b"@example.org\n", b"@example.org  \n")),
    ("a mail", "f.eml", b"From: ada@example.org\nSubject: lab\n\n" + GOOD + b"\n-- \nAda\n"),
    ("a quoted mail", "g.txt", b"Ada wrote:\n> " + GOOD.replace(b"\n", b"\n> ")),
    ("quoted twice", "h.txt", b">> " + GOOD.replace(b"\n", b"\n>> ")),
    ("a zip called .txt", "i.txt", zipped(("x.txt", GOOD))),
    ("a packed text", "j.txt.gz", gzip.compress(GOOD)), ("bzip2", "k.bz2", bz2.compress(GOOD)),
    ("a tar called .zip", "l.zip", tarred(("x.txt", GOOD))),
    ("a zip in a tar", "m.tgz", tarred(("x.zip", zipped(("x.txt", GOOD))))),
    ("a hand-in and a document", "n.zip", zipped(("x.txt", GOOD), ("doc/x.pdf", b"%PDF-1.4"))),
    ("a tree with objects", "o.zip", zipped(*tree("lab5/", True))),
    ("a tree with objects, no folder", "p.tar.gz", tarred(*tree("", True))),
    ("junk in it", "q.zip", zipped(("__MACOSX/._x.txt", b"x"), ("x.txt", GOOD))),
]
# Files that cannot be graded: the same, and words of the reason that is told.
REFUSED = [
    ("empty", "a.txt", b"", "empty"), ("rar", "a.rar", b"Rar!\x1a\7\0x", "RAR"),
    ("7z", "a.7z", b"7z\xbc\xaf\x27\x1cx", "7z"), ("pdf", "a.pdf", b"%PDF-1.4\n", "PDF"),
    ("rar called .txt", "r.txt", b"Rar!\x1a\7\0x", "RAR"),
    ("docx", "a.docx", zipped(("[Content_Types].xml", b"<x/>"), ("word/d.xml", b"")), "Office"),
    ("odt", "a.odt", zipped(("mimetype", b"application/vnd.oasis.opendocument.text")), "Office|no"),
    ("source", "exec.c", b"int main;\n", "source file"), ("page", "a.html", b"<html>x", "markup"),
    ("picture", "a.png", b"\x89PNG\r\n", "picture"), ("nonsense", "x.txt", bytes(99), "no hand-in"),
    ("cut off", "c.txt", GOOD[:-30], "line \\d+"), ("damaged", "d.zip", zipped(("a", b"x"))[:40],
                                                   "cannot be read"),
    ("wrapped by mail", "w.txt", GOOD.replace(b"| ", b"|\n", 1), "line \\d+: .*mail"),
    ("other format", "f.txt", b"rvlab hand-in, format 9\n", "format 9"),
    ("no end of archives", "n.gz", gzip.compress(gzip.compress(gzip.compress(gzip.compress(GOOD)))),
     "too many archives"),
    ("a name twice", "t.txt", GOOD.replace(b"name: Ada\n", b"name: Ada\nname: Bob\n"),
     "name is there twice"),
    ("manifest", "m.zip", zipped(*tree("")[:-2], (".handout.json", about(lab="1e999"))),
     "number 1e999"),
    ("link", "l.zip", zipped(("../x", b"x")), "leads out"),
]


class EachFile(Folder):
    """Each file of READ and REFUSED, in every way in which it may reach the grader."""

    def ways(self, name, data):
        """(what the way is called, the Submissions found) for each way."""
        path = self.put(name, data)
        os.makedirs(self.path("in/sub"))
        self.put("in/sub/" + name, data)
        self.put("in/zz.txt", work_of("Zed"))
        if name != "n.zip":             # it has several files, so alone it may be a whole course
            yield "alone", submissions.collect([path], WANTED)
        both = [path, self.path("in/zz.txt")]
        yield "with others", self.others(submissions.collect(both, WANTED))
        yield "folder", self.others(submissions.collect([self.path("in")], WANTED))
        course = zipped(("x/" + name, data), ("x/zz.txt", work_of("Zed")))
        yield "zip", self.others(submissions.collect([self.put("course.zip", course)], WANTED))
        course = zipped((NAME % 1 + name, data), (NAME % 2 + "zz.txt", work_of("Zed")))
        yield "Moodle", self.others(submissions.collect([self.put("course.zip", course)], WANTED))

    def others(self, found):
        """What was found beside Zed, whose hand-in is there each time and must be graded."""
        self.assertEqual([each.title for each in found if each.title == "Zed"], ["Zed"])
        return [each for each in found if each.title != "Zed"]

    def test_read(self):
        for label, name, data in READ:
            for way, found in self.each(name, data):
                with self.subTest(label, way=way):
                    self.assertEqual([each.refused for each in found], [""])
                    self.assertIn(found[0].title, ("Ada", "Tree"))
                    work = gradebook.Student(found[0], REFERENCE, None, "best").work
                    self.assertEqual(work.written, ["5.1", "5.2", "5.3"])

    def test_refused(self):
        for label, name, data, words in REFUSED:
            for way, found in self.each(name, data):
                with self.subTest(label, way=way):
                    self.assertEqual(len(found), 1, [each.refused for each in found])
                    self.assertRegex(found[0].refused, words)
                    self.assertIsNone(gradebook.Student(found[0], REFERENCE, None, "best").work)

    def each(self, name, data):
        """All ways of one file; the folder is fresh afterwards."""
        found = list(self.ways(name, data))
        self.doCleanups()
        self.setUp()
        return found

    def test_a_course(self):
        """All files at once, in each shape of a course: there are as many Submissions as files."""
        files = [(name, data) for _, name, data in READ] + [
            (name, data) for _, name, data, _ in REFUSED]
        os.makedirs(self.path("all"))
        members, deep = [], []
        for number, (name, data) in enumerate(files):
            name = "%02d-%s" % (number, name)
            self.put("all/" + name, data)
            members.append(("week/" + name, data))
            deep.append(("week/" + NAME % number + name, data))
        deep.append(("week/" + NAME % 99, b""))
        for way, words in (("folder", [self.path("all")]),
                           ("flat", [self.put("flat.zip", zipped(*members))]),
                           ("Moodle", [self.put("deep.zip", zipped(*deep))]),
                           ("tar", [self.put("deep.tgz", tarred(*deep[:-1]))]),
                           ("words", [self.path("all/" + name.partition("/")[2])
                                      for name, _ in members])):
            found = submissions.collect(words, WANTED)
            with self.subTest(way):
                self.assertEqual(len(found), len(files) + (way == "Moodle"))
                self.assertEqual(sum(not each.refused for each in found), len(READ))


class Shapes(Folder):
    """Which files belong to one student, in the folders and archives of a whole course."""

    def collect(self, *members):
        """Collect an archive, and the same files as a folder; both must give the same."""
        archive = submissions.Collector(WANTED)
        rows = archive.words([self.put("course.zip", zipped(*members))])
        for path, data in members:
            os.makedirs(os.path.dirname(self.path("course/" + path)), exist_ok=True)
            if not path.endswith("/"):
                self.put("course/" + path, data)
        folder = submissions.Collector(WANTED)
        same = folder.words([self.path("course")])
        self.assertEqual(sorted((each.title, each.refused, each.notes) for each in rows),
                         sorted((each.title, each.refused, each.notes) for each in same))
        self.assertEqual(archive.left_out, folder.left_out)
        return {each.title: each for each in rows}, archive.left_out, len(rows)

    def test_a_participant_is_one_row(self):
        rows, _, count = self.collect(
            (NAME % 1 + "h.txt", work_of("Ada")), (NAME % 1 + "report.pdf", b"%PDF"),
            (NAME % 1 + "old.rar", b"Rar!"),
            ("Bob_2_assignsubmission_file_/a.pdf", b"%PDF"),
            ("Bob_2_assignsubmission_file_/b.c", b"int x;"),
            ("Bob_2_assignsubmission_onlinetext_/onlinetext.html", b"<p>I could not</p>"),
            ("Cy_3_assignsubmission_file_/", b""),
            ("Di_4_assignsubmission_file_/one.txt", work_of("Di")),
            ("Di_4_assignsubmission_file_/two.txt", work_of("Di2")))
        self.assertEqual((count, set(rows)), (5, {"Ada", "Bob", "Cy", "Di", "Di2"}))
        self.assertRegex(rows["Ada"].notes[0], "^not graded: .*PDF.*RAR|RAR.*PDF")
        self.assertRegex(rows["Bob"].refused, "nothing in it can be graded: .*a.pdf: .*b.c: .*"
                         "markup")
        self.assertIn("nothing in this folder", rows["Cy"].refused)

    def test_a_folder_beside_others(self):
        rows, _, count = self.collect(
            ("lab5/ada/h.txt", work_of("Ada")), ("lab5/ada/notes.pdf", b"%PDF"),
            ("lab5/bob/h.rar", b"Rar!"), ("lab5/cy/", b""), ("lab5/eve.7z", b"7z\xbc\xaf\x27\x1c"))
        self.assertEqual((count, set(rows)), (4, {"Ada", "h.rar", "cy", "eve.7z"}))
        self.assertIn("notes.pdf", rows["Ada"].notes[0])

    def test_nobody_is_lost_in_a_folder_of_many(self):
        _, _, count = self.collect(("week1/ada.txt", work_of("Ada")), ("week1/bob.rar", b"Rar!"),
                                   ("week2/ada.txt", work_of("Ada2")), ("week2/x", work_of("Bob")),
                                   ("week2/c.pdf", b"%PDF"))
        self.assertEqual(count, 5)

    def test_junk_is_counted(self):
        _, left_out, count = self.collect(
            ("a/h.txt", work_of("Ada")), ("a/.DS_Store", b"x"), ("__MACOSX/a/._h.txt", b"x"),
            ("Thumbs.db", b"x"), ("b/.DS_Store", b"x"), ("a/~$h.docx", b""))
        self.assertEqual((left_out, count), (5, 2))         # without its junk the folder b is empty

    def test_what_a_system_grades_is_one_students(self):
        for path, data in (("h.txt", work_of("Ada")), ("exec.c", b"int x;"), ("a.rar", b"Rar!")):
            self.put(path, data)
        found = submissions.Collector(WANTED, True).words([self.folder])
        self.assertEqual([(each.title, len(each.notes)) for each in found], [("Ada", 1)])
        os.remove(self.path("h.txt"))
        found = submissions.Collector(WANTED, True).words([self.folder])
        self.assertRegex("".join(each.refused for each in found), "nothing in it .*RAR.*source")

    def test_an_interruption_is_nobodys_fault(self):
        def interrupted(data, source):
            raise cli.Interrupted()
        self.addCleanup(setattr, submissions, "from_file", submissions.from_file)
        submissions.from_file = interrupted
        self.put("a.txt", work_of("Ada"))
        with self.assertRaises(cli.Interrupted):
            submissions.collect([self.folder], WANTED)

    def test_each_file_once(self):
        self.put("a.txt", work_of("Ada"))
        os.makedirs(self.path("b"))
        found = submissions.collect([self.folder, self.path("a.txt"), self.folder + "/b/../a.txt"],
                                    WANTED)
        self.assertEqual([each.title for each in found], ["b", "Ada"][::-1])

    def test_names_of_an_old_windows(self):
        raw = "\u5f20\u4e09.rar".encode("gbk")
        data = zipped(("x" * len(raw), b"Rar!")).replace(b"x" * len(raw), raw)
        self.assertEqual(submissions.collect([self.put("x.zip", data)], WANTED)[0].title,
                         "\u5f20\u4e09.rar")

    def test_a_defect_costs_one(self):
        self.addCleanup(setattr, submissions, "from_file", submissions.from_file)
        real = submissions.from_file

        def fails(data, source):
            if b"Bob" in data:
                raise TypeError("a defect of the grader")
            return real(data, source)
        submissions.from_file = fails
        for name in ("Ada", "Bob", "Cy"):
            self.put(name, work_of(name))
        rows = {each.title: each.refused for each in submissions.collect([self.folder], WANTED)}
        self.assertEqual(rows, {"Ada": "", "Cy": "",
                                "Bob": "it cannot be read: TypeError: a defect of the grader"})


class Values(unittest.TestCase):
    """Wrong values in .handout.json are one line of a reason, never an exception."""

    WRONG = {"lab": ["1e999", "NaN", "-Infinity", "true", "10", "-1", "5.0", "\"5\"", "null", "[]",
                     "9" * 5000, "[" * 100000, "\"\\ud800\""],
             "version": ["5", "\"x\\n\"", "\"%s\"" % ("0" * 99), "{}"],
             "blank": ["[\"abc\"]", "[5.1]", "\"5.1\"", "{}", "[[\"5.1\"]]", "[\"5.1\\n\"]",
                       "[\"\u0665.1\"]", "[null]"],
             "regions": ["[1]", "[[]]", "[[\"5.1\", \"x\", \"code\"]]", "{\"5.1\": 1}",
                         "[[\"5.1\", \"x\", \"code\", \"/etc/passwd\"]]",
                         "[[\"5.1\", \"x\", \"code\", \"kern/../../x\"]]",
                         "[[\"5.1\", \"x*/\", \"code\", \"kern/a.c\"]]",
                         "[[\"5.1\", \"x\", 7, \"kern/a.c\"]]"],
             "files": ["[]", "{\"a\": 1}", "{\"a\": [\"x\", \"y\"]}", "{\"a\": [1, 2]}",
                       "{\"/a\": [\"%s\", \"\"]}" % ("0" * 24),
                       "{\"a\": [\"%s\", \"123\"]}" % ("0" * 24), "{\"a\": 1, \"a\": 2}"],
             "uses": ["7", "[]", "{}", "{\"common\": 1, \"files\": {}}",
                      "{\"common\": \"\", \"files\": [], \"more\": 1}",
                      "{\"common\": \"012\", \"files\": {}}",
                      "{\"common\": \"\", \"files\": {\"/a\": {}}}",
                      "{\"common\": \"\", \"files\": {\"a\": {\"x\": \"\"}}}",
                      "{\"common\": \"\", \"files\": {\"a\": {\"\": [1]}}}"],
             "schema": ["7", "\"x\"", "[]"]}

    def test_each_is_told(self):
        manifest.decode(about())
        for name, values in self.WRONG.items():
            for value in values:
                with self.subTest(name, value=value[:60]):
                    with self.assertRaisesRegex(ValueError, "^.handout.json is damaged: [^\n]+$"):
                        manifest.decode(about(**{name: value}))
        for data in (b"", b"\xff", b"[]", b"{}", b"7", b"\"x\"", b"{\"a\":", bytes(100),
                     about().decode().encode("utf-16")[:-3], b" " * (5 << 20)):
            with self.assertRaisesRegex(ValueError, "^.handout.json is damaged: [^\n]+$"):
                manifest.decode(data)

    def test_what_json_has_beyond_the_standard(self):
        for text in ("[1e999]", "[NaN]", "[-Infinity]", '{"a": 1, "a": 1}', "[%s]" % ("9" * 99)):
            with self.assertRaises(incoming.BadValue, msg=text):
                incoming.json_of(text.encode(), 1000)
        self.assertEqual(incoming.json_of(b'{"a": [1, 2.5, "x"]}', 1000), {"a": [1, 2.5, "x"]})

    def test_one_tree_with_wrong_values_costs_itself(self):
        for value in ("1e999", "[" * 100000):
            tree_of = [(path, about(lab=value) if path.endswith(".json") else data)
                       for path, data in tree("bob/")]
            data = io.BytesIO(zipped(("ada/1.txt", work_of("Ada")), *tree_of))
            found = submissions.Collector(WANTED).archive(data, "x.zip", "x.zip", None, 1)
            self.assertEqual([bool(each.refused) for each in found], [False, True])

    def test_any_change_of_a_hand_in_or_a_manifest(self):
        """Bytes are changed, cut and doubled by chance: the reason stays one line, and nothing is
        raised."""
        chance = random.Random(7)
        wanted = submissions.Wanted(REFERENCE.register, None)
        for _ in range(150):
            for data in (GOOD, about(), TEXT.encode("utf-16"), zipped(("a", GOOD))):
                data = bytearray(data)
                for _ in range(chance.choice((1, 1, 3, 20))):
                    at = chance.randrange(len(data) + 1)
                    if chance.random() < 0.6:
                        data[at:at + 1] = bytes([chance.randrange(256)])
                    elif chance.random() < 0.5:
                        del data[at:at + chance.randrange(50)]
                    else:
                        data[at:at] = data[at:at + chance.randrange(50)]
                collector = submissions.Collector(wanted)
                found = collector.content(bytes(data[:1 << 16]), lambda: io.BytesIO(data), "x", "x")
                found += collector.archive(io.BytesIO(zipped(
                    ("kern/x", b""), *tree("")[:3], (".handout.json", bytes(data)))), "t", "t",
                    None, 1)
                for each in found:
                    self.assertNotRegex(each.refused, "Error:|\n")
                    gradebook.Student(each, REFERENCE, None, "best")


class Names(Folder):
    """Names of students that are not UTF-8: the student is asked, the teacher sees a guess."""

    def test_a_student_is_asked(self):
        os.makedirs(self.path("tree"))
        for data in ("name: \u738b".encode("gbk"), b"name: J\xf6rg\n"):
            self.put("tree/student.txt", data)
            with self.assertRaisesRegex(handin.HandinError, "student.txt: byte 0x.* in line 1 is "
                                        "not UTF-8: save the file as UTF-8"):
                handin.read_student(self.path("tree"))
        for encoding in ("utf-8", "utf-8-sig", "utf-16"):
            self.put("tree/student.txt", "name: \u738b\r\nemail: w@x\r\n".encode(encoding))
            self.assertEqual(handin.read_student(self.path("tree"))["name"], "\u738b")

    def test_a_teacher_sees_a_guess(self):
        for name, encoding in (("\u738b\u5c0f\u660e", "gbk"), ("J\xf6rg M\xfcller", "latin-1"),
                               ("Fran\xe7ois", "cp1252")):
            for data in (TEXT.replace("name: Ada", "name: " + name).encode(encoding),
                         zipped(*tree("")[:-1],
                                ("student.txt", ("name: %s\n" % name).encode(encoding)))):
                found = submissions.collect([self.put("x", data)], WANTED)
                self.assertEqual([each.student["name"] for each in found], [name])
                self.assertIn("not UTF-8: the student's name is guessed", found[0].notes[0])

    def test_sure_texts(self):
        self.assertEqual(incoming.guessed("J\xf6rg"), ("J\xf6rg", True))
        self.assertFalse(incoming.is_readable("J\udcf6rg"))
        self.assertFalse(incoming.is_readable("J\ufffdrg"))


if __name__ == "__main__":
    unittest.main()
