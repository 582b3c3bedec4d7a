#!/usr/bin/env python3
"""Is a course graded on many machines as on one? Several hosts are played on this machine.

    clusters.py [--hosts 3] [--count 8] [--exercises 5.1,5.2] [ssh] [slurm]

ssh: each host is a network namespace with an sshd, a name and a home of its own. slurm: munged,
slurmctld and two slurmd on the loopback, as Debian has them. Generated hand-ins of lab 5 are graded
on this machine, then on the hosts: table, JSON and texts must be the same to the byte. Then again,
while a host loses its network, while a worker is killed, and while a job array is cancelled, after
which the same command must go on where it was, and not test again what was graded. What is done
meanwhile must have hit a process that was grading, or it counts as a failure.

It needs root and Debian's openssh-server, parallel, rsync, iproute2, slurmctld, slurmd,
slurm-client, munge. What it has started ends with it. The exit status is 1 if anything differed.
"""
import argparse
import contextlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import time

import cli
import scratch

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LAB = os.path.join(TOP, "tools", "lab")
LOGS = os.path.join(TOP, "obj", "cluster")
NEEDS = {"ssh": ("sshd", "ssh-keygen", "parallel", "rsync", "ip", "unshare"),
         "slurm": ("slurmctld", "slurmd", "sbatch", "munged")}
NET, BRIDGE, NAME = "10.77.41", "rvlabbr", "rvlab-h%d"
SSHD = """Port 22
ListenAddress %(address)s
HostKey %(folder)s/hostkey
AuthorizedKeysFile %(folder)s/key.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
"""
SSH = """Host *
IdentityFile %(folder)s/key
StrictHostKeyChecking no
UserKnownHostsFile /dev/null
LogLevel ERROR
ConnectTimeout 5
ServerAliveInterval 3
ServerAliveCountMax 3
"""
SLURM = """ClusterName=rvlab
SlurmctldHost=%(host)s(127.0.0.1)
SlurmctldPort=26817
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=%(folder)s/munge.socket
SlurmUser=root
SlurmdUser=root
StateSaveLocation=%(folder)s/state
SlurmdSpoolDir=%(folder)s/spool-%%n
SlurmctldPidFile=%(folder)s/slurmctld.pid
SlurmdPidFile=%(folder)s/slurmd-%%n.pid
SlurmctldLogFile=%(folder)s/slurmctld.log
SlurmdLogFile=%(folder)s/slurmd-%%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
NodeName=rvlab1 NodeHostname=%(host)s NodeAddr=127.0.0.1 Port=26818 CPUs=1 State=UNKNOWN
NodeName=rvlab2 NodeHostname=%(host)s NodeAddr=127.0.0.1 Port=26828 CPUs=1 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES State=UP
"""


class ClustersError(Exception):
    """The hosts cannot be played here; the text is for the user."""


def call(*words, **options):
    """Run a command that must succeed; what it prints."""
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    if done.returncode != 0:
        raise ClustersError("%s: %s" % (" ".join(words), done.stdout.decode("utf-8", "replace")))
    return done.stdout.decode("utf-8", "replace")


def killed(pid):
    """Kill a process. Was it there?"""
    try:
        os.kill(pid, signal.SIGKILL)
        return True
    except OSError:
        return False


def put(path, text):
    """Write a file."""
    with open(path, "w") as file:
        file.write(text)


class Course:
    """Generated hand-ins, and what a grading of them on this machine has written."""

    def __init__(self, folder, options):
        self.folder, self.options, self.failed = folder, options, 0
        self.environment = dict(os.environ)
        call(sys.executable, LAB, "generate", "5", "-n", str(options.count), "-o", self.path("in"))
        self.grade("here", "1")

    def path(self, *names):
        """A path in the folder."""
        return os.path.join(self.folder, *names)

    def start(self, name, jobs):
        """Begin to grade; the process."""
        return subprocess.Popen(
            [sys.executable, LAB, "grade", "in", "--exercises", self.options.exercises, "-j", jobs]
            + [word for kind in ("csv", "json", "texts") for word in (
                "--" + kind, "%s.%s" % (name, kind))] + ["--resume", name + ".state"],
            cwd=self.folder, env=self.environment, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, universal_newlines=True)

    def grade(self, name, jobs, meanwhile=None):
        """Grade; meanwhile() is called when a hand-in is done, until it has hit something that was
        grading, and tells how many. (exit status, output, how many were hit)."""
        process, output, hit = self.start(name, jobs), [], 0
        for line in process.stdout:
            output.append(line)
            if line.startswith("[") and meanwhile and not hit:
                hit = meanwhile()
        return process.wait(), "".join(output), hit

    def written(self, name):
        """{file: bytes} of what a grading has written."""
        found = {}
        for kind in ("csv", "json"):
            with open(self.path("%s.%s" % (name, kind)), "rb") as file:
                found[kind] = file.read()
        for each in sorted(os.listdir(self.path(name + ".texts"))):
            with open(self.path(name + ".texts", each), "rb") as file:
                found[each] = file.read()
        return found

    def tell(self, good, what, output=""):
        """Print whether something is as it must be."""
        print("%-4s %s" % ("ok" if good else "FAIL", what), flush=True)
        if not good:
            self.failed += 1
            print(output[-3000:])

    def same(self, name, jobs, what, meanwhile=None):
        """Grade on the hosts, and compare with this machine's files."""
        status, output, hit = self.grade(name, jobs, meanwhile)
        good = status == 0 and self.written(name) == self.written("here")
        self.tell(good, "%s: the same to the byte" % what, output)
        if meanwhile:
            self.tell(hit > 0, "and it was grading then", "%d processes were hit\n%s" % (
                hit, output))
        return output


