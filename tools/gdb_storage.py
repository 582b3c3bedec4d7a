"""The gdb commands about what is kept: blocks of free memory, open files, the disk.

gdb_commands.py makes commands of these classes; `help blocks` and so on show their texts. What the
kernel keeps in two places is compared, and a difference is told: a list and its count, the map of
the disk and the number of free blocks. A damaged list gets a sentence that names the page.

All is read in a machine that stands: a list that is just being changed by another hart, or by the
function in which gdb has stopped, may look wrong, and is right a moment later.
"""
import gdb

from gdb_base import Command, cpus, process, title
from gdb_values import Problem, elements, listed, struct_at, text, variable, words_at

# Debug information has no macros, so they are repeated: kern/mm/pmm.h, libs/unistd.h, libs/stat.h.
PG_PROPERTY, PAGE = 4, 4096
ACCESS, O_APPEND = ("read", "write", "read and write", "no access"), 0x20
KINDS = {0o10000: "file", 0o20000: "directory", 0o30000: "link", 0o40000: "device",
         0o60000: "pipe"}
SHOWN = 6                       # blocks, or runs of them, that a line shows
MAP_BITS = 8 * PAGE             # of a block of the disk's map


def many(count, what):
    return "%d %s%s" % (count, what, "s" * (count != 1))


def shown(words):
    """Some of the words, and how many more there are."""
    more = len(words) - SHOWN
    return " ".join(words[:SHOWN]) + " and %d more" % more * (more > 0)


class Blocks(Command):
    """blocks [LIST]: the free blocks of the page allocator that is in use, list by list.

Each block is shown by the physical address of its first page, `+` how many pages it has if that
does not follow from the list: a buddy allocator's list k has blocks of 2^k pages. With LIST, a
number, all blocks of that list are shown. A page that is in a list but is no head of a free block,
and a sum that is not the allocator's own count, are told. Two kinds of free pages are in no list:
those in the harts' caches, and those that pmm.c gives to the allocator when it needs more."""

    def run(self, number=None):
        manager = variable("pmm_manager", "kern/mm/pmm.c")
        if not int(manager):
            raise Problem("there is no allocator yet")
        lists = int(manager["list_count"]) if int(manager["free_lists"]) else 0
        if not lists:
            raise Problem("the allocator %s does not say where its free blocks are" % text(
                manager["name"]))
        if number is not None and not (number.isdigit() and int(number) < lists):
            raise Problem("%s is no list; %s has %s, from 0 on" % (
                number, text(manager["name"]), many(lists, "list")))
        print("allocator %s, %s" % (text(manager["name"]), many(lists, "list")))
        total, wrong = 0, []
        for index in range(lists):
            blocks = self.blocks(manager["free_lists"][index], index if lists > 1 else None, wrong)
            total += sum(size for _, size in blocks)
            if number is None and blocks or number == str(index):
                self.show(index, blocks, lists > 1, number is not None)
        for line in wrong:
            print("  wrong: " + line)
        count = int(manager["free_count"].dereference())
        print("  %s in all lists%s" % (many(total, "page"), "" if total == count else
                                       ", but the allocator counts %d" % count))
        print("  %s not given to it yet" % many(int(variable("later_pages")), "page"))
        for cpu in cpus():
            cache = cpu["page_cache"].dereference()
            print("  hart %d keeps %s of its own, %d of them zeroed" % (
                int(cpu["id"]), many(int(cache["count"]), "free page"), int(cache["zeroed"])))

    def blocks(self, head, order, wrong):
        """[(physical address, pages)] of one list, in its order. What is no head is `wrong`."""
        found, pages, base = [], variable("pages"), int(variable("pages_base"))
        size = pages.dereference().type.sizeof
        try:
            for page in listed(head, "Page", "page_link"):
                at = base + (int(page.address) - int(pages)) // size * PAGE
                value = int(page["property"])
                if int(page["flags"]) & ~3 != PG_PROPERTY:
                    wrong.append("page %#x, block %d of its list, has the flags %#x: it is no head "
                                 "of a free block" % (at, len(found), int(page["flags"])))
                elif order is not None and value != order:
                    wrong.append("page %#x is in list %d, but its property is %d" % (
                        at, order, value))
                found.append((at, value if order is None else 1 << order))
        except (Problem, gdb.MemoryError):
            wrong.append("the list is damaged behind %s" % (
                "page %#x, block %d of it" % (found[-1][0], len(found) - 1) if found
                else "its head"))
        return found

    def show(self, index, blocks, by_order, every):
        """The line of one list, or all its blocks."""
        words = ["%#x%s" % (at, "" if by_order else "+%d" % size) for at, size in blocks]
        print("  list %d%s: %s%s" % (
            index, " (%s each)" % many(1 << index, "page") if by_order else "",
            many(len(blocks), "block"), "" if every or not blocks else ": " + shown(words)))
        for start in range(0, len(words) if every else 0, SHOWN):
            print("    " + " ".join(words[start:start + SHOWN]))


