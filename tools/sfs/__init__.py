"""Images of disks: how they are made, read, changed and checked on the host.

docs/sfs.md describes the format, and is all that these modules know of the kernel. format.py has
its numbers and reads its structures; reader.py looks at files; writer.py makes and changes them;
local.py brings files from the host and back; check.py finds what is wrong with an image. The
command for all of them is tools/disk; the grader uses them to look at the disks of its machines.
"""
