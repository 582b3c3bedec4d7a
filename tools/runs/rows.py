"""A story as a picture: a row for each hart and each process, time from left to right.

Where nothing happens for long the axis is cut: a grey band says for how long. In a row of a process
the upper lane is its state, the lower one has its system calls and faults. Arrows lead from who
wakes, or from the hart on which it happens, to who is woken.

Each part has a title, which a browser shows under the pointer: what, how long, since when. Times
count from the first process on; the boot before it is only in the file for Perfetto.
"""
from runs.probes import UNKNOWN
from runs.sheet import Sheet, cut, long
from runs.story import (BOOT, CALL, FAULT, IDLE, INTERRUPT, RUNNABLE, RUNNING, SLEEPING, ZOMBIE,
                        clock)

LEFT, RIGHT, TOP = 170, 24, 138
HART, STATE, CALLS, GAP = 30, 22, 17, 12        # heights; GAP lies between rows
LEAST, MOST, EACH = 1000, 8000, 8               # width of the time; of one event
TICK = 110                                      # points between two times of the axis
SHARE = 8                                       # a stretch without events has 1/SHARE at most
TINY = 0.7                                      # points; what is shorter is drawn with its like
ROWS = 60                                       # processes that are drawn


class Axis:
    """From times to points. A stretch between two moments takes as much as it lasts, but not more
    than a share of the whole; where it would, the axis is cut."""

    def __init__(self, moments, left, width):
        self.times = sorted(set(moments))
        gaps = [b - a for a, b in zip(self.times, self.times[1:])] or [1]
        shares = min(SHARE, len(gaps) / 2 + 1)
        most = sum(gaps)
        for _ in range(60):
            most = sum(min(gap, most) for gap in gaps) / shares
        scale = width / max(1, sum(min(gap, most) for gap in gaps))
        self.points, self.cuts = [left], []
        for start, gap in zip(self.times, gaps):
            self.points.append(self.points[-1] + min(gap, most) * scale)
            if gap > 2 * most:
                self.cuts.append((self.points[-2], self.points[-1], gap))
        self.scale = scale

    def at(self, time):
        """The point of a time. All times that matter are moments; others lie between two."""
        low, high = 0, len(self.times) - 1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.times[middle] <= time else (low, middle)
        if low == high or time <= self.times[low]:
            return self.points[low]
        part = min(1, (time - self.times[low]) / (self.times[high] - self.times[low]))
        return self.points[low] + part * (self.points[high] - self.points[low])

    def time(self, point):
        """The time at a point."""
        for i, right in enumerate(self.points[1:]):
            if point <= right:
                part = (point - self.points[i]) / max(right - self.points[i], 1e-9)
                return self.times[i] + part * (self.times[i + 1] - self.times[i])
        return self.times[-1]


