"""The address space of a process, as it is in the memory of a stopped machine.

    spaces = Spaces(memory)
    space = spaces.of(pid)          # None: it has no memory of its own

A Space has the areas, the pages that its page table maps, and the tables. For each page it says
which other processes map the same frame, and how many references the kernel counts. Listing makes
lines of it, which are both the text and what the picture shows.
"""
import collections

from grader.memory import (PAGE, PTE_COW, PTE_R, PTE_W, PTE_X, USER_HALF, pte_frame)

VM_RIGHTS, VM_STACK, VM_SHARED = ((1, "r"), (2, "w"), (4, "x")), 8, 0x10
MOST = 4096                     # areas of a process, and processes, that are looked at

Area = collections.namedtuple("Area", "start end rights what")
Mapped = collections.namedtuple("Mapped", "va frame size rights cow ref others")
Table = collections.namedtuple("Table", "level index frame used")
# A line: `depth` of its indent; `kind` is head, area, page, table or gap; `mark` says what is new.
Line = collections.namedtuple("Line", "kind depth words mark share")


class Space:
    """pid, name, root, brk, areas, pages, tables"""

    def __init__(self, pid, name, root, brk):
        self.pid, self.name, self.root, self.brk = pid, name, root, brk
        self.areas, self.pages, self.tables = [], [], []


class Spaces:
    """All address spaces at one moment. What the process list has is read at once: a machine that
    goes on changes it."""

    def __init__(self, memory):
        self.memory, self.processes, self.users = memory, {}, collections.defaultdict(list)
        for process in limited(memory.list(memory.variable("proc_list"), "proc_struct",
                                           "list_link")):
            self.processes[int(process.pid)] = process
        seen = collections.defaultdict(list)            # {page table: pids}
        for pid, process in sorted(self.processes.items()):
            if process.mm:
                seen[self.root(process)].append(pid)
        self.leaves = {}
        for root, pids in seen.items():
            self.leaves[root] = self.memory.walk(root, USER_HALF)
            for _, pte, level in self.leaves[root][0]:
                for pid in pids:
                    self.users[pte_frame(pte), level].append(pid)

    def root(self, process):
        return int(getattr(process.mm, "as").pgdir) - self.memory.image.offset

    def of(self, pid):
        """The Space of a process, or None."""
        process = self.processes.get(pid)
        if process is None or not process.mm:
            return None
        mm, root = process.mm, self.root(process)
        space = Space(pid, process.name.text(), root, (int(mm.brk_start), int(mm.brk)))
        for area in limited(self.memory.list(mm.mmap_list, "vma_struct", "list_link")):
            space.areas.append(self.area(area, space.brk[0]))
        for va, pte, level in sorted(self.leaves[root][0]):
            others = [each for each in self.users[pte_frame(pte), level] if each != pid]
            rights = "".join(letter if pte & bit else "-" for bit, letter in (
                (PTE_R, "r"), (PTE_W, "w"), (PTE_X, "x")))
            space.pages.append(Mapped(va, pte_frame(pte), PAGE << 9 * level, rights,
                                      bool(pte & PTE_COW), self.ref(pte_frame(pte)), others))
        self.read_tables(space, root, 2, 0)
        return space

    def area(self, area, heap):
        flags, start = int(area.vm_flags), int(area.vm_start)
        rights = "".join(letter if flags & bit else "-" for bit, letter in VM_RIGHTS)
        what = "stack" if flags & VM_STACK else "heap" if start == heap else \
            "shared" if flags & VM_SHARED else "file" if area.pager else \
            "program" if start < heap else "mmap"
        return Area(start, int(area.vm_end), rights, what)

    def ref(self, frame):
        """How often the kernel counts this frame as used; None if it does not count it."""
        index = (frame - int(self.memory.variable("pages_base"))) // PAGE
        if not 0 <= index < int(self.memory.variable("npage")):
            return None
        return int(self.memory.variable("pages")[index].ref)

    def read_tables(self, space, frame, level, index):
        """The tables below this one, in order, each after the one that points to it."""
        entries = [self.memory.u64(frame + 8 * n) for n in (USER_HALF if level == 2
                                                            else range(512))]
        used = [(n, pte) for n, pte in enumerate(entries) if pte & 1]
        space.tables.append(Table(level, index, frame, len(used)))
        for n, pte in used:
            if level and not pte & (PTE_R | PTE_W | PTE_X):
                self.read_tables(space, pte_frame(pte), level - 1, n)


