"""Several machines at once: which test boots when, and the outcomes in the order of the tests.

A Runner has as many threads as harts may be busy; a test with several harts takes as many places,
so that machines do not wait for each other's time. A thread does nothing but wait for QEMU and look
at its memory, so threads are enough here, and they share what the Host has found out. (Workers that
change and build trees are processes: see exercise/pool.py.) What takes long begins first. The
verdicts are the same however many threads there are.
"""
import subprocess
import threading

from grader.model import Outcome, Verdict

COMMAND_SECONDS = 300           # a test's command that takes longer is stopped


class Job:
    """One run of one test."""

    def __init__(self, test, number):
        self.test, self.number = test, number

    def places(self, jobs):
        """How many of the host's places its machine takes: one for each hart, or all."""
        return min(self.test.harts, jobs)


class Runner:
    """Runs tests in threads; take(outcome) is called for each test, in the tests' order.

    All fields that change are guarded by `lock`; `changed` is its condition variable.
    """

    def __init__(self, tests, judge, jobs, objects):
        self.tests, self.judge, self.jobs, self.objects = tests, judge, jobs, objects
        self.waiting = [Job(test, number) for test in tests for number in range(1, test.runs + 1)]
        # A run that takes long begins early, or at the end all would wait for it.
        self.waiting.sort(key=lambda job: (-job.test.harts, -job.test.limit))
        self.outcomes = {test: [] for test in tests}
        self.used = 0                   # the places that are taken
        self.running = []
        self.error = None               # the exception of a thread: a defect of the grader itself
        self.lock = threading.Lock()
        self.changed = threading.Condition(self.lock)

    def is_decided(self, job):
        """Has a run of the same test before this one failed? Then this one need not run."""
        return any(outcome and not outcome.passed and outcome.run < job.number
                   for outcome in self.outcomes[job.test])

    def next_job(self):
        """The first job that finds room; None if no job is left. The caller holds the lock."""
        while self.waiting and not self.error:
            self.waiting = [job for job in self.waiting if not self.is_decided(job)]
            for job in self.waiting:
                if self.used == 0 or self.used + job.places(self.jobs) <= self.jobs:
                    self.waiting.remove(job)
                    self.running.append(job)
                    self.used += job.places(self.jobs)
                    return job
            self.changed.wait()
        return None

    def work(self):
        """Take jobs until none is left: this is what each thread does."""
        while True:
            with self.lock:
                job = self.next_job()
            if job is None:
                return
            outcome = error = None
            try:
                outcome = self.command(job.test) if job.test.command \
                    else self.judge.run(job.test, job.number)
            except Exception as defect:     # the main thread tells it, with its traceback
                error = defect
            with self.lock:
                self.error = self.error or error
                self.outcomes[job.test].append(outcome)
                self.running.remove(job)
                self.used -= job.places(self.jobs)
                self.changed.notify_all()

    def command(self, test):
        """The Outcome of a test that is a check on the host."""
        words = [word.replace("@OBJ@", self.objects) for word in test.command]
        outcome = Outcome(test, Verdict.OK)
        try:
            result = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT, timeout=COMMAND_SECONDS)
        except (OSError, subprocess.TimeoutExpired) as error:
            return Outcome(test, Verdict.SETUP, [str(error)])
        if result.returncode != 0:
            outcome.verdict = Verdict.WRONG
            outcome.reasons = ["`%s` failed" % " ".join(words)]
            outcome.console = result.stdout.decode("utf-8", "replace").split("\n")[-20:]
        return outcome

    def merged(self, test):
        """The Outcome of all runs of a test: that of the first run that failed, if one did; which
        others were done after it is chance, and tells nothing. None as long as that is not
        known."""
        outcomes = sorted(filter(None, self.outcomes[test]), key=lambda outcome: outcome.run)
        chosen = next((outcome for outcome in outcomes if not outcome.passed), None)
        needed = chosen.run if chosen else test.runs
        if sum(outcome.run <= needed for outcome in outcomes) < needed:
            return None
        chosen = chosen or outcomes[0]
        chosen.seconds = sum(outcome.seconds for outcome in outcomes)
        return chosen

    def run(self, take, progress):
        """Run all tests. It returns when all are done; an exception here, as ctrl-C is one, ends
        all that runs."""
        threads = [threading.Thread(target=self.work, daemon=True) for _ in range(self.jobs)]
        for thread in threads:
            thread.start()
        pending = list(self.tests)
        try:
            while pending and not self.error:
                with self.lock:
                    outcome = self.merged(pending[0])
                    if outcome is None:
                        self.changed.wait(0.2)
                        busy = [job.test.name for job in self.running]
                if outcome is None:
                    progress(len(self.tests) - len(pending), len(self.tests), busy)
                else:
                    take(outcome)
                    pending.pop(0)
            if self.error:
                raise self.error
        finally:
            self.judge.host.cancelled = True
            with self.lock:
                self.waiting.clear()
                self.changed.notify_all()
            for thread in threads:
                thread.join()
            self.judge.host.cancelled = False   # all have ended; others may be booted by the host