class Picture:
    """The drawing of one story."""

    def __init__(self, story, title, notes):
        self.story, self.notes = story, notes
        self.tasks = list(story.tasks.values())[:ROWS]
        moments = [story.start, story.end]
        for row in list(story.harts.values()) + self.tasks:
            moments += [time for piece in row.states + row.calls
                        for time in (piece.start, piece.end)] + [mark.time for mark in row.marks]
        moments = [time for time in moments if story.start <= time <= story.end]
        width = min(MOST, max(LEAST, EACH * len(set(moments))))
        self.axis = Axis(moments, LEFT, width)
        self.right = LEFT + width
        self.feet = TOP + 24 + len(story.harts) * (HART + GAP) + 30 + \
            len(self.tasks) * (STATE + CALLS + GAP)
        self.sheet = Sheet(self.right + RIGHT, self.feet + 22 * len(self.hidden()) + 16, title,
                           story.words() + notes)

    def hidden(self):
        """What is said below the rows."""
        more = len(self.story.tasks) - len(self.tasks)
        return ["%d more processes are only in the trace for Perfetto" % more] if more else []

    def x(self, time):
        return self.axis.at(max(time, self.story.start))

    def draw(self):
        sheet = self.sheet
        sheet.text(16, 30, sheet.title, "big")
        for number, note in enumerate(self.notes):
            sheet.text(16, 50 + 16 * number, note, "soft")
        self.legend(16, 76)
        self.draw_axis()
        y, self.lanes = TOP + 24, {}
        sheet.text(16, y - 8, "Harts", "bold")
        for row in self.story.harts.values():
            self.lanes["hart", row.number] = y
            self.hart(row, y)
            y += HART + GAP
        y += 30
        sheet.text(16, y - 8, "Processes", "bold")
        for row in self.tasks:
            self.lanes[row.number] = y
            self.task(row, y)
            y += STATE + CALLS + GAP
        for wake in self.story.wakes:
            self.wake(wake)
        for number, words in enumerate(self.hidden()):
            sheet.text(16, y + 14 + 22 * number, words, "soft")
        return sheet.svg()

    def legend(self, x, y):
        """What the shapes mean."""
        for kind, words in ((RUNNING, "runs"), (RUNNABLE, "could run"), (SLEEPING, "sleeps, for"),
                            (ZOMBIE, "has ended"), (CALL, "system call"), (FAULT, "page fault"),
                            (INTERRUPT, "interrupt"), ("wake", "wakes"), ("exec", "exec, exit"),
                            ("cut", "axis shortened")):
            self.sample(kind, x, y)
            self.sheet.text(x + 32, y + 13, words)
            x += 44 + long(words)

    def sample(self, kind, x, y):
        sheet = self.sheet
        if kind in (RUNNING, RUNNABLE, SLEEPING, ZOMBIE):
            self.state(kind, x, x + 26, y, "")
        elif kind == INTERRUPT:
            self.interrupt(x + 9, x + 22, y + 12, "")
        elif kind == "wake":
            self.arrow(x + 12, y, y + 18, "")
        elif kind == "exec":
            self.flag(x + 8, y + 18, 16, "edge", "")
        elif kind == "cut":
            sheet.box(x, y, 26, 18, "panel")
            sheet.line([(x + 8, y + 18), (x + 18, y)], "edge dashed")
        else:
            self.call_box(kind, x, 26, y + 2)

    def draw_axis(self):
        """Times, and where the axis is cut."""
        sheet, feet = self.sheet, self.feet - GAP + 4
        for left, right, gap in self.axis.cuts:
            sheet.box(left, TOP - 14, right - left, feet - TOP + 14, "panel",
                      "nothing happens for " + clock(gap), 0)
            sheet.text((left + right) / 2, TOP - 18, cut("~ " + clock(gap), right - left + 30, 10),
                       "soft small", "middle")
        for number in range(int((self.right - LEFT) / TICK) + 1):
            x = LEFT + number * TICK
            if any(left < x < right for left, right, _ in self.axis.cuts):
                continue
            sheet.line([(x, TOP), (x, feet)], "grid")
            sheet.text(x, TOP - 2, "+" + clock(self.axis.time(x) - self.story.start), "soft small",
                       "middle" if number else "start")

    # -- rows

    def seen(self, pieces):
        """Slices as (left, right, slice): in the picture. Tiny ones of one kind that touch are one;
        then the number of them comes instead of the slice."""
        found = []
        for piece in pieces:
            if piece.end < self.story.start:
                continue
            left, right = self.x(piece.start), self.x(piece.end)
            if found and right - left < TINY and left - found[-1][1] < TINY \
                    and found[-1][1] - found[-1][0] < TINY and found[-1][2].kind == piece.kind:
                found[-1] = (found[-1][0], right, piece)
                continue
            found.append((left, right, piece))
        return found

    def hart(self, row, y):
        sheet = self.sheet
        sheet.text(16, y + 19, row.name)
        sheet.line([(LEFT, y + HART), (self.right, y + HART)], "grid")
        for left, right, piece in self.seen(row.states):
            hint = "%s on %s, %s" % (piece.label, row.name, clock(piece.long))
            if piece.kind in (IDLE, BOOT):
                sheet.line([(left, y + 18), (right, y + 18)], "edge thin dashed", hint)
            else:
                sheet.box(left, y + 6, right - left, HART - 6,
                          ("blue", "green", "lilac")[piece.more["pid"] % 3] + " thin", hint)
            words = cut(piece.label, right - left - 4)
            sheet.text(left + 3, y + (14 if piece.kind in (IDLE, BOOT) else 22), words,
                       "soft" if piece.kind in (IDLE, BOOT) else "")
        for left, right, piece in self.seen(row.calls):
            self.interrupt(left, right, y + 6, "%s interrupt, %s, at %s" % (
                piece.label, clock(piece.long), self.when(piece.start)))
        self.marks(row, y + HART, HART - 2)

    def when(self, time):
        return "+" + clock(time - self.story.start)

    def interrupt(self, left, right, y, hint):
        """A triangle that points down, and a bar for as long as it lasts."""
        self.sheet.shape([(left - 4, y - 7), (left + 4, y - 7), (left, y)], "amber thin", hint)
        if right - left > 1:
            self.sheet.box(left, y, right - left, 4, "amber thin", hint)

    def state(self, kind, left, right, y, hint):
        """One state: a high box, a low one, a dashed line, or a row of points."""
        if kind == RUNNING:
            self.sheet.box(left, y, right - left, STATE - 2, "blue thin", hint)
        elif kind == RUNNABLE:
            self.sheet.box(left, y + 9, right - left, STATE - 11, "amber thin", hint)
        elif kind == SLEEPING:
            self.sheet.line([(left, y + STATE - 5), (right, y + STATE - 5)], "edge dashed", hint)
        else:
            self.sheet.line([(left, y + STATE - 5), (right, y + STATE - 5)], "grid thick", hint)

    def task(self, row, y):
        sheet = self.sheet
        name = row.name if row.number >= UNKNOWN else "%d  %s" % (row.number, row.name)
        sheet.text(16, y + 16, cut(name, LEFT - 22), hint=name)
        sheet.line([(LEFT, y + STATE + CALLS + 3), (self.right, y + STATE + CALLS + 3)], "grid")
        for left, right, piece in self.seen(row.states):
            why = "%s: %s" % (piece.kind, piece.label)
            self.state(piece.kind, left, right, y, "%s, %s, from %s" % (
                why, clock(piece.long), self.when(piece.start)))
            words = "for " + piece.label if piece.kind == SLEEPING else piece.label
            if piece.kind in (SLEEPING, RUNNING):
                sheet.text(left + 3, y + 14, cut(words, right - left - 4, 10), "small" + (
                    " soft" if piece.kind == SLEEPING else ""))
        for left, right, piece in self.seen(row.calls):
            self.call(left, right, piece, y + STATE)
        self.marks(row, y + STATE, STATE + 6)

    def call_box(self, kind, left, width, y, hint=""):
        """A system call is a white box; a fault or exception is a red one with a point below."""
        if kind == CALL:
            self.sheet.box(left, y, width, CALLS - 4, "none thin", hint, 5)
            return
        self.sheet.box(left, y, width, CALLS - 4, "rose thin", hint, 0)
        self.sheet.shape([(left - 2.5, y + CALLS), (left + 2.5, y + CALLS), (left, y + CALLS - 5)],
                         "warn", hint)

    def call(self, left, right, piece, y):
        hint = "%s: %s" % (piece.kind, piece.label)
        if piece.kind == CALL:
            hint = "%s(%s)%s" % (piece.label, piece.more["arguments"], " = %d" % piece.more[
                "result"] if "result" in piece.more else ", which does not come back")
        elif "address" in piece.more:
            hint += ", %(access)s at %(address)s, pc %(pc)s" % piece.more
        self.call_box(piece.kind, left, right - left, y,
                      "%s, %s, from %s" % (hint, clock(piece.long), self.when(piece.start)))
        self.sheet.text(left + 3, y + 10, cut(piece.label, right - left - 3, 10), "small")

    def flag(self, x, y, high, kind, hint):
        self.sheet.line([(x, y), (x, y - high)], kind, hint)
        self.sheet.shape([(x, y - high), (x + 7, y - high + 3.5), (x, y - high + 7)],
                         "warn" if "red" in kind else "tip", hint)

    def marks(self, row, y, high):
        """Moments: a flag of this height, with words where there is room."""
        for mark in row.marks:
            bad = mark.what in ("panic", "damage")
            if mark.what == "new" or mark.time < self.story.start:
                continue
            x = self.x(mark.time)
            self.flag(x, y, high, "edge red" if bad else "edge",
                      "%s at %s" % (mark.label, self.when(mark.time)))
            if bad or mark.what in ("exit", "off"):
                fits = x + 10 + long(mark.label, 10) < self.right
                self.sheet.text(x + 10 if fits else x - 4, y - high + 8 * fits - 2, mark.label,
                                "small red bold" if bad else "small bold",
                                "start" if fits else "end")

    def arrow(self, x, y, target, hint):
        down = 5 if target > y else -5
        self.sheet.line([(x, y), (x, target - down)], "edge thin", hint)
        self.sheet.shape([(x - 3, target - down), (x + 3, target - down), (x, target)], "tip", hint)

    def wake(self, wake):
        """From who wakes, or else its hart, to who is woken."""
        if wake.target not in self.lanes or wake.time < self.story.start:
            return
        source = self.lanes.get(wake.source, self.lanes["hart", wake.hart])
        target, x = self.lanes[wake.target], self.x(wake.time)
        if target > source:
            source += HART if wake.source not in self.lanes else STATE
        else:
            target += STATE
        self.arrow(x, source, target, "%s %d at %s" % (
            "makes process" if wake.new else "wakes", wake.target, self.when(wake.time)))


def picture(story, title, notes):
    """The SVG file of a story; `notes` are a line or two below the title."""
    return Picture(story, title, notes).draw()