def limited(things):
    for number, thing in enumerate(things):
        if number == MOST:
            return
        yield thing


def many(count, what):
    return "%d %s%s" % (count, what, "s" * (count != 1))


class Listing:
    """The lines of a space. `before` is the one that it is compared with, or None."""

    def __init__(self, space, before=None, compare=True):
        self.space, self.compare = space, compare and before is not None
        self.before = {page.va: page for page in before.pages} if before else {}
        self.areas = set(before.areas) if before else set()

    def mark(self, page):
        """What is new of a page: a word, or ""."""
        if not self.compare:
            return ""
        old = self.before.get(page.va)
        if old is None:
            return "NEW"
        if old.frame != page.frame:
            return "OTHER FRAME"
        return "OTHER RIGHTS" if (old.rights, old.cow) != (page.rights, page.cow) else \
            "OTHER SHARING" if old.others != page.others else ""

    @staticmethod
    def share(page):
        """own, shared or cow: how the frame is shared."""
        return "cow" if page.cow else "shared" if page.others or (page.ref or 1) > 1 else "own"

    def lines(self):
        """All lines, from high addresses to low ones, then the page tables."""
        space, found = self.space, []
        found.append(Line("head", 0, "%s, %s mapped, %s" % (
            many(len(space.areas), "area"),
            many(len(space.pages), "page"), many(len(space.tables), "page table")), "", ""))
        rest = list(space.pages)
        for area in reversed(space.areas):
            inside = [page for page in rest if area.start <= page.va < area.end]
            rest = [page for page in rest if page not in inside]
            new = "NEW" if self.compare and area not in self.areas else ""
            found.append(Line("area", 0, "%010x-%010x %s %s" % (
                area.start, area.end, area.rights, area.what), new, ""))
            found += self.runs(inside) or [Line("page", 1, "no page yet", "", "none")]
        if rest:
            found.append(Line("area", 0, "mapped in no area", "", ""))
            found += self.runs(rest)
        found.append(Line("head", 0, "page tables", "", ""))
        for table in space.tables:
            place = "[%d] " % table.index if table.level < 2 else "root, "
            found.append(Line("table", 2 - table.level, "%slevel %d in frame %x: %s used" % (
                place, table.level, table.frame // PAGE,
                "1 entry" if table.used == 1 else "%d entries" % table.used), "", ""))
        return found

    def runs(self, pages):
        """The lines of pages: those that follow one another and are alike are one line."""
        runs = []
        for page in sorted(pages, reverse=True):
            key = (page.rights, page.cow, page.ref, page.others, self.mark(page), page.size)
            if runs and runs[-1][0] == key and runs[-1][1][-1].va == page.va + page.size:
                runs[-1][1].append(page)
            else:
                runs.append((key, [page]))
        return [self.line(key, run) for key, run in runs]

    def line(self, key, run):
        first = run[-1]
        frames = sorted(page.frame // PAGE for page in run)
        where = "%x" % frames[0] if len(run) == 1 else "%x..%x" % (frames[0], frames[-1])
        with_whom = " with " + ", ".join(str(pid) for pid in first.others[:6]) \
            + ", .." * (len(first.others) > 6) if first.others else " with the kernel" \
            * (self.share(first) == "shared")
        share = self.share(first)
        words = {"own": "own", "shared": "shared", "cow": "copy-on-write"}[share]
        return Line("page", 1, "%010x %s %s frame%s %s %s%s%s" % (
            first.va, first.rights, many(len(run), "page"), "s" * (len(run) > 1), where, words,
            with_whom, ", ref %d" % first.ref if first.ref is not None else ""), key[4], share)


def gone(before, after):
    """Words about what is not there any more; "" if nothing is."""
    there = {page.va for page in after.pages} if after else set()
    missing = [page for page in before.pages if page.va not in there] if before else []
    return "%s gone" % many(len(missing), "page") if missing else ""
