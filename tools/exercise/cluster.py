"""`tools/lab grade --jobs ssh:HOSTS` and `--jobs slurm`: hand-ins are graded on many machines.

A Cluster stands in the place of a pool.Pool: run() takes (key, Work), and gives (key, result) as
they come. It writes batches of hand-ins (batch.py), and has them graded by GNU parallel over ssh,
or by an array of jobs of Slurm. Both print lines as they go, which are read while they run, so the
marks of a host that dies, or of a job that is killed, are there up to its last line.

What is missing at the end of a round is put into new batches, as long as the last round has brought
something; a job array that somebody has cancelled is not begun anew. What is missing then is told
as not graded, and the same command with --resume goes on. The logs stay in obj/cluster.
"""
import contextlib
import glob
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time

from exercise import batch, deliver, handout
from grader.formats import one_line

LOGS = os.path.join("obj", "cluster")
MOST = 16                       # hand-ins in a batch
ROUNDS = 4
END_SECONDS = 10                # for parallel to end in
SILENT = 10                     # looks at an array that Slurm does not answer, one after the other
POLL = 1.0                      # seconds between two looks at what a job array has printed
LOST = "no host has graded it: the same command with --resume goes on; logs are in %s"
REMOTE = ".rvlab"               # the folder on the other hosts, in the user's home
UNPACK = "umask 077; cd && mkdir -p %(remote)s/trees && cd %(remote)s/trees && " \
    "if [ -d %(version)s ]; then cat >/dev/null; else " \
    "mkdir -p new.$$ && tar -x -f - -C new.$$ && mv -T new.$$/%(tree)s %(version)s; fi; " \
    "rm -rf new.$$; [ -d %(version)s ]"
WORK = "python3 ../trees/%s/tools/lab work {}"
SCRIPT = """#!/bin/sh
# One of the jobs of an array: it grades a batch.
exec python3 %s work %s/batch-$SLURM_ARRAY_TASK_ID.json
"""


class ClusterError(ValueError):
    """The hosts cannot be used; the text is for the teacher."""


def ssh_words():
    """How ssh is called: GNU parallel has a variable for that."""
    return shlex.split(os.environ.get("PARALLEL_SSH", "ssh"))


