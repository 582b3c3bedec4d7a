"""QEMU's -cpu, as each version of it wants it."""
import functools
import re
import subprocess

ZFA_SINCE = (8, 1)          # of QEMU: it is on by default then, and refuses to be without F


@functools.lru_cache(maxsize=None)
def version(qemu):
    """(major, minor); (0, 0) where it does not say."""
    try:
        said = subprocess.run([qemu, "--version"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    except OSError:
        return 0, 0
    match = re.search(rb"version (\d+)\.(\d+)", said)
    return tuple(int(number) for number in match.groups()) if match else (0, 0)


def options(qemu, processor):
    """The options for a processor as tests name it, as in "rv64,f=off,d=off"; none for ""."""
    if not processor:
        return []
    if "f=off" in processor.split(",") and version(qemu) >= ZFA_SINCE:
        processor += ",zfa=off"
    return ["-cpu", processor]