# -- ssh

class Hosts:
    """Network namespaces with an sshd each, for the time of a with block."""

    def __init__(self, course, count):
        self.course, self.folder, self.count = course, course.folder, count
        self.processes, self.made_home = [], None

    def __enter__(self):
        for name in ("hostkey", "key"):
            call("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.course.path(name))
        put(self.course.path("ssh.conf"), SSH % {"folder": self.folder})
        os.makedirs("/run/sshd", exist_ok=True)
        home = os.path.join(pwd.getpwuid(os.getuid()).pw_dir, ".rvlab")
        if not os.path.isdir(home):
            os.mkdir(home)
            self.made_home = home
        call("ip", "link", "add", BRIDGE, "type", "bridge")
        call("ip", "addr", "add", NET + ".254/24", "dev", BRIDGE)
        call("ip", "link", "set", BRIDGE, "up")
        for number in range(1, self.count + 1):
            self.host(number, home)
        time.sleep(1)
        self.course.environment["PARALLEL_SSH"] = "ssh -F %s" % self.course.path("ssh.conf")
        return self

    def host(self, number, home):
        """Begin one host."""
        name, address = NAME % number, "%s.%d" % (NET, number)
        own = self.course.path("home%d" % number)
        os.mkdir(own)
        call("ip", "netns", "add", name)
        call("ip", "link", "add", "rvlabv%d" % number, "type", "veth", "peer", "name", "eth0",
             "netns", name)
        call("ip", "link", "set", "rvlabv%d" % number, "master", BRIDGE, "up")
        call("ip", "-n", name, "addr", "add", address + "/24", "dev", "eth0")
        for device in ("eth0", "lo"):
            call("ip", "-n", name, "link", "set", device, "up")
        conf = self.course.path("sshd%d.conf" % number)
        put(conf, SSHD % {"folder": self.folder, "address": address})
        inside = "hostname %s && mount --bind %s %s && exec %s -D -e -f %s" % (
            name, own, home, shutil.which("sshd"), conf)
        with open(self.course.path("sshd%d.log" % number), "wb") as log:
            self.processes.append(subprocess.Popen(
                ["ip", "netns", "exec", name, "unshare", "--mount", "--uts", "--pid", "--fork",
                 "--kill-child", "--mount-proc", "sh", "-c", inside],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True))

    def names(self):
        """The value of --jobs."""
        return "ssh:" + ",".join("%s.%d" % (NET, number) for number in range(1, self.count + 1))

    def workers(self, number):
        """The processes that grade on a host."""
        own, found = self.net(self.processes[number - 1].pid), []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                with open("/proc/%s/cmdline" % pid, "rb") as file:
                    words = file.read().split(b"\0")
                if b"work" in words and self.net(int(pid)) == own:
                    found.append(int(pid))
        return found

    def lose(self, number):
        """A host has no network any more, while it grades; by so many processes."""
        found = self.workers(number)
        if found:
            call("ip", "link", "set", "rvlabv%d" % number, "down")
        return len(found)

    def kill_worker(self, number):
        """Kill what grades on a host; so many processes."""
        return sum(map(killed, self.workers(number)))

    @staticmethod
    def net(pid):
        """The network namespace of a process."""
        return os.readlink("/proc/%d/ns/net" % pid)

    def __exit__(self, *ignored):
        for process in self.processes:
            process.kill()
            process.wait()
        for number in range(1, self.count + 1):
            subprocess.run(["ip", "netns", "del", NAME % number], stderr=subprocess.DEVNULL)
            subprocess.run(["ip", "link", "del", "rvlabv%d" % number], stderr=subprocess.DEVNULL)
        subprocess.run(["ip", "link", "del", BRIDGE], stderr=subprocess.DEVNULL)
        if self.made_home:
            with contextlib.suppress(OSError):
                os.rmdir(self.made_home)


def by_ssh(course):
    """Grade over ssh."""
    with Hosts(course, course.options.hosts) as hosts:
        course.same("ssh", hosts.names(), "%d hosts" % hosts.count)
        course.same("killed", hosts.names(), "a worker is killed", lambda: hosts.kill_worker(2))
        course.same("lost", hosts.names(), "a host loses its network", lambda: hosts.lose(1))
        output = course.same("away", hosts.names(), "one host of them does not answer at all")
        course.tell("%s.1 is left out" % NET in output, "and that is told", output)


# -- slurm

@contextlib.contextmanager
def slurm(course):
    """Slurm's processes, for the time of a with block."""
    folder, processes = course.folder, []
    host = os.uname().nodename
    put(course.path("slurm.conf"), SLURM % {"folder": folder, "host": host})
    put(course.path("munge.key"), os.urandom(64).hex())
    os.chmod(course.path("munge.key"), 0o600)
    os.mkdir(course.path("state"))
    course.environment["SLURM_CONF"] = course.path("slurm.conf")
    socket = course.path("munge.socket")
    commands = [["munged", "--foreground", "--force", "--socket=" + socket,
                 "--key-file=" + course.path("munge.key")]
                + ["--%s-file=%s" % (kind, course.path("munge." + kind))
                   for kind in ("pid", "log", "seed")],
                ["slurmctld", "-D", "-c"], ["slurmd", "-D", "-N", "rvlab1"],
                ["slurmd", "-D", "-N", "rvlab2"]]
    try:
        for words in commands:
            with open(course.path(words[0] + ".out"), "ab") as log:
                processes.append(subprocess.Popen(words, env=course.environment, stdout=log,
                                                  stderr=log, stdin=subprocess.DEVNULL))
            time.sleep(2)
        yield
    finally:
        for process in processes[::-1]:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
            process.wait()


def by_slurm(course):
    """Grade by Slurm."""
    def working():
        lines = call("ps", "-eo", "pid,args").splitlines()
        return [int(line.split()[0]) for line in lines
                if re.search(r"tools/lab work %s/\S*batch-\d+\.json" % re.escape(LOGS), line)]

    def cancel():
        found = working()
        if found:
            call("scancel", "--name=rvlab", env=course.environment)
        return len(found)

    def kill():
        return sum(map(killed, working()[:1]))

    with slurm(course):
        course.same("slurm", "slurm", "an array on two nodes")
        course.same("job", "slurm", "a job is killed", kill)
        status, output, _ = course.grade("array", "slurm", cancel)
        course.tell(status == 1 and "the same command with --resume goes on" in output,
                    "an array is cancelled: that is told", output)
        before = len(re.findall(r"^\[", output, re.M))
        output = course.same("array", "slurm", "the same command goes on")
        left = re.search(r"^(\d+) hand-ins in \d+ batches", output, re.M)
        course.tell(left and int(left.group(1)) < before, "and grades only what was left", output)


def main():
    parser = argparse.ArgumentParser(description="Grade a course on hosts that are played here.")
    parser.add_argument("ways", nargs="*", metavar="WAY", help="ssh, slurm; both without it")
    parser.add_argument("--hosts", type=int, default=3, help="so many for ssh; %(default)s")
    parser.add_argument("--count", type=int, default=8, help="so many hand-ins; %(default)s")
    parser.add_argument("--exercises", default="5.1,5.2", help="what is graded; %(default)s")
    options = parser.parse_args()
    ways = options.ways or list(NEEDS)
    for way in ways:
        if way not in NEEDS:
            raise ClustersError("%s is neither ssh nor slurm" % way)
        missing = [tool for tool in NEEDS[way] if not shutil.which(tool)]
        if missing or os.getuid() != 0:
            raise ClustersError("%s needs root and %s" % (way, " ".join(missing or NEEDS[way])))
    with scratch.folder("clusters") as folder:
        course = Course(folder, options)
        for way in ways:
            {"ssh": by_ssh, "slurm": by_slurm}[way](course)
    print("%d failed" % course.failed)
    return 1 if course.failed else 0


if __name__ == "__main__":
    sys.exit(cli.run("clusters", main, (ClustersError,)))
