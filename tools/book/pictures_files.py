"""The drawings of labs 7 to 9: synchronisation, files on a disk, the journal, paging.

Each function makes one Drawing. Names and numbers of the kernel come from its headers, by Facts, so
that a drawing cannot tell what the kernel does not do any more without a test that fails.
makepictures.py writes them all; words.zh.txt has their words in Chinese.

What a drawing shows its text tells too, in the same order: it is read aloud in place of it.
"""
SFS, MONITOR = "kern/fs/sfs_format.h", "kern/sync/monitor.h"


def columns(sheet, titles, steps, y=56, width=330):
    """Two columns of steps, one below the other in time. A step is (column, words, fill)."""
    for number, title in enumerate(titles):
        sheet.text(60 + number * 360, y - 14, title, kind="bold")
    for column, words, fill in steps:
        height = 14 + 18 * (1 + words.count("\n"))
        sheet.box(60 + column * 360, y, width, height, words, fill)
        y += height + 8
    sheet.arrow((30, 50), (30, y - 6))
    sheet.text(10, 42, "time", kind="soft", size=11)


def wakeup(facts):
    facts.names("kern/sync/wait.h", "wait_sleep")
    sheet = facts.sheet("wakeup", 760, 470, "The lost wake-up, and how a lock closes the gap", """
        Two tasks, side by side, time runs downwards. Without a lock: the left one sees count 0
        and means to sleep; in this gap the right one sets count to 1 and wakes all who sleep,
        which is nobody; then the left one sleeps, for ever. With a lock: the left one takes it,
        sees 0, enters the queue, and letting go of the lock and sleeping are one step; only
        then the right one gets the lock, sets count to 1, finds the left one in the queue and
        wakes it.""")
    columns(sheet, ("waits, without a lock", "brings an item"), (
        (0, "count is 0: I must sleep", "one"),
        (1, "count = 1; wake all: nobody sleeps", "two"),
        (0, "sleeps, for ever: the wake-up is lost", "four")))
    sheet.line((10, 188), (750, 188), kind="dashed")
    y = 230
    sheet.text(60, y - 14, "waits, with a lock", kind="bold")
    sheet.text(420, y - 14, "brings an item", kind="bold")
    for column, words, fill in ((0, "takes the lock; count is 0", "one"),
                                (0, "into the queue; lets go and sleeps:\none step", "one"),
                                (1, "takes the lock; count = 1", "two"),
                                (1, "wakes the one in the queue; lets go", "two"),
                                (0, "awake: takes the lock, looks again", "three")):
        height = 16 + 16 * (1 + words.count("\n"))
        sheet.box(60 + column * 360, y, 330, height, words, fill)
        y += height + 8
    sheet.arrow((30, 216), (30, y - 6))
    return sheet


def monitor(facts):
    facts.names(MONITOR, "cond_wait", "cond_signal", "next", "next_count", "count", "sem")
    sheet = facts.sheet("monitor", 760, 470, "Hoare's monitor: the hand-over", """
        Two tasks, time runs downwards; one of them is inside at each moment. The waiter is
        inside, adds 1 to count, leaves and sleeps on cv.sem. The signaller comes in and makes
        the condition true. It adds 1 to next_count, hands the monitor to the waiter and sleeps
        on next. The waiter is inside: the condition is true, it takes 1 from count. It leaves;
        next_count is above 0, so the monitor goes to the signaller, and not to who waits
        outside. The signaller is inside again, and takes 1 from next_count.""")
    columns(sheet, ("waits: cond_wait()", "signals: cond_signal()"), (
        (0, "INSIDE: count++", "three"),
        (0, "leaves; sleeps on cv.sem", "one"),
        (1, "comes in by mutex: INSIDE", "three"),
        (1, "makes the condition true", "three"),
        (1, "next_count++; hands the monitor over", "two"),
        (1, "sleeps on next", "one"),
        (0, "INSIDE: the condition is true; count--", "three"),
        (0, "leaves: next_count > 0, so hands over\nto next, not to who waits outside", "two"),
        (1, "INSIDE again; next_count--", "three")))
    return sheet


