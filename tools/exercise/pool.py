"""The pool of workers: processes that build and judge side by side, one job at a time each.

    with shops("grade", root, options, begin) as pool:
        for key, result in pool.run([(key, job), ...]):

A worker is a process that is forked from the main one, with a Workshop of its own, so a job may
change, build and run what it likes. begin(shop) is what the worker calls first; it returns the
function that does a job. Jobs and results go through pipes, so they are plain data. All that needs
several workshops at a time uses this pool: the marks of a course, and the trials of mutants.

A worker that dies costs the job that it was at, and no other: another worker begins anew. If the
main process dies, its workers see the end of their pipes, remove their folders, and end too.
"""
import contextlib
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys

import scratch
from exercise import kept
from exercise.workshop import Workshop, WorkshopError
from grader.image import ImageError

FORK = multiprocessing.get_context("fork")      # the tests of labs are functions: they stay here
JOIN_SECONDS = 10               # that a worker gets to remove its folder


class Ended(Exception):
    """The main process wants an end."""


def end(number, frame):
    """The handler of SIGTERM in a worker."""
    raise Ended()


def work(pipe, folder, begin):
    """What a worker does: it takes (key, job) and gives back (key, result), until its pipe ends.
    The result is a sentence if this host failed, or if the tools have a defect."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)        # ctrl-C is the main process's
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, end)
    try:
        do = begin(folder)
        while True:
            key, job = pipe.recv()
            try:
                result = do(job)
            except (OSError, ImageError, WorkshopError) as error:
                result = "this host failed: %s" % error
            except Ended:
                raise
            except Exception as error:                  # a defect of the grader: the others go on
                result = "not graded: %s: %s" % (type(error).__name__, error)
            pipe.send((key, result))
    except (Ended, EOFError, OSError):                  # the main process tells of the last
        pass
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)   # it ends anyway
        os.chdir("/")
        for path in (folder, folder + ".logs"):
            scratch.remove(path)


def start(others, pipe, folder, begin):
    """The first function of a new process. It has the main process's ends of all pipes too; with
    these open no worker would see the main process end."""
    for other in others:
        other.close()
    with contextlib.suppress(Ended):
        work(pipe, folder, begin)


class Worker:
    """The main process's end of a worker; `job` is the (key, job) that it is at."""

    def __init__(self, others, folder, begin):
        self.pipe, theirs = FORK.Pipe()
        self.process = FORK.Process(target=start, daemon=True,
                                    args=(others + [self.pipe], theirs, folder, begin))
        self.process.start()
        theirs.close()
        self.job = None

    def end(self, gently=False):
        """Without a pipe the worker ends as soon as it has nothing to do."""
        self.pipe.close()
        if not gently:
            self.process.terminate()
        self.process.join(JOIN_SECONDS)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


class Pool:
    """At most `size` workers at a time; used as a context. A worker's folder is one that is not
    there yet, in `folder`; begin(its path) is called in the worker, see above. `places` is how many
    of these sizes each worker has for itself: if there are fewer jobs than workers, the others'
    processors are free."""

    def __init__(self, size, folder, begin):
        self.size, self.folder, self.begin = size, folder, begin
        self.count, self.workers, self.places = 0, [], 1

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        for worker in self.workers:
            worker.process.terminate()
        for worker in self.workers:
            worker.end()

    def hire(self):
        """A new worker."""
        self.count += 1
        worker = Worker([each.pipe for each in self.workers],
                        os.path.join(self.folder, "worker%d" % self.count), self.begin)
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
        """(key, result) for each of these (key, job), as they come. The result is a sentence if
        there is none: this host failed, or the worker has died."""
        waiting = list(jobs)
        sys.stdout.flush()                              # or each worker has a copy of it
        self.places = max(1, self.size // max(1, len(waiting)))
        for _ in range(min(self.size, len(waiting))):
            self.give(self.hire(), waiting)
        while self.workers:
            ready = multiprocessing.connection.wait([worker.pipe for worker in self.workers])
            for worker in [each for each in self.workers if each.pipe in ready]:
                yield self.take(worker, waiting)

    def in_order(self, jobs):
        """The results of these jobs in the order of the jobs, each as soon as it can be told."""
        found, following = {}, 0
        for number, result in self.run(enumerate(jobs)):
            found[number] = result
            while following in found:
                yield found.pop(following)
                following += 1

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


@contextlib.contextmanager
def shops(name, root, options, begin, boxed=True):
    """A Pool whose workers have a Workshop each, with the tree `root` as it is. `options` are those
    of the command line: jobs, toolchain and qemu; `boxed` is as Workshop has it. WorkshopError if
    the tree cannot be built."""
    size = max(1, options.jobs)
    with scratch.folder(name) as folder:
        pristine = os.path.join(folder, "pristine")
        toolchain = kept.prepare(root, pristine, options.toolchain, size)

        def begin_in(place):                            # in a worker, when the pool has its jobs
            shop = Workshop(pristine, place, toolchain, options.qemu, boxed, pool.places)
            os.chdir(shop.folder)                       # places in sources are told from here
            return begin(shop)

        with Pool(size, folder, begin_in) as pool:
            yield pool
