#!/usr/bin/env python3
"""A timeline of a run: what each hart and each process did, seen from outside of the machine.

    timeline.py --test NAME             of a test, as the grader boots it
    timeline.py --prog "NAME ARGS"      of a program, as the first one
    timeline.py ... --seed N            with the boot argument chaos=N

make trace calls it. It writes two files into obj/trace: NAME.svg, for any browser, and NAME.json,
which https://ui.perfetto.dev opens. With one hart the run is recorded first and then stopped at
a few places while it is replayed, so times are instructions of a run that nothing has disturbed.
QEMU cannot record several harts, nor what is typed: such a run is stopped itself, and its clock
stands meanwhile. A panic, a limit and a machine that hangs end the timeline, and are told in it.
"""
import argparse
import os
import sys
import threading
import time

import cli
import debug
import scratch
from gdbstub import StubError, connect
from grader.disk import DiskError
from grader.image import ImageError
from grader.model import Test
from grader.pictured import FOLDER, picture_name
from grader.qemu import bytes_of
from labs.catalogue import LabError
from recording import Player, Recording, RecordError
from runs import chrome, rows
from runs.probes import ProbeError, Probes
from runs.story import Story, clock, system_calls

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
EVENTS, SECONDS = 5000, 240
PROGRAM_LIMIT = 300             # million instructions of a program
SHOWN = 5                       # last lines of the console
ERRORS = (debug.Ended, LabError, DiskError, ImageError, RecordError, StubError, ProbeError)


class Followed(debug.Session):
    """A machine that is followed from stop to stop. A program is a test that nobody judges."""

    def __init__(self, options, folder):
        super().__init__(options, folder)
        if not self.test:
            self.test = Test(self.program, prog=options.prog, harts=options.harts,
                             mem=options.mem, append=options.append, limit=PROGRAM_LIMIT)
            self.use_test()
        if self.test.prog and not os.path.exists(os.path.join(self.users, self.program)):
            raise debug.Ended("there is no program %s; user/ has the programs" % self.program)
        self.recording, self.printed = None, b""

    @property
    def counted(self):
        """Is its time counted in instructions?"""
        return self.harts == 1

    def disk(self):
        """A program's disk is one in memory: nothing is kept."""
        image = self.options.disk
        return ["-initrd", image] if image else super().disk() if self.test.disk else []

    def begin(self):
        """Start it; it stands before its first instruction. A Stub is returned."""
        if not self.counted or self.test.input:
            return connect(self.live()[0])
        self.recording = Recording(self.folder, self.test, self.command())
        self.printed = self.recording.record()
        self.machine = Player(self.recording)
        threading.Thread(target=self.machine.serve, daemon=True).start()
        return connect(self.machine.path)

    def end(self):
        if self.machine:
            self.machine.kill()
            self.machine.wait()


class Progress:
    """How far it is, once a second, on a terminal."""

    def __init__(self, name):
        self.name, self.last, self.wide = name, time.monotonic(), 0

    def __call__(self, count):
        now = time.monotonic()
        if now - self.last > 1:
            self.last = now
            self.show("%s: %d events" % (self.name, count))

    def show(self, words):
        if sys.stderr.isatty():
            sys.stderr.write("\r%-*s" % (self.wide, words))
            sys.stderr.flush()
            self.wide = len(words)


def machine_options(parser):
    """The options that say which machine is meant."""
    add = parser.add_argument
    add("--objects", default="obj/unknown-elf", help="where the kernel is built; %(default)s")
    add("--qemu", default="qemu-system-riscv64", help="%(default)s")
    add("--test", default="", metavar="NAME", help="of the grader")
    add("--prog", default="", help="or the first program and its arguments")
    add("--seed", type=debug.seed, metavar="N", help="boot the test with chaos=N; 1, if it has"
        " seeds")
    add("--mem", default="128M", help="of the machine, without a test; %(default)s")
    add("--harts", type=int, default=1, help="of the machine, without a test; %(default)s")
    add("--append", default="", help="boot arguments, without a test")
    add("--disk", default="", metavar="IMAGE", help="a disk in memory, without a test")
    add("--out", default="", metavar="FOLDER", help="for the files; obj/trace")
    add("--seconds", type=positive, default=SECONDS, metavar="N",
        help="follow it no longer than that; %(default)s")