def disk(facts):
    fields = facts.fields(SFS, "sfs_super")
    parts = [name[:-6] for name in fields if name.endswith("_start")]
    assert parts == ["journal", "map", "table", "swap"], parts
    root = facts.number(SFS, "SFS_ROOT")
    sheet = facts.sheet("disk", 760, 220, "How a disk is laid out", """
        From left to right: block 0 is the superblock. Then come, each beginning where the one
        before ends, the journal, which begins at journal_start, the map with a bit for each
        block, from map_start on, the table of inodes, 32 in each block, from table_start on,
        the data of files and directories with their blocks of numbers, and the swap range from
        swap_start to the end. The root directory is inode %d. All places are fields of the
        superblock.""" % root)
    x = 10
    for name, start, width, note, fill in (
            ("super", "block 0", 70, "where\nall lies", "two"),
            ("journal", "journal_start", 130, "what must be\nwhole or not", "one"),
            ("map", "map_start", 110, "1 bit a block:\n1 is free", "three"),
            ("table", "table_start", 120, "inodes of\n128 bytes", "three"),
            ("data", "", 190, "content of files,\ndirectories, numbers", ""),
            ("swap", "swap_start", 120, "pages that\nare out", "four")):
        sheet.box(x, 60, width, 60, name, fill, "bold")
        sheet.text(x + 2, 50, start, kind="code", size=12)
        for number, line in enumerate(note.split("\n")):
            sheet.text(x + 4, 140 + number * 15, line, kind="soft", size=11)
        x += width
    assert "_Static_assert(sizeof(struct sfs_disk_inode) == 128" in facts.text(SFS)
    sheet.text(10, 24, "blocks of 4096 bytes, from the start of the disk to its end", kind="soft")
    sheet.text(10, 205, "Only the swap range may be empty. The map tells what is free.",
               kind="soft")
    return sheet


def blockmap(facts):
    direct = facts.number(SFS, "SFS_NDIRECT")
    facts.names(SFS, "SFS_NPER", "roots", "db_indirect")
    per = 4096 // 4
    assert "#define SFS_NPER            (4096 / 4)" in facts.text(SFS)
    sheet = facts.sheet("blockmap", 760, 420, "The block map: from an index to a block", """
        An inode has %d roots. roots[0] to roots[%d] lead to the data of indexes 0 to %d.
        roots[%d], the indirect block, leads to %d numbers, for indexes %d to %d. roots[%d], the
        double indirect block, leads to %d blocks of %d numbers each, the first for indexes %d
        to %d.""" % (
            direct + 2, direct - 1, direct - 1, direct, per, direct, direct + per - 1, direct + 1,
            per, per, direct + per, direct + 2 * per - 1))
    for number, (name, fill) in enumerate((
            ("roots[0]", "one"), ("...", ""), ("roots[%d]" % (direct - 1), "one"),
            ("roots[%d]" % direct, "two"), ("roots[%d]" % (direct + 1), "three"))):
        sheet.box(10, 50 + number * 34, 130, 34, name, fill, "code")
    sheet.text(10, 40, "inode", kind="bold")
    data, first = 560, direct + per
    for y, text in ((54, "data of index 0"), (122, "data of index %d" % (direct - 1))):
        sheet.arrow((140, y + 13), (data, y + 13))
        sheet.box(data, y, 190, 26, text)
    sheet.arrow((140, 169), (200, 169))
    sheet.box(200, 156, 130, 30, "[0]", "two", "code")
    sheet.box(200, 186, 130, 30, "[%d]" % (per - 1), "two", "code")
    for y, index in ((158, direct), (190, direct + per - 1)):
        sheet.arrow((330, y + 13), (data, y + 13))
        sheet.box(data, y, 190, 26, "data of index %d" % index)
    sheet.text(200, 234, "indirect: %d numbers" % per, kind="soft", size=11)
    sheet.arrow((140, 203), (165, 203), (165, 275), (200, 275))
    sheet.box(200, 260, 130, 30, "[0]", "three", "code")
    sheet.box(200, 290, 130, 30, "[1]", "three", "code")
    sheet.text(200, 338, "double indirect: %d" % per, kind="soft", size=11)
    sheet.text(200, 353, "blocks of numbers", kind="soft", size=11)
    for number, y in enumerate((250, 330)):
        low = first + number * per
        sheet.arrow((330, 275 + 30 * number), (370, 275 + 30 * number), (370, y + 15),
                    (400, y + 15))
        sheet.box(400, y, 110, 30, "[0]", "", "code")
        sheet.box(400, y + 30, 110, 30, "[%d]" % (per - 1), "", "code")
        for row, index in ((0, low), (1, low + per - 1)):
            sheet.arrow((510, y + 15 + row * 30), (data, y + 15 + row * 30))
            sheet.box(data, y + 2 + row * 30, 190, 26, "data of index %d" % index)
    sheet.text(10, 412, "A number of 0 is a hole: it reads as zeros.", kind="soft")
    return sheet


def descriptors(facts):
    facts.names("kern/fs/file.h", "refs", "node", "pos", "fd_array")
    sheet = facts.sheet("descriptors", 760, 250, "Descriptors after a fork", """
        The parent had opened a file twice, as 3 and 5, and duplicated 3 to 4; then it forked.
        Parent and child have a table each. Descriptors 3 and 4 of both lead to one struct file,
        with refs 4 and position 5. Descriptor 5 of both leads to another struct file, with refs
        2 and position 0. Both of these lead to the same inode, which has 2 references. Only a
        struct file has a position, so parent and child move it for each other.""")
    for x, title in ((10, "parent: fd_array"), (620, "child: fd_array")):
        sheet.text(x, 30, title, kind="bold", size=12)
        for number in (3, 4, 5):
            sheet.box(x, 42 + (number - 3) * 44, 130, 34, "[%d]" % number, "one", "code")
    sheet.box(290, 46, 180, 56, "struct file\nrefs 4, pos 5", "two", "code")
    sheet.box(290, 126, 180, 56, "struct file\nrefs 2, pos 0", "two", "code")
    sheet.box(530, 196, 130, 44, "inode\n2 references", "three", "code")
    for left, right in ((140, 290), (620, 470)):
        for y, to in ((59, 62), (103, 88), (147, 150)):
            sheet.arrow((left, y), (right, to))
    sheet.arrow((380, 182), (380, 218), (530, 218))
    sheet.line((290, 90), (260, 90), (260, 232), (400, 232))
    sheet.arrow((400, 232), (530, 232))
    return sheet


