"""The option -cpu of QEMU, as each version of it wants it.

A test names its processor in one way for all versions, as "rv64,f=off,d=off". But extensions that
a newer QEMU has on by default may need F, and then it refuses to start without F unless they are
switched off too; an older QEMU does not know their names. So the version of QEMU decides. It is
asked once for each QEMU.
"""
import functools
import re
import subprocess

ZFA_SINCE = (8, 1)          # from this QEMU on Zfa is on by default, and refuses to be without F


@functools.lru_cache(maxsize=None)
def version(qemu):
    """(major, minor) of this QEMU; (0, 0) if it does not say."""
    try:
        said = subprocess.run([qemu, "--version"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    except OSError:
        return 0, 0
    match = re.search(rb"version (\d+)\.(\d+)", said)
    return tuple(int(number) for number in match.groups()) if match else (0, 0)


def options(qemu, processor):
    """QEMU's options for a processor, given as tests name it. "" is the machine's own, and needs no
    option."""
    if not processor:
        return []
    if "f=off" in processor.split(",") and version(qemu) >= ZFA_SINCE:
        processor += ",zfa=off"
    return ["-cpu", processor]
