"""Workers that give marks side by side: each a process with a workshop, one hand-in at a time.

A worker that dies costs the hand-in that it was at, and no other: another worker begins anew.
"""
import multiprocessing
import multiprocessing.connection
import os
import shutil
import signal
import sys

from exercise.marks import Marker
from exercise.workshop import Workshop, WorkshopError
from grader.image import ImageError


FORK = multiprocessing.get_context("fork")      # the tests of labs are functions: they stay here


class Ended(Exception):
    """The main process wants an end."""


def end(number, frame):
    raise Ended()


def work(pipe, reference, pristine, folder, toolchain, qemu):
    """What a worker does: take (number, Work, policy), give back (number, result or a sentence)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)        # ctrl-C is the main process's
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, end)
    try:
        shop = Workshop(pristine, folder, toolchain, qemu)
        os.chdir(shop.folder)                           # so that places in it are told from there
        marker = Marker(reference, shop)
        while True:
            number, job, policy = pipe.recv()
            try:
                result = marker.marks(job, policy)
            except (OSError, ImageError, WorkshopError) as error:
                result = "this host failed: %s" % error
            except Ended:
                raise
            except Exception as error:                  # a defect of ours: the others go on
                result = "not graded: %s: %s" % (type(error).__name__, error)
            pipe.send((number, result))
    except (Ended, EOFError, OSError):                  # the main process tells of the last
        pass
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)   # it ends anyway
        os.chdir("/")
        for path in (folder, folder + ".logs"):
            shutil.rmtree(path, ignore_errors=True)


class Worker:
    """The main process's end of a worker."""

    def __init__(self, others, *arguments):
        self.pipe, theirs = FORK.Pipe()
        self.process = FORK.Process(target=begin, daemon=True,
                                    args=(others + [self.pipe], theirs) + arguments)
        self.process.start()
        theirs.close()
        self.job = None

    def end(self, gently=False):
        """Without a pipe the worker ends as soon as it has nothing to do."""
        self.pipe.close()
        if not gently:
            self.process.terminate()
        self.process.join(10)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def begin(others, pipe, *arguments):
    """The new process has the main process's ends of all pipes too; with these open no worker would
    see the main process end."""
    for other in others:
        other.close()
    try:
        work(pipe, *arguments)
    except Ended:
        pass


class Crew:
    """Some workers: with Crew(...) as crew: for number, result in crew.run(jobs): ..."""

    def __init__(self, reference, pristine, folder, toolchain, qemu, size):
        self.reference, self.pristine, self.folder = reference, pristine, folder
        self.toolchain, self.qemu, self.size = toolchain, qemu, size
        self.count, self.workers = 0, []

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        for worker in self.workers:
            worker.process.terminate()
        for worker in self.workers:
            worker.end()

    def hire(self):
        self.count += 1
        worker = Worker([each.pipe for each in self.workers], self.reference, self.pristine,
                        os.path.join(self.folder, "worker%d" % self.count), self.toolchain,
                        self.qemu)
        self.workers.append(worker)
        return worker

    def give(self, worker, waiting):
        """The next job; a worker without one is sent home."""
        if waiting:
            worker.job = waiting.pop(0)
            worker.pipe.send(worker.job)
        else:
            self.workers.remove(worker)
            worker.end(gently=True)

    def run(self, jobs):
        """(number, result) for each of (number, Work, policy), as they come. The result is a
        sentence where this host failed."""
        waiting = list(jobs)
        sys.stdout.flush()                              # or each worker has a copy of it
        for _ in range(min(self.size, len(waiting))):
            self.give(self.hire(), waiting)
        while self.workers:
            ready = multiprocessing.connection.wait([worker.pipe for worker in self.workers])
            for worker in [each for each in self.workers if each.pipe in ready]:
                yield self.take(worker, waiting)

    def take(self, worker, waiting):
        """What a worker has done; it, or another one, gets the next job."""
        try:
            done = worker.pipe.recv()
        except (EOFError, OSError):
            self.workers.remove(worker)
            worker.end()
            done = worker.job[0], "a worker of this host ended; is there too little memory?"
            worker = self.hire() if waiting else None
        if worker:
            self.give(worker, waiting)
        return done
