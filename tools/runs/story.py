"""The story of a run, made of the events that probes.py has seen: rows, with what lasts in them.

A Row is a hart or a process. Its `states` follow one another; its `calls` may lie in one another,
as a page fault in a system call does; a Mark is a moment. Times are nanoseconds of the guest.

An event is what a breakpoint saw, and says nothing of how long something lasts: that follows from
the events before and behind it. What has no end when the run ends is closed there.
"""
import collections
import os
import re

# What a state is for a picture, in the order of a legend: see rows.py.
RUNNING, RUNNABLE, SLEEPING, ZOMBIE, IDLE, BOOT = (
    "running", "runnable", "sleeping", "zombie", "idle", "boot")
CALL, FAULT, EXCEPTION, INTERRUPT = "system call", "fault", "exception", "interrupt"
EXCEPTIONS = {0: "misaligned instruction", 1: "instruction access", 2: "illegal instruction",
              3: "ebreak", 4: "misaligned load", 5: "load access", 6: "misaligned store",
              7: "store access"}
SHOWN = 4                       # so many sleeps of a row are told one by one

Mark = collections.namedtuple("Mark", "time what label")
Wake = collections.namedtuple("Wake", "time hart source target new")


class Slice:
    """What lasts: from `start` to `end`, which is None as long as it is not over."""

    def __init__(self, start, kind, label, **more):
        self.start, self.end, self.kind, self.label, self.more = start, None, kind, label, more

    @property
    def long(self):
        return self.end - self.start


class Row:
    """A hart or a process: `number` is its own or its pid, `names` those that it had."""

    def __init__(self, number, name):
        self.number, self.names = number, [name]
        self.states, self.calls, self.marks = [], [], []

    @property
    def name(self):
        return " > ".join(self.names)

    def become(self, time, kind, label, **more):
        """It is in another state from now on."""
        self.finish(time)
        self.states.append(Slice(time, kind, label, **more))

    def finish(self, time):
        if self.states and self.states[-1].end is None:
            self.states[-1].end = time

    def called(self, name):
        """Is this another name than before? Then it is noted."""
        if name == self.names[-1]:
            return False
        self.names.append(name)
        return True


def system_calls(root):
    """{number: name} of the system calls, as libs/unistd.h has them."""
    with open(os.path.join(root, "libs", "unistd.h"), encoding="utf-8") as file:
        return {int(number): name for name, number in re.findall(
            r"^#define SYS_(\w+)\s+(\d+)", file.read(), re.M)}


