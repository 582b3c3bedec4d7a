"""Tests of signed reports: which lines of a console count as reports of a test, and which do not.

Lines are signed here with a key and given to grader/reports.py. A line counts if its tag fits its
text, its number is the next one of its process, and the place that it names is a call in the test.
A line without a tag, with the tag of another key, changed, repeated, or out of order must be kept
as forged, or end what counts. SipHash is compared with the vector of its paper; the kernel has
the same function in libs/report.c.

Nothing is built and no machine is booted.
Run alone: python3 tools/test/test_reports.py
"""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from grader.reports import Console, letters, number_of, siphash, tag

KEY = bytes(range(16))
OTHER = bytes(range(1, 17))


def signed(text, key=KEY, place=0x80201234):
    """The line that a test prints: the text, the place that reported it, and the tag of both."""
    text = "%s #%s" % (text, letters(place, 8))
    return text + tag(key, text) + "\n"


def console(*lines):
    """A Console that has printed these lines."""
    return Console("".join(lines).encode(), KEY)


class SipHash(unittest.TestCase):
    """The function that makes the tags."""

    def test_vector_of_the_paper(self):
        self.assertEqual(siphash(KEY, bytes(range(15))), 0xa129ca6149be45e5)

    def test_every_length_up_to_two_words_differs(self):
        self.assertEqual(len({siphash(KEY, bytes(n)) for n in range(17)}), 17)


class Reports(unittest.TestCase):
    """Honest lines count, all others do not."""

    CHECK = "[check] cow 3 1 ok: a child reads what its parent wrote"
    FAILED = "[check] cow 3 2 FAILED: the page: expected 7, got 9, at user/cow.c:41"
    DONE = "[done] cow 3 3: 1 of 2 checks failed"

    def test_signed_lines_count(self):
        got = console(signed(self.CHECK), signed(self.FAILED), signed(self.DONE))
        self.assertEqual([report.kind for report in got.reports], ["check", "check", "done"])
        self.assertEqual(len(got.failed()), 1)
        self.assertEqual(got.done("cow").number, 3)
        self.assertEqual(got.forged, {})

    def test_the_text_has_no_tags(self):
        got = console("before\r\n", signed(self.CHECK))
        self.assertEqual(got.text, "before\n%s\n" % self.CHECK)

    def test_a_line_after_other_text_counts(self):
        self.assertEqual(len(console("half a line" + signed(self.CHECK)).reports), 1)

    def test_no_tag(self):
        got = console(self.CHECK + "\n")
        self.assertEqual((got.reports, len(got.forged)), ([], 1))

    def test_tag_of_another_key(self):
        got = console(signed(self.DONE, OTHER))
        self.assertEqual((got.reports, len(got.forged)), ([], 1))

    def test_changed_text(self):
        got = console(signed(self.FAILED).replace("FAILED", "ok"))
        self.assertEqual((got.reports, len(got.forged)), ([], 1))

    def test_where_it_was_reported_from(self):
        sites = {"check": {0x80201234}, "done": {0x80205678}, "checkpoint": set()}
        lines = [signed("[check] cow 3 1 ok: x"), signed("[done] cow 3 2: x", place=0x80205678)]
        got = Console("".join(lines).encode(), KEY, sites)
        self.assertEqual((len(got.reports), got.forged), (2, {}))
        lines[1] = signed("[done] cow 3 2: x")
        got = Console("".join(lines).encode(), KEY, sites)
        self.assertEqual((len(got.reports), got.done("cow")), (1, None))
        self.assertIn("not the test's", got.forged["cow"][0])

    def test_letters(self):
        self.assertEqual(letters(0x80201234, 8), "iacabcde")
        self.assertEqual(number_of("iacabcde"), 0x80201234)

    def test_the_same_line_twice(self):
        got = console(signed(self.CHECK), signed(self.CHECK))
        self.assertEqual((len(got.reports), len(got.forged)), (1, 1))

    def test_a_line_is_missing(self):
        got = console(signed(self.CHECK), signed(self.DONE))
        self.assertEqual((len(got.reports), got.done("cow")), (1, None))

    def test_each_process_counts_for_itself(self):
        got = console(signed(self.CHECK), signed("[check] cow 4 1 ok: in the child"),
                      signed("[done] cow 3 2: 1 checks passed"))
        self.assertEqual((len(got.reports), got.forged), (3, {}))

    def test_done_of_another_program(self):
        self.assertIsNone(console(signed("[done] hello 3 1: passed")).done("cow"))

    def test_a_child_may_say_more(self):
        got = console(signed("[check] cow 3 1 ok: x"), signed("[done] cow 5 1: passed"))
        self.assertIsNone(got.done("cow"))
        got = console(signed("[done] cow 5 1: passed"), signed("[done] cow 3 1: x"))
        self.assertEqual(got.done("cow").pid, 3)

    def test_lies_are_kept_by_subject(self):
        got = console(self.CHECK + "\n", "[done] hello 3 1: x\n", "[done] hello 3 2: x\n")
        self.assertEqual((len(got.forged["cow"]), len(got.forged["hello"])), (1, 2))

    def test_done_twice(self):
        got = console(signed("[done] cow 3 1: x"), signed("[done] cow 3 2: x"))
        self.assertIsNone(got.done("cow"))

    def test_bytes_that_are_no_text(self):
        got = Console(b"\xff\xfe\0[check] \x80 1 1 ok: x #aaaaaaaaaaaaaaaaaaaaaaaa\n", KEY)
        self.assertEqual((got.reports, len(got.forged)), ([], 1))


if __name__ == "__main__":
    unittest.main()