class Files(Command):
    """files [PID]: the open descriptors of a process, or of the one that runs on this hart.

A descriptor points to a `struct file`, which has the position, and descriptors made by dup and fork
share it: uses counts them. That one points to an inode. A process that has opened nothing has the
constant table of the console, which all such processes share and nobody counts."""

    def run(self, pid=None):
        proc = process(pid)
        table = proc["files"]
        if int(table):
            files = elements(table["fd_array"])
            print("descriptors of %s: %d in use, the table has %s" % (
                title(proc), int(table["files_count"]), many(int(table["refs"]), "user")))
            if int(table["pwd"]):
                print("  current directory: %s" % self.node(table["pwd"]))
        else:
            files = [file.address for file in elements(variable("constant_files"))]
            print("descriptors of %s: the constant table" % title(proc))
        used = [(fd, file) for fd, file in enumerate(files) if int(file)]
        for fd, file in used:
            same = [str(other) for other, each in used if int(each) == int(file) and other != fd]
            flags, uses = int(file["flags"]), int(file["refs"])
            print("  %2d  %-14s %s%s%s%s" % (
                fd, ACCESS[flags & 3], self.node(file["node"]),
                ", position %d" % int(file["pos"]) if self.kind(file["node"]) == "file" else "",
                ", at the end" if flags & O_APPEND else "",
                (", uses %d" % uses if uses else "")
                + (", the same as " + shown(same) if same else "")))
        if int(table) and int(table["files_count"]) != len(used):
            print("  wrong: files_count is %d, and %d are open" % (
                int(table["files_count"]), len(used)))

    def kind(self, node):
        return KINDS.get(int(node["type"]), "type %#o" % int(node["type"]))

    def node(self, node):
        """An inode in words."""
        words, operations = self.kind(node), gdb.execute(
            "info symbol %#x" % int(node["in_ops"]), to_string=True).split(" ")[0]
        if not int(node["in_fs"]):
            name = operations.replace("_ops", "")
            return words if name == words else "%s %s" % (words, name)
        return "%s, inode %d of %s, %s" % (words, int(node["ino"]), text(node["in_fs"]["name"]),
                                           many(int(node["refs"]), "reference"))


