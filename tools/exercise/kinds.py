"""What a file is that was handed in, by its first bytes.

Students give wrong endings to files, so the content decides: a hand-in, a zip, a packed file, a
tar, or something else, of which nothing can be graded. For that there is a reason which says what
the file is and what to hand in instead. JUNK are files that systems and editors add of their own;
they do not count.
"""
import os
import re
import tarfile

from exercise import handin

HAND_IN, ZIP, PACKED, TAR, OTHER = "hand-in", "zip", "packed", "tar", "other"
HEAD = 1 << 16                  # so many first bytes are looked at
# Files that systems and editors add of their own, in the middle of what students hand in.
JUNK = re.compile(r"(?:.*/)?(?:__MACOSX|\.git|\.svn|\.vscode|\.idea|\.Trashes|\.fseventsd|"
                  r"\.Spotlight-V100|\$RECYCLE\.BIN)(?:/.*)?|"
                  r"(?:.*/)?(?:\.DS_Store|\._[^/]*|[Tt]humbs\.db|desktop\.ini|\.directory|"
                  r"\.gitignore|\.gitkeep|~\$[^/]*)", re.S)
PACKERS = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\0": "xz"}
PACKER_ENDINGS = re.compile(r"\.(?:gz|bz2|xz)$", re.I)
# Files that cannot be graded: their first bytes, what they are, and whether a student may have
# meant them for the grader.
UNREADABLE = ((b"Rar!", "a RAR archive", True), (b"7z\xbc\xaf\x27\x1c", "a 7z archive", True),
              (b"\x28\xb5\x2f\xfd", "a zstd archive", True), (b"!<arch>", "an ar archive", True),
              (b"%PDF", "a PDF document", False), (b"\x89PNG", "a picture", False),
              (b"\xff\xd8\xff", "a picture", False), (b"GIF8", "a picture", False),
              (b"\xd0\xcf\x11\xe0", "an Office document", False),
              (b"{\\rtf", "an RTF document", False), (b"\x7fELF", "a compiled program", False))
MARKUP = re.compile(rb"\s*<(?:!doctype|html|head|body|p|div|\?xml)\b", re.I)
SOURCES = (".c", ".h", ".S", ".s", ".diff", ".patch")
INSTEAD = "hand in what `make handin` writes"


class Kind:
    """What a file is.

    name      HAND_IN, ZIP, PACKED, TAR, or OTHER
    why       for OTHER: a sentence that says why nothing of it can be graded
    is_tried  for OTHER: may the student want this file to be graded?
    """

    def __init__(self, name, why="", is_tried=False):
        self.name, self.why, self.is_tried = name, why, is_tried


def is_junk(path):
    """Is this a file, or in a folder, that a system or an editor adds of its own?"""
    return JUNK.fullmatch(path) is not None


def is_tar(head):
    """Does a tar archive begin with these bytes?"""
    if head[257:262] == b"ustar":
        return True
    try:                                # archives of older programs are known by a sum only
        tarfile.TarInfo.frombuf(head[:512], "utf-8", "surrogateescape")
        return True
    except (tarfile.TarError, ValueError):
        return False


def is_document(head):
    """Is this zip archive a document of an Office program? Their first members have these names."""
    return re.search(rb"\[Content_Types\]\.xml|mimetypeapplication/vnd\.|(?:word|xl|ppt)/",
                     head[:4096]) is not None


def kind_of(head, path):
    """The Kind of a file with this path that begins with these bytes."""
    if not head:
        return Kind(OTHER, "this file is empty: there is no hand-in in it")
    if head[:4] in (b"PK\3\4", b"PK\5\6"):
        return Kind(OTHER, "this is an Office document, no hand-in: " + INSTEAD) \
            if is_document(head) else Kind(ZIP)
    if any(head.startswith(start) for start in PACKERS):
        return Kind(PACKED)
    for start, name, is_tried in UNREADABLE:
        if head.startswith(start):
            return Kind(OTHER, "this is %s, which is not opened: %s" % (
                name, "pack it as .zip or .tar.gz" if is_tried else INSTEAD), is_tried)
    if handin.is_handin(head):
        return Kind(HAND_IN)
    if is_tar(head):
        return Kind(TAR)
    if path.lower().endswith((".zip", ".tar")):
        return Kind(OTHER, "this archive cannot be read: its beginning is damaged", True)
    if MARKUP.match(head):
        return Kind(OTHER, "this is a page of markup (HTML or XML), no hand-in: " + INSTEAD)
    if os.path.splitext(path)[1] in SOURCES:
        return Kind(OTHER, "this is a source file, no hand-in: %s, or the whole tree" % INSTEAD)
    return Kind(OTHER, "this is no hand-in, no archive and no tree; a hand-in begins with \"%s\""
                % handin.FORMAT)