def transaction(facts):
    facts.names("kern/fs/journal.h", "journal_begin", "journal_end")
    sheet = facts.sheet("transaction", 760, 420, "The life of a transaction", """
        Open: tasks begin, change blocks in memory, end; nothing is written. Commit: nobody gets
        in, and who is in leaves. Step 1 writes the new blocks into the log, with the list of
        their homes, and flushes. Step 2 writes the commit record with the count, and flushes:
        from here on it has happened. Step 3 writes each block home, and flushes. Step 4 writes
        the record with count 0, and flushes. A crash before step 2 is complete leaves the state
        before; a crash after it is mended by doing steps 3 and 4 at the next mount.""")
    for y, title, words, crash, fill in (
            (20, "open", "journal_begin(), change blocks in memory,\njournal_end(), many times",
             "a crash here:\nall as before", "one"),
            (84, "1  log", "log[0], log[1], ... and the list of homes\nFLUSH",
             "a crash here:\nall as before", "two"),
            (148, "2  record", "commit record: count n\nFLUSH",
             "whole or not at all:\none sector", "four"),
            (222, "3  home", "each block to its home\nFLUSH",
             "a crash here: the mount\ndoes 3 and 4 again", "two"),
            (286, "4  clear", "commit record: count 0\nFLUSH",
             "a crash here: the mount\ndoes 3 and 4 again", "two"),
            (350, "open", "the next transaction", "all as after", "one")):
        sheet.text(10, y + 30, title, kind="bold")
        sheet.box(120, y, 370, 50, words, fill)
        for number, line in enumerate(crash.split("\n")):
            sheet.text(510, y + 20 + number * 17, line)
    for y in (70, 134, 198, 272, 336):
        sheet.arrow((300, y), (300, y + (24 if y == 198 else 14)))
    sheet.line((10, 210), (750, 210), kind="dashed thick")
    return sheet


def clock(facts):
    facts.names("kern/riscv/sv39.h", "PTE_A")
    facts.names("kern/mm/swap_clock.c", "ring", "hand")
    sheet = facts.sheet("clock", 760, 330, "Clock: the hand looks for a page that was not used", """
        Pages stand in a ring: e, f, g, h, a and others. Each has the A bit of its entries: e 0,
        f 1, g 1, h 0, a 1. The hand is at f. f was used: its bit is cleared and it stays. g was
        used: the same. h was not used since the hand came by last: it goes. The hand stops at
        a, where it begins next time. A page that is new is put in just behind the hand, between
        e and f, so the hand comes to it last.""")
    for number, (name, bit, fill, note) in enumerate((
            ("e", 0, "", ""), ("f", 1, "three", "cleared,\nstays"),
            ("g", 1, "three", "cleared,\nstays"), ("h", 0, "four", "goes"),
            ("a", 1, "", "here the hand\nbegins next"))):
        x = 70 + number * 130
        sheet.box(x, 100, 100, 50, "page %s\nA = %d" % (name, bit), fill, "code")
        for line, words in enumerate(note.split("\n") if note else []):
            sheet.text(x + 50, 170 + line * 16, words, "middle", size=12)
        if number < 4:
            sheet.arrow((x + 100, 125), (x + 130, 125))
    sheet.line((690, 125), (730, 125), (730, 250), (30, 250), (30, 125))
    sheet.arrow((30, 125), (70, 125))
    sheet.text(380, 242, "the ring goes on, with all other pages", "middle", "soft", 12)
    sheet.arrow((250, 40), (250, 100), kind="thick")
    sheet.text(250, 30, "hand", "middle", "bold")
    sheet.arrow((185, 60), (185, 120))
    sheet.text(180, 54, "a new page is put in here", "end", size=11)
    sheet.arrow((270, 68), (620, 68), (620, 98), kind="dashed")
    sheet.text(450, 60, "the hand goes on to here", "middle", "soft", 12)
    sheet.text(10, 290, "A: PTE_A, which the hart sets when it uses the entry.", kind="soft")
    sheet.text(10, 310, "So a page has the time of a whole turn to be used again.", kind="soft")
    return sheet


ALL = (wakeup, monitor, disk, blockmap, descriptors, transaction, clock)
