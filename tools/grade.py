#!/usr/bin/env python3
"""Run the tests of tools/tests.py, several machines at once, and add up.

Each machine writes its console into a file, and is judged when it has ended. No
verdict depends on how fast the host is: a machine is stopped when it has used
up its CPU time, printed too much, or sleeps for ever; never by the clock, but
for a guard far beyond every test.
"""
import argparse
import collections
import difflib
import fnmatch
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time

from tests import LEAK_CHECK_OK, TESTS

MAX_OUTPUT = 4 << 20        # bytes
IDLE_SECONDS = 30           # asleep for so long: nothing will wake it
WALL_SECONDS = 1800         # guard, for a host that is stopped or has no /proc
SAMPLE_SECONDS = 0.25
SHOWN_LINES = 12            # of the console of a failed test


class Interrupted(Exception):
    """The user, or who started this, wants an end."""


class Run:
    """One process: a booted machine, or a check on the host."""

    def __init__(self, test, number, options):
        self.test, self.reason, self.seconds, self.status = test, "", 0.0, None
        name = re.sub(r"[^A-Za-z0-9_.-]+", "-", test.name)
        self.log = os.path.join(options.folder, name + (".%d" % number if number else "") + ".log")
        self.harts = test.harts
        self.command = command_of(test, options)
        self.samples = collections.deque(maxlen=int(IDLE_SECONDS / SAMPLE_SECONDS))

    def start(self):
        self.started = self.sampled = time.monotonic()
        stdin = subprocess.DEVNULL
        if self.test.input:
            with open(self.log + ".input", "w") as file:
                file.write(self.test.input)
            stdin = open(self.log + ".input")
        with open(self.log, "wb") as log:
            # A session of its own: ctrl-C comes to this process only.
            self.process = subprocess.Popen(
                self.command, stdin=stdin, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True, preexec_fn=self.limit)
        if self.test.input:
            stdin.close()

    def limit(self):
        resource.setrlimit(resource.RLIMIT_CPU, (self.test.cpu, self.test.cpu + 5))
        # QEMU goes on after a failed write: watch() stops it, this holds the file down.
        resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_OUTPUT, MAX_OUTPUT))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def kill(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except OSError:
            pass

    def ended(self):
        """Look after the process: true when it has ended."""
        pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
        if pid == 0:
            self.watch()
            return False
        self.process.returncode = self.status = -(status & 127) or status >> 8
        self.seconds = usage.ru_utime + usage.ru_stime
        return True

    def watch(self):
        now = time.monotonic()
        if now - self.started > WALL_SECONDS:
            self.stop("no end after %d minutes" % (WALL_SECONDS // 60))
        if now - self.sampled < SAMPLE_SECONDS:
            return
        self.sampled = now
        if os.path.getsize(self.log) >= MAX_OUTPUT:
            self.stop("printed more than %d MB" % (MAX_OUTPUT >> 20))
        self.samples.append(is_busy(self.process.pid))
        if len(self.samples) == self.samples.maxlen and sum(self.samples) * 10 < len(self.samples):
            self.stop("the machine is idle for ever: everything sleeps, nothing will wake it")

    def stop(self, reason):
        self.reason = self.reason or reason
        self.kill()


def is_busy(pid):
    """Whether a thread of the process runs, or would if the host let it."""
    try:
        for thread in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/stat" % (pid, thread)) as file:
                if file.read().rpartition(")")[2].split()[0] in "RD":
                    return True
    except OSError:
        return True             # just ended, or a host without /proc
    return False


def command_of(test, options):
    if test.command:
        return [word.replace("@OBJ@", options.objects) for word in test.command]
    command = [options.qemu, "-machine", "virt", "-bios", "default", "-m", test.mem,
               "-smp", str(test.harts), "-kernel", options.objects + "/kernel",
               "-display", "none", "-monitor", "none", "-serial", "stdio"]
    if test.harts == 1:
        command += ["-icount", "shift=%d,sleep=off" % test.shift]
    return command + ["-append", test.append]


def position(wanted, text, start):
    """(where it begins, where it ends) of a text or a pattern; (-1, -1) without one."""
    if isinstance(wanted, str):
        at = text.find(wanted, start)
        return at, at + len(wanted) if at >= 0 else -1
    match = wanted.search(text, start)
    return match.span() if match else (-1, -1)


def shown(wanted):
    return '"%s"' % wanted if isinstance(wanted, str) else "/%s/" % wanted.pattern


def judge_status(run):
    test = run.test
    if run.status == -signal.SIGXCPU or (run.status == -signal.SIGKILL
                                         and run.seconds >= test.cpu):
        return "no end after %d seconds of CPU time" % test.cpu
    if run.status < 0:
        return "ended by signal %d" % -run.status
    if run.status == 0 and test.panic:
        return "exit status 0, expected a panic"
    if run.status == 0 and not test.exit:
        return "exit status 0, expected that the first program fails"
    if run.status != 0 and not test.panic and test.exit:
        return "exit status %d, expected 0" % run.status
    return ""


def judge(run):
    """Why a run failed, as lines; none when it passed."""
    with open(run.log, "rb") as log:
        text = log.read().decode("utf-8", "replace").replace("\r\n", "\n")
    leaks = re.findall(r"leak check: (?!ok).*", text)
    reasons = leaks or [run.reason or judge_status(run)]
    at = 0
    for wanted in run.test.expect:
        end = position(wanted, text, at)[1]
        if end < 0 and wanted == LEAK_CHECK_OK and reasons != [""]:
            break                       # no wonder
        if end < 0:
            order = " (after the text before it)" if position(wanted, text, 0)[1] >= 0 else ""
            reasons.append("expected %s, not printed%s" % (shown(wanted), order))
            break
        at = end
    for unwanted in run.test.forbid:
        if position(unwanted, text, 0)[1] >= 0:
            reasons.append("printed %s, which must not be" % shown(unwanted))
    reasons = [reason for reason in reasons if reason]
    return reasons and reasons + last_lines(run, text)


def last_lines(run, text):
    lines = [line[:200] for line in text.splitlines() if line.strip()]
    head = [] if run.test.command else ["boot arguments: " + (run.test.append or "none")]
    return (head + ["last lines of %s:" % run.log]
            + ["  | " + "".join(c if c.isprintable() or c == "\t" else "?" for c in line)
               for line in lines[-SHOWN_LINES:]])


class Grader:
    """Starts the runs, keeps as many going as there are processors, prints verdicts."""

    def __init__(self, tests, options):
        self.tests, self.jobs = tests, options.jobs
        self.runs = {test: [Run(test, number if test.runs > 1 else 0, options)
                            for number in range(1, test.runs + 1)] for test in tests}
        self.waiting = [run for test in tests for run in self.runs[test]]
        # What takes long begins first, so that the end is not a wait for it.
        self.waiting.sort(key=lambda run: -run.test.cpu)
        self.running = []
        self.failures = {}
        self.width = max(len(test.name) for test in tests)

    def start_some(self):
        """A machine with several harts takes as many places."""
        for run in list(self.waiting):
            used = sum(min(other.harts, self.jobs) for other in self.running)
            if used and used + min(run.harts, self.jobs) > self.jobs:
                continue
            self.waiting.remove(run)
            run.start()
            self.running.append(run)

    def work(self):
        pending = list(self.tests)
        try:
            while pending:
                self.start_some()
                for run in [run for run in self.running if run.ended()]:
                    self.running.remove(run)
                while pending and all(run.status is not None for run in self.runs[pending[0]]):
                    self.report(pending.pop(0))
                time.sleep(0.01)
        finally:
            for run in self.running:
                run.kill()

    def report(self, test):
        runs = self.runs[test]
        failed = [(number, lines) for number, lines in
                  ((number, judge(run)) for number, run in enumerate(runs, 1)) if lines]
        seconds = sum(run.seconds for run in runs)
        print("%-*s  %-4s %6.2f s" % (self.width, test.name, "FAIL" if failed else "ok", seconds))
        if failed:
            self.failures[test] = failed
            number, lines = failed[0]
            if test.runs > 1:
                print("    run %d of %d, and %d more" % (number, test.runs, len(failed) - 1))
            for line in lines:
                print("    " + line)
        sys.stdout.flush()

    def total(self):
        passed = [test for test in self.tests if test not in self.failures]
        print("%d tests: %d passed, %d failed"
              % (len(self.tests), len(passed), len(self.failures)))
        print("Total Score: %d/%d" % (sum(test.points for test in passed),
                                      sum(test.points for test in self.tests)))
        return 0 if not self.failures else 1


def selected(words):
    """The tests that the user's words name; patterns like fork* are welcome."""
    if not words:
        return TESTS
    names = [test.name for test in TESTS]
    chosen = set()
    for word in words:
        found = [n for n in names if fnmatch.fnmatchcase(n, word) or n.split()[0] == word]
        if not found:
            near = difflib.get_close_matches(word, names, 3)
            sys.exit("grade: there is no test %s%s"
                     % (word, near and "; do you mean %s?" % " or ".join(near) or ""))
        chosen.update(found)
    return [test for test in TESTS if test.name in chosen]


def arguments():
    parser = argparse.ArgumentParser(description="Run the tests.")
    parser.add_argument("--objects", default="obj/unknown-elf", help="where the kernel is")
    parser.add_argument("--qemu", default="qemu-system-riscv64")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("tests", nargs="*", help="names of tests, all without one")
    options = parser.parse_args()
    options.tests = [word for words in options.tests for word in words.split()]
    options.jobs = max(1, options.jobs)
    options.folder = os.path.join(options.objects, "grade")
    if not os.path.exists(options.objects + "/kernel"):
        sys.exit("grade: %s/kernel is not there: run make grade" % options.objects)
    if not shutil.which(options.qemu):
        sys.exit("grade: %s is missing: run make setup" % options.qemu)
    return options


def interrupt(number, frame):
    raise Interrupted()


def main():
    options = arguments()
    tests = selected(options.tests)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        shutil.rmtree(options.folder, ignore_errors=True)
        os.makedirs(options.folder)
        grader = Grader(tests, options)
        grader.work()
        return grader.total()
    except Interrupted:
        print("grade: interrupted")
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except OSError as error:
        print("grade: %s" % error)
        return 2


if __name__ == "__main__":
    sys.exit(main())