def end(process):
    """End a process that leads a session, with all that it has started: parallel and its ssh."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(OSError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_SECONDS)
            return


class Cluster:
    """Hands out batches.

    head    what each batch says, see batch.about()
    folder  where batches and the results lie: it is removed at the end
    logs    the folder with what else was printed, which stays
    notes   what is to be told of the hosts, once for each
    """

    def __init__(self, grading):
        self.root, self.head = grading.root, batch.about(grading)
        self.version = grading.made["version"]
        self.logs = os.path.join(self.root, LOGS)
        self.notes, self.round = set(), 0

    def __enter__(self):
        os.makedirs(self.logs, exist_ok=True)
        self.folder = tempfile.mkdtemp(prefix="run-", dir=self.logs)
        self.begin()
        return self

    def __exit__(self, *ignored):
        shutil.rmtree(self.folder, ignore_errors=True)

    def begin(self):
        """What is needed once, before the first round."""

    def width(self):
        """How many batches are graded side by side."""
        return 8

    def size(self, count):
        """How many of so many hand-ins are in a batch: each place gets two batches or more, so that
        none waits long for the last one."""
        return max(1, min(MOST, -(-count // (2 * self.width()))))

    def run(self, jobs):
        """(key, result) for each of these (key, Work), as they come."""
        waiting = dict(jobs)
        while waiting and self.round < ROUNDS:
            self.round += 1
            before = len(waiting)
            paths = self.write(list(waiting.items()))
            with contextlib.closing(self.lines(paths)) as lines:
                for line in lines:
                    found = batch.result_of(line)
                    if found is None:
                        self.log(line)
                        if batch.DIFFERS in line:
                            self.tell(line)
                    elif found["key"] in waiting:
                        if found["sandbox"]:
                            self.tell("%s: %s" % (found["host"], found["sandbox"]))
                        del waiting[found["key"]]
                        yield found["key"], found["result"]
            if len(waiting) == before or self.is_over():
                break
        for key in waiting:
            yield key, LOST % self.logs

    def write(self, jobs):
        """Write the batches of a round; their names."""
        size, names = self.size(len(jobs)), []
        for path in glob.glob(os.path.join(glob.escape(self.folder), "batch-*")):
            os.remove(path)
        for number, at in enumerate(range(0, len(jobs), size), 1):
            names.append("batch-%d.json" % number)
            batch.write(os.path.join(self.folder, names[-1]), self.head, jobs[at:at + size])
        print("%d hand-ins in %d batches; logs: %s" % (len(jobs), len(names), self.logs),
              flush=True)
        return names

    def log(self, line):
        """Keep a line that is no result."""
        with open(os.path.join(self.logs, "output.log"), "a", encoding="utf-8",
                  errors="replace") as file:
            file.write(line if line.endswith("\n") else line + "\n")

    def tell(self, text):
        """Print what a teacher must know of a host, once."""
        note = one_line(text)
        if note not in self.notes:
            self.notes.add(note)
            print(note, flush=True)

    def is_over(self):
        """Did somebody end it, so that no other round is wanted?"""
        return False


class Ssh(Cluster):
    """GNU parallel, over ssh: one batch at a time on each host, or as many as it says (N/HOST)."""

    def __init__(self, grading, hosts):
        super().__init__(grading)
        self.hosts = [host for host in hosts.split(",") if host]
        if not self.hosts:
            raise ClusterError("--jobs ssh:HOST,HOST,... names no host")
        for tool in ("parallel", "rsync", ssh_words()[0]):
            if not shutil.which(tool):
                raise ClusterError("%s is missing: --jobs ssh needs it" % tool)

    def width(self):
        """One for each host, or as many as it says."""
        return sum(int(re.match(r"(?:(\d+)/)?", host).group(1) or 1) for host in self.hosts)

    def begin(self):
        """Put the tree onto each host, if it is not there yet; leave out hosts that do not
        answer."""
        tree, packed = (os.path.join(self.folder, name) for name in ("content", "tree.tar"))
        os.mkdir(tree)
        deliver.copy_tree(self.root, os.path.join(tree, deliver.TREE))
        handout.write_tar(tree, packed, "")
        command = UNPACK % {"remote": REMOTE, "version": self.version, "tree": deliver.TREE}
        running = []
        for host in self.hosts:
            words = shlex.split(re.sub(r"^\d+/", "", host))
            words = words if len(words) > 1 else ssh_words() + words
            with open(packed, "rb") as file:
                running.append(subprocess.Popen(words + [command], stdin=file,
                                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
        good = []
        for host, process in zip(self.hosts, running):
            said = process.communicate()[0].decode("utf-8", "replace").strip()
            if process.returncode == 0:
                good.append(host)
            else:
                self.log("%s: %s" % (host, said))
                print("%s is left out: %s" % (host, (said.splitlines() or ["no answer"])[-1]))
        if not good:
            raise ClusterError("none of the hosts can be used; logs: %s" % self.logs)
        self.hosts = good

    def lines(self, names):
        """The lines that GNU parallel prints. A batch that fails is tried on the other hosts."""
        command = ["parallel", "--will-cite", "--line-buffer", "--retries",
                   str(len(self.hosts) + 1), "--joblog",
                   os.path.join(self.logs, "hosts-%d.log" % self.round), "--workdir",
                   "%s/%s" % (REMOTE, os.path.basename(self.folder)), "--transferfile", "{}",
                   "--cleanup"]
        for host in self.hosts:
            command += ["--sshlogin", host if "/" in host else "1/" + host]
        with open(os.path.join(self.logs, "parallel.log"), "ab") as log:
            process = subprocess.Popen(command + [WORK % self.version, ":::"] + names,
                                       cwd=self.folder, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=log, start_new_session=True)
        try:
            for line in process.stdout:
                yield line.decode("utf-8", "replace")
        finally:
            process.stdout.close()
            end(process)


class Slurm(Cluster):
    """An array of jobs of Slurm. The tree, and so obj/, must be on a disk that all nodes see."""

    def __init__(self, grading):
        super().__init__(grading)
        self.job, self.silent = None, 0
        for tool in ("sbatch", "squeue", "scancel"):
            if not shutil.which(tool):
                raise ClusterError("%s is missing: --jobs slurm needs it" % tool)

    def call(self, *words):
        """What a command of Slurm prints; None if it fails."""
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode != 0:
            self.log("%s: %s" % (words[0], done.stderr.decode("utf-8", "replace").strip()))
        return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None

    def begin_array(self, count):
        """Hand the batches in, as one array; its number."""
        script = os.path.join(self.folder, "job.sh")
        with open(script, "w") as file:
            file.write(SCRIPT % (shlex.quote(os.path.join(self.root, "tools", "lab")),
                                 shlex.quote(self.folder)))
        said = self.call("sbatch", "--parsable", "--job-name=rvlab", "--array=1-%d" % count,
                         "--requeue", "--open-mode=append", "--chdir=" + self.folder,
                         "--output=" + os.path.join(self.folder, "out-%d-%%a" % self.round),
                         "--error=" + os.path.join(self.logs, "slurm-%A-%a.log"), script)
        number = (said or "").strip().split(";")[0]
        if not number.isdigit():
            raise ClusterError("sbatch has taken no job; logs: %s" % self.logs)
        return number

    def states(self):
        """The states of the array's jobs that Slurm still knows; None if it does not answer."""
        said = self.call("squeue", "--noheader", "--array", "--states=all", "--jobs=" + self.job,
                         "--format=%T")
        return None if said is None else said.split()

    def is_running(self):
        """Is any job of the array waiting or running? A controller that is busy may not answer, and
        one that has forgotten the jobs does not: so it is asked some times."""
        states = self.states()
        self.silent = self.silent + 1 if states is None else 0
        if states is None:
            return self.silent < SILENT
        return any(state not in ("COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "NODE_FAIL",
                                 "OUT_OF_MEMORY", "DEADLINE", "BOOT_FAIL", "PREEMPTED")
                   for state in states)

    def is_over(self):
        """Was the array cancelled?"""
        return "CANCELLED" in (self.states() or ())

    def lines(self, names):
        """The lines that the jobs print, as they come."""
        self.job, seen = self.begin_array(len(names)), {}
        running = True
        try:
            while running:
                time.sleep(POLL)
                running = self.is_running()     # before the files are read for the last time
                yield from self.new_lines(seen)
        finally:
            if running or self.silent:      # what is still there would go on beside the next round
                self.call("scancel", self.job)

    def new_lines(self, seen):
        """The whole lines that are new in the files of this round; `seen` has how far each was
        read."""
        pattern = os.path.join(glob.escape(self.folder), "out-%d-*" % self.round)
        for path in sorted(glob.glob(pattern)):
            with open(path, "rb") as file:
                file.seek(seen.get(path, 0))
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    seen[path] = seen.get(path, 0) + len(line)
                    yield line.decode("utf-8", "replace")


def cluster(grading):
    """The Cluster that --jobs names."""
    name = grading.options.jobs
    return Slurm(grading) if name == "slurm" else Ssh(grading, name.partition(":")[2])