class Disk(Command):
    """disk: the disk that is mounted: its parts, the map of free blocks, the state of the journal.

Blocks have 4 KiB. Of the map only what is in the block cache can be read, which the kernel reads as
it needs it. A transaction is over when its changes are in the journal; `changed` lists the blocks
that are changed and not yet home."""
    most = 0

    def run(self):
        root = variable("root_fs", "kern/fs/mount.c")
        if text(root["name"]) != "sfs":
            raise Problem("no disk is mounted: the root is the file system \"%s\"" % text(
                root["name"]))
        sfs = struct_at(int(root), "sfs_fs")
        self.parts(sfs, sfs["super"])
        self.map(sfs)
        self.journal(sfs)

    def parts(self, sfs, head):
        """The superblock, and where each part lies."""
        device = variable("disk", "kern/fs/cache.c")
        print("%s: %s, sfs version %d, \"%s\"%s" % (
            text(device["name"]), many(int(head["blocks"]), "block"), int(head["version"]),
            text(head["info"]), "" if int(sfs["writable"]) else ", read-only"))
        for name, first, count in self.ranges(sfs):
            if count:
                print("  %-10s %7d-%-7d %s" % (name, first, first + count - 1,
                                               many(count, "block")))
        print("  %s; %d of them in memory; the list of orphans %s" % (
            many(int(head["inodes"]) - 1, "inode"), int(sfs["loaded"]),
            "begins with inode %d" % int(head["orphan"]) if int(head["orphan"]) else "is empty"))

    def ranges(self, sfs):
        """(name, first block, how many) of each part of the disk."""
        head = sfs["super"]
        yield "superblock", 0, 1
        for name in ("journal", "map", "table"):
            yield name, int(head[name + "_start"]), int(head[name + "_blocks"])
        yield "data", int(sfs["data_start"]), int(sfs["data_end"]) - int(sfs["data_start"])
        yield "swap", int(head["swap_start"]), int(head["swap_blocks"])

    def cached(self, block):
        """The words of a block that is in the cache, or None."""
        buckets = variable("buckets", "kern/fs/cache.c")
        entry, steps = buckets[block & int(variable("bucket_mask"))], 0
        while int(entry) and int(entry["block"]) != block:
            entry, steps = entry["hash_next"], steps + 1
            if steps > PAGE:
                raise Problem("the block cache is damaged: a chain of it has no end")
        return list(map(int, words_at(int(entry["data"])))) \
            if int(entry) and int(entry["ready"]) else None

    def map(self, sfs):
        """Which blocks are free: runs of them, and how many."""
        first, last, free, known = int(sfs["data_start"]), int(sfs["data_end"]), 0, True
        print("map of free blocks, from block %d on" % int(sfs["super"]["map_start"]))
        for index in range(int(sfs["super"]["map_blocks"])):
            start, end = max(first, index * MAP_BITS), min(last, (index + 1) * MAP_BITS)
            words = self.cached(int(sfs["super"]["map_start"]) + index) if start < end else None
            if start < end and words is None:
                print("  blocks %d-%d: this part is not in memory" % (start, end - 1))
                known = False
            elif start < end:
                runs = self.runs(words, start, end, index * MAP_BITS)
                count = sum(right - left + 1 for left, right in runs)
                free += count
                print("  blocks %d-%d: %d free%s%s" % (start, end - 1, count, ": " * bool(runs),
                                                       shown(["%d-%d" % run for run in runs])))
        counted = int(sfs["free_blocks"])
        print("  the kernel counts %d free%s" % (
            counted, ", but the map has %d" % free if known and free != counted else ""))

    def runs(self, words, start, end, base):
        """[(first, last)] of the free blocks that one block of the map tells."""
        found = []
        for block in range(start, end):
            at = block - base
            if not words[at // 64] >> at % 64 & 1:
                continue
            if found and found[-1][1] == block - 1:
                found[-1] = (found[-1][0], block)
            else:
                found.append((block, block))
        return found

    def journal(self, sfs):
        journal = variable("journal", "kern/fs/journal.c")
        if not int(journal["device"]):
            print("journal: closed")
            return
        states = [words for name, words in (
            ("committing", "a transaction is being written"), ("broken", "a write has failed"),
            ("hurry", "memory is short"), ("touched", "a mapped file may have changed"))
            if int(journal[name])]
        print("journal%s: %d of %s changed, %d reserved by %s; %s over%s" % (
            ", without a log" if int(journal["off"]) else "", int(journal["logged"]),
            many(int(journal["room"]), "block"), int(journal["reserved"]),
            many(int(journal["members"]), "member"), many(int(journal["commits"]), "transaction"),
            "".join("; " + words for words in states)))
        changed = [int(block["block"]) for block in listed(
            journal["changed"], "cached_block", "log_link")]
        parts = list(self.ranges(sfs))
        for name, first, count in parts:
            inside = [str(block) for block in changed if first <= block < first + count]
            if inside:
                print("  changed in %s: %s" % (name, shown(inside)))
        if len(changed) != int(journal["logged"]):
            print("  wrong: the list has %s" % many(len(changed), "block"))
