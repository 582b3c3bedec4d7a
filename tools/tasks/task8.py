"""The tasks of lab 8: what they ask is told in labcodes.md.

The program that tests them runs on a disk. When the machine has stopped, the grader looks at the
disk as at that of each test: tools/disk check knows named pipes (docs/sfs.md), though the kernel
that is handed out does not. A test that hangs says less than one that fails, so who waits is looked
at from another process, after a while of the guest's own time.
"""
from labs.common import Disk, program
from tasks.catalogue import Task

TASKS = [
    Task("8.T", "pipes with names",
         "a pipe that has a name in a directory, so that programs which know nothing of each other "
         "meet at it",
         files=["kern/syscall/*.[ch]", "kern/fs/*.[ch]"],
         new=["kern/fs/*.[ch]", "user/*.c"],
         programs=["fifos"],
         tests=[
             program("fifos", "use", 10, disk=Disk(), limit=400,
                     title="both ends wait for each other; the end comes when all have closed"),
             program("fifos ends", "ends", 6, disk=Disk(), limit=400,
                     title="readers that go, waiters that are killed, names that go"),
             program("fifos bad", "bad", 4, disk=Disk(), limit=400,
                     title="names and uses that a named pipe must refuse"),
         ]),
]