class Story:
    """harts, tasks   {number or pid: Row}
    wakes          what was woken, by whom
    events         how many there were
    start, end     of all of it
    first          when the first process was there
    """

    def __init__(self, names):
        self.names, self.harts, self.tasks, self.wakes = names, {}, {}, []
        self.events, self.start, self.end, self.first = 0, 0, 0, None
        self.open = collections.defaultdict(list)       # {task or hart: slices that last}

    # -- rows

    def hart(self, number):
        if number not in self.harts:
            self.harts[number] = Row(number, "hart %d" % number)
            self.harts[number].become(0, BOOT, "boot")
        return self.harts[number]

    def task(self, task, time):
        if task.pid not in self.tasks:
            self.tasks[task.pid] = Row(task.pid, task.name)
            self.first = time if self.first is None else self.first
        return self.tasks[task.pid]

    def who(self, event):
        """For whom something lasts: the process, or the hart that has none or is idle."""
        real = event.task and not event.task.idle
        return event.task.pid if real else ("hart", event.hart)

    # -- events

    def add(self, event):
        self.events += 1
        self.end = max(self.end, event.time)
        self.hart(event.hart)
        getattr(self, "on_" + event.kind)(event, event.data)

    def on_switch(self, event, data):
        """One task leaves the hart, another one comes."""
        before, after = data["from"], data["to"]
        lasting = self.open[self.who(event._replace(task=before))]
        if lasting and lasting[-1].kind == INTERRUPT:   # the handler is done, and others may run
            self.end_one(event, lasting.pop())
        if before and not before.idle:
            row = self.task(before, event.time)
            if data["state"] == "SLEEPING":
                row.become(event.time, SLEEPING, data["why"] or "it does not say for what",
                           outside=data["outside"])
            elif data["state"] == "ZOMBIE":
                self.close(before.pid, event.time)
                row.become(event.time, ZOMBIE, "ended")
            else:
                row.become(event.time, RUNNABLE, "gave up the hart")
        hart = self.hart(event.hart)
        if not after or after.idle:
            hart.become(event.time, IDLE, "idle")
            return
        row = self.task(after, event.time)
        self.runs(event.hart, after, event.time)
        row.become(event.time, RUNNING, "on hart %d" % event.hart, hart=event.hart)

    def runs(self, number, task, time):
        """A task is on a hart from now on."""
        self.hart(number).become(time, RUNNING, "%s (%d)" % (task.name, task.pid), pid=task.pid)

    def on_wake(self, event, data):
        """A task can run again, or for the first time."""
        if not data["awakes"] or data["task"].idle:
            return
        row = self.task(data["task"], event.time)
        top = self.open[self.who(event)]
        source = "the %s interrupt" % top[-1].label if top and top[-1].kind == INTERRUPT else \
            "%s (%d)" % (event.task.name, event.task.pid) if event.task else "the boot"
        row.become(event.time, RUNNABLE, ("made by " if data["new"] else "woken by ") + source)
        if data["new"]:
            row.marks.append(Mark(event.time, "new", "made by " + source))
        known = event.task.pid if event.task and not event.task.idle else None
        self.wakes.append(Wake(event.time, event.hart, known, row.number, data["new"]))

    def begin(self, event, kind, label, **more):
        self.open[self.who(event)].append(Slice(event.time, kind, label, **more))

    def on_call(self, event, data):
        number = data["number"]
        self.begin(event, CALL, self.names.get(number, "call %d" % number), number=number,
                   arguments=", ".join("%#x" % word if word > 9 else str(word)
                                       for word in data["args"]))

    def on_interrupt(self, event, data):
        self.begin(event, INTERRUPT, data["what"], kernel=data["kernel"])

    def on_fault(self, event, data):
        self.begin(event, FAULT, data["what"], kernel=data["kernel"], access=data["access"],
                   address="%#x" % data["address"], pc="%#x" % data["pc"])

    def on_exception(self, event, data):
        self.begin(event, EXCEPTION, EXCEPTIONS.get(data["cause"], "cause %d" % data["cause"]),
                   kernel=data["kernel"], pc="%#x" % data["pc"])

    def on_leave(self, event, data):
        """A trap or call is over. To a program: then all are over that the process was in. A call
        that does not come back behind its ecall was an exec, or the child's side of a fork."""
        who = self.who(event)
        lasting = self.open[who]
        if data["kernel"]:
            if lasting and lasting[-1].more.get("kernel"):
                self.end_one(event, lasting.pop())
            return
        if lasting and not data["short"]:
            self.task(event.task, event.time).marks.append(
                Mark(event.time, "exec", "runs %s" % event.task.name))
        if lasting and lasting[0].kind == CALL and data["short"]:
            lasting[0].more["result"] = data["result"]
        while lasting:
            self.end_one(event, lasting.pop())
        if who == (event.task and event.task.pid) \
                and self.task(event.task, event.time).called(event.task.name):
            self.runs(event.hart, event.task, event.time)

    def end_one(self, event, piece):
        """Something is over: an interrupt is the hart's, all else the process's."""
        piece.end = event.time
        who = self.who(event)
        row = self.hart(event.hart) if piece.kind == INTERRUPT or isinstance(who, tuple) \
            else self.task(event.task, event.time)
        row.calls.append(piece)

    def on_exit(self, event, data):
        self.task(event.task, event.time).marks.append(
            Mark(event.time, "exit", "exit(%d)" % data["code"]))

    def on_panic(self, event, data):
        what = "not written yet" if data["what"] == "not_written_at" else "panic"
        mark = Mark(event.time, "panic", "%s in %s" % (what, data["place"]))
        self.hart(event.hart).marks.append(mark)
        if event.task and not event.task.idle:
            self.task(event.task, event.time).marks.append(mark)

    def on_off(self, event, data):
        self.hart(event.hart).marks.append(
            Mark(event.time, "off", "power_off(%d)" % data["code"]))

    def on_unknown(self, event, data):
        self.hart(event.hart).marks.append(
            Mark(event.time, "damage", "%s: %s" % (data["what"], data["why"])))

    # -- the end

    def close(self, who, time):
        """What this one was in does not come back."""
        for piece in self.open.pop(who, ()):
            piece.end, piece.more["open"] = time, True
            hart = who[1] if isinstance(who, tuple) else None
            row = self.harts[hart] if hart is not None else self.tasks[who]
            row.calls.append(piece)

    def finish(self):
        """There are no more events."""
        for who in list(self.open):
            if not isinstance(who, tuple) or who[1] in self.harts:
                self.close(who, self.end)
        for row in list(self.harts.values()) + list(self.tasks.values()):
            row.finish(self.end)
            row.calls.sort(key=lambda piece: (piece.start, -piece.end))
        self.start = self.first if self.first is not None else 0
        return self

    def words(self):
        """The story in a few sentences, for who cannot see the picture."""
        lines = ["%d hart%s, %d processes, from %s to %s of guest time." % (
            len(self.harts), "s" * (len(self.harts) != 1), len(self.tasks),
            clock(self.start), clock(self.end))]
        for row in self.tasks.values():
            calls, faults = (collections.Counter(piece.label for piece in row.calls
                                                 if piece.kind == kind) for kind in (CALL, FAULT))
            lines.append("Process %d, %s: ran %s%s%s%s%s." % (
                row.number, row.name,
                clock(sum(piece.long for piece in row.states if piece.kind == RUNNING)),
                self.sleeps([piece for piece in row.states if piece.kind == SLEEPING]),
                "; calls: " * bool(calls) + counted(calls),
                "; page faults: " * bool(faults) + counted(faults),
                "".join("; " + mark.label for mark in row.marks)))
        for row in self.harts.values():
            lines += ["%s: %s." % (row.name, mark.label) for mark in row.marks]
        return lines

    @staticmethod
    def sleeps(pieces):
        """For what it slept: one by one, or if there are many, by reason."""
        if len(pieces) <= SHOWN:
            return "".join("; slept %s waiting for %s" % (clock(piece.long), piece.label)
                           for piece in pieces)
        return "; slept %d times, %s, waiting for: %s" % (
            len(pieces), clock(sum(piece.long for piece in pieces)),
            counted(collections.Counter(piece.label for piece in pieces)))


def counted(counter):
    return ", ".join("%s %d" % pair if pair[1] > 1 else pair[0] for pair in counter.items())


def clock(ns):
    """A time in words: 3 digits and a unit."""
    for unit, size in (("s", 10 ** 9), ("ms", 10 ** 6), ("us", 10 ** 3)):
        if ns >= size:
            return "%.4g %s" % (ns / size, unit)
    return "%d ns" % ns
