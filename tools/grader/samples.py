"""Samples of a crash test, which the machine has left on its disk, checked by the host.

kern/test/crash_sample.c tells how they lie there. Each is a disk twice: as a power failure left it,
and as the kernel made it of that. The host brings home what is in the first one's journal, by its
own code; then both must be in order, and the same files be on both. So a mistake that the kernel
and its own checker share is found here.
"""
import hashlib
import struct

from sfs import check, format, reader

MAGIC = 0x53435652
HEAD = struct.Struct("<3I100s")
NUMBERS_AT = 1024
LEAST = 100             # samples: a test that forgets to take them must not pass
FEW = 5                 # sentences about one disk


def samples(data):
    """(title, disk before, disk after) of each."""
    magic, count = struct.unpack_from("<II", data)
    if magic != MAGIC:
        raise format.DiskError("the machine has left no samples on its disk")
    at = format.BLOCK

    def overlay(disk, numbers):
        nonlocal at
        disk = bytearray(disk)
        for number in numbers:
            disk[number * format.BLOCK:(number + 1) * format.BLOCK] = data[at:at + format.BLOCK]
            at += format.BLOCK
        return bytes(disk)

    for _ in range(count):
        blocks, first, second, title = HEAD.unpack_from(data, at)
        numbers = struct.unpack_from("<%dH" % (first + second), data, at + NUMBERS_AT)
        at += format.BLOCK
        before = overlay(bytes(blocks * format.BLOCK), numbers[:first])
        yield title.rstrip(b"\0").decode(), before, overlay(before, numbers[first:])


def tree(image):
    """What is on a disk that is in order: {path: what each name leads to}."""
    disk, found, waiting = reader.Disk(image), {}, [(b"", format.ROOT)]
    while waiting:
        path, ino = waiting.pop()
        node = disk.inode(ino)
        if node.type == format.DIR:
            found[path] = (node.type,)
            waiting += [(path + b"/" + name, child) for name, child in disk.children(ino)]
            continue
        content = hashlib.sha256()
        for index, number in disk.present(node):
            block = disk.data_block(number)
            if block != format.ZEROS:
                content.update(struct.pack("<I", index) + block)
        found[path] = (node.type, node.nlinks, node.size, content.hexdigest())
    return found


def wrong_with(title, before, after):
    """Sentences about one sample."""
    crashed = format.Image(before, title + ": the crashed disk")
    recovered = format.Image(after, title + ": the recovered disk")
    found = ["%s: %s" % (image.name, sentence) for image, look in (
        (crashed, check.Check(crashed, crashed=True)), (recovered, check.Check(recovered)))
             for sentence in look.run()[:FEW]]
    if not found and tree(crashed) != tree(recovered):
        found.append("%s: what the host recovers is not what the kernel has recovered" % title)
    return found


def sound(path):
    """A check of a Disk (grader/disk.py): what is wrong with the samples."""
    with open(path, "rb") as file:
        data = file.read()
    wrong, count = [], 0
    try:
        for sample in samples(data):
            count += 1
            wrong += wrong_with(*sample)
    except (format.DiskError, struct.error) as error:
        return ["on the disk with the samples: %s" % error]
    if count < LEAST and not wrong:
        wrong.append("%d samples are on the disk; at least %d must be" % (count, LEAST))
    return wrong[:FEW]
