"""The guest's signed reports: which lines of the console are the test's own.

libs/report.h says how a line looks. Its tag is SipHash-2-4 under a key that exists for one boot
only. So text that other code printed, that another run printed, that is repeated or out of order
does not count. Each line also tells the address that the report returns to, which must be a call in
the test's own code (sites.py).

Console takes a machine's output apart. What looks like a report and is none is kept as forged, so
that a verdict can say why it did not count.
"""
import re

from grader.model import Report

MASK = (1 << 64) - 1
KEY_LENGTH = 16
LINE = re.compile(r"((\[(check|checkpoint|done)\] (\S+) (\d+) (\d+)[: ](.*?)) #([a-p]{8}))"
                  r"([a-p]{16})$")
UNSIGNED = re.compile(r"\[(?:check|checkpoint|done)\] (\S+) \d+ \d+[: ].*")


def siphash(key, data):
    """SipHash-2-4 of Aumasson and Bernstein, 2012: a number of 64 bits."""
    k0, k1 = (int.from_bytes(key[i:i + 8], "little") for i in (0, 8))
    v = [k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d,
         k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573]

    def rounds(times):
        v0, v1, v2, v3 = v
        for _ in range(times):
            v0 = (v0 + v1) & MASK
            v1 = ((v1 << 13 | v1 >> 51) & MASK) ^ v0
            v0 = (v0 << 32 | v0 >> 32) & MASK
            v2 = (v2 + v3) & MASK
            v3 = ((v3 << 16 | v3 >> 48) & MASK) ^ v2
            v0 = (v0 + v3) & MASK
            v3 = ((v3 << 21 | v3 >> 43) & MASK) ^ v0
            v2 = (v2 + v1) & MASK
            v1 = ((v1 << 17 | v1 >> 47) & MASK) ^ v2
            v2 = (v2 << 32 | v2 >> 32) & MASK
        v[:] = v0, v1, v2, v3

    whole = len(data) // 8 * 8
    last = data[whole:].ljust(7, b"\0") + bytes([len(data) & 0xff])
    for at in range(0, whole + 8, 8):
        word = int.from_bytes((data[at:at + 8] if at < whole else last), "little")
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 0xff
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def letters(number, count):
    """A number as libs/report.c writes it: a letter for each four bits, the highest first."""
    return "".join(chr(ord("a") + (number >> 4 * digit & 15)) for digit in reversed(range(count)))


def number_of(text):
    """The number that these letters stand for."""
    number = 0
    for letter in text:
        number = number << 4 | ord(letter) - ord("a")
    return number


def tag(key, line):
    """The 16 letters that follow a line and the place that it was reported from."""
    return letters(siphash(key, line.encode("utf-8", "replace")), 16)


class Console:
    """What a machine has printed, in the end or so far.

    text     all of it, without the tags, which differ from boot to boot
    reports  the lines that count, in order
    forged   {subject: the lines that look like its reports and do not count}

    `sites` are the places that lines may come from, see grader.sites; None allows all places.
    """

    def __init__(self, data, key, sites=None):
        self.reports, self.forged, lines = [], {}, []
        self.sites = sites
        numbers = {}
        for line in data.decode("utf-8", "replace").replace("\r\n", "\n").split("\n"):
            match, unsigned = LINE.search(line), UNSIGNED.search(line)
            if match and tag(key, match.group(1)) == match.group(9):
                line = line[:match.end(2)]
                self.add(match, numbers)
            elif unsigned:
                self.forge(unsigned.group(1), unsigned.group(0))
            lines.append(line)
        self.text = "\n".join(lines)

    def add(self, match, numbers):
        """A line with a right tag. It counts if its place and its number are right too; `numbers`
        has the last number of each process."""
        kind, subject, pid, number, text, place = match.group(3, 4, 5, 6, 7, 8)
        pid, number = int(pid), int(number)
        if self.sites is not None and number_of(place) not in self.sites[kind]:
            self.forge(subject, match.group(2) + " (reported by code that is not the test's)")
            return
        if number != numbers.get(pid, 0) + 1:
            self.forge(subject, match.group(2) + " (not in order)")
            return
        numbers[pid] = number
        self.reports.append(Report(kind, subject, pid, number, text.strip()))

    def forge(self, subject, line):
        """Keep a line that does not count."""
        self.forged.setdefault(subject, []).append(line.strip())

    def done(self, subject):
        """The report [done] of the test, or None. Its first process makes it, and only once; what
        children say does not matter."""
        mine = [report for report in self.reports if report.subject == subject]
        first = min((report.pid for report in mine), default=None)
        last = [report for report in mine if report.kind == "done" and report.pid == first]
        return last[0] if len(last) == 1 else None

    def failed(self):
        """The checks that failed, in order."""
        return [report for report in self.reports if report.kind == "check" and report.failed]