def positive(text):
    """A number of the command line that is not 0."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError("%s: give a number from 1 on" % text)
    return int(text)


def checked(parser):
    """The options, if they say which machine is meant; debug.Session wants some more of them."""
    options = parser.parse_args()
    options.replay = False
    if bool(options.test) == bool(options.prog.strip()):
        parser.error("give --test or --prog")
    if options.prog and options.seed:
        parser.error("--seed is for a test; a program gets its seed by --append chaos=%d"
                     % options.seed)
    if options.test and (options.append or options.disk):
        parser.error("--test says itself what is booted: no --append, no --disk")
    cli.need_machine(os.path.basename(sys.argv[0])[:-3], options.objects, options.qemu)
    return options


def arguments():
    parser = argparse.ArgumentParser(description="Write a timeline of a run.")
    machine_options(parser)
    parser.add_argument("--max-events", type=positive, default=EVENTS, metavar="N",
                        help="keep no more, and count the rest; %(default)s")
    return checked(parser)


def file_name(options):
    """The name of the files, without an ending."""
    return picture_name(options.test or options.prog, options.seed)


def save(options, more, texts):
    """Write files, {ending: text}, whose names begin with the run's and `more`. The path of all,
    without an ending."""
    folder = options.out or os.path.join(os.path.dirname(options.objects.rstrip("/")) or ".",
                                         FOLDER)
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, file_name(options) + more)
    for ending, text in texts.items():
        with open(path + ending, "w", encoding="utf-8") as file:
            file.write(text)
    return path


def follow(session, options):
    """(Story, Probes) of the whole run."""
    name = options.test or options.prog
    progress, story = Progress(name), Story(system_calls(ROOT))
    progress.show("%s: it runs" % name)
    stub = session.begin()
    probes = Probes(stub, session.host.image, bytes_of(session.mem), session.counted)
    for event in probes.events(options.max_events, options.seconds, progress):
        story.add(event)
    progress.show("")
    progress.show("")
    if not story.events:
        raise debug.Ended("%s: no event was seen: %s" % (name, probes.ended))
    return story.finish(), probes


def lost_words(probes, options):
    """What is told of events that are not there; "" if all are."""
    if not probes.lost and not probes.cut:
        return ""
    return "%s%d events after the first %d are lost%s: --max-events, --seconds" % (
        "at least " if probes.cut else "", probes.lost, options.max_events,
        ", and so is what came later" if probes.cut else "")


def trace(options, folder):
    """Follow the run and write both files; the exit status."""
    session = Followed(options, folder)
    try:
        story, probes = follow(session, options)
    finally:
        session.end()
    test, lost = session.test, lost_words(probes, options)
    time_words = "an instruction takes %d ns" % (1 << test.shift) if session.counted else \
        "the clock of the machine, which the stops make slower: the order counts, not how long"
    notes = ["%d events, %s of guest time (%s); %s%s" % (
        story.events, clock(story.end), time_words, probes.ended, "; " + lost if lost else "")]
    title = "%s%s, on %d hart%s" % (
        options.test or options.prog, ": " + test.title if options.test and
        test.title != test.name else "", session.harts, "s" * (session.harts > 1))
    about = {"run": title, "events": story.events, "lost": probes.lost, "lost_more": probes.cut,
             "ended": probes.ended, "boot_arguments": session.append.strip(),
             "guest_ns": story.end, "instruction_ns": 1 << test.shift if session.counted else None}
    path = save(options, "", {".json": chrome.document(story, about),
                              ".svg": rows.picture(story, title, notes)})
    for line in notes + story.words():
        print(line)
    print("%s.svg: for a browser; %s.json: for https://ui.perfetto.dev" % (path, path))
    return 0


def main():
    options = arguments()
    with scratch.folder("trace") as folder:
        return trace(options, folder)


if __name__ == "__main__":
    sys.exit(cli.run("timeline", main, ERRORS))
