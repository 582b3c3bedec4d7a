"""A story in the trace format of Chrome, which https://ui.perfetto.dev opens: JSON.

Each hart is a thread of a process "harts". Each process of the kernel is a process with its own
pid, and has two threads: "state", and "calls" for system calls, faults and other traps. Arrows lead
from who wakes to who is woken. Times are in microseconds of the guest, as the format wants it.

Begins and ends are balanced in each thread, and the file is in order of time: a reader needs no
more than one pass. What stands in no event, such as how many were lost, is in "otherData".
"""
import json

HARTS = 1 << 20                 # the pid of the harts: MAX_PID of the kernel, so no process has it
CALLS = 1 << 21                 # is added to a pid: the thread of calls


def nested(slices):
    """The begins and ends of slices of one track, in an order in which they lie in one another: an
    end is never beyond the end of what it lies in."""
    stack = []
    for piece in sorted(slices, key=lambda piece: (piece.start, -piece.end)):
        while stack and stack[-1] <= piece.start:
            yield "E", stack.pop(), None
        stack.append(min([piece.end] + stack[-1:]))
        yield "B", piece.start, piece
    while stack:
        yield "E", stack.pop(), None


class Writer:
    """It collects the events of a file."""

    def __init__(self):
        self.heads, self.events, self.flows = [], [], 0

    def name(self, pid, tid, process, thread, order):
        """What a process and a thread of it are called."""
        for what, args in (("process_name", {"name": process}),
                           ("process_sort_index", {"sort_index": order}),
                           ("thread_name", {"name": thread})):
            self.heads.append({"ph": "M", "ts": 0, "pid": pid, "tid": tid, "name": what,
                               "args": args})

    def event(self, phase, time, pid, tid, **more):
        self.events.append(dict({"ph": phase, "ts": time / 1000, "pid": pid, "tid": tid}, **more))

    def slices(self, pid, tid, slices):
        for phase, time, piece in nested(slices):
            if phase == "E":
                self.event("E", time, pid, tid)
                continue
            name = piece.label if piece.kind in ("running", "runnable", "sleeping") and \
                pid == HARTS else piece.kind + ": " + piece.label
            self.event("B", time, pid, tid, name=name, cat=piece.kind, args=piece.more)

    def marks(self, pid, tid, marks):
        for mark in marks:
            self.event("i", mark.time, pid, tid, name=mark.label, cat=mark.what, s="t")

    def wake(self, wake):
        """An arrow to the state of who is woken. It leaves the hart: there is always a slice."""
        self.flows += 1
        name = {"name": "new process" if wake.new else "wake-up", "cat": "wake", "id": self.flows}
        self.event("s", wake.time, HARTS, HARTS + wake.hart, **name)
        self.event("f", wake.time, wake.target, wake.target, bp="e", **name)


def document(story, about):
    """The file's text; `about` are facts that belong to it, a dict."""
    writer = Writer()
    for row in story.harts.values():
        tid = HARTS + row.number
        writer.name(HARTS, tid, "harts", row.name, 0)
        writer.slices(HARTS, tid, row.states + row.calls)
        writer.marks(HARTS, tid, row.marks)
    for order, row in enumerate(story.tasks.values()):
        pid = row.number
        writer.name(pid, pid, "%d %s" % (pid, row.name), "state", order + 1)
        writer.name(pid, CALLS + pid, "%d %s" % (pid, row.name), "calls", order + 1)
        writer.slices(pid, pid, row.states)
        writer.slices(pid, CALLS + pid, row.calls)
        writer.marks(pid, pid, row.marks)
    for wake in story.wakes:
        writer.wake(wake)
    writer.events.sort(key=lambda event: event["ts"])   # stable: each track keeps its order
    return json.dumps({"displayTimeUnit": "ns", "otherData": about,
                       "traceEvents": writer.heads + writer.events}, indent=0) + "\n"
