"""Batches: hand-ins that another process grades, on this host or another one, as files.

    write(path, about, jobs)            a file with (key, Work) of some hand-ins
    run(root, path, processes)          `tools/lab work FILE`: grade them, and print what was found
    result_of(line)                     (key, result) of a line that run() has printed, or None

A line is printed as soon as a hand-in is graded, so what a host has done is not lost if it dies
later. `about` says by what to grade: the version, compiler and QEMU must be the same here as there,
or marks and words might differ; else nothing is graded, and the reason is printed. What comes from
another host is data of a stranger, and is checked as such.
"""
import json
import os
import socket
import types

from exercise import entries, graded, handout, incoming, marks, pool, provenance
from grader import sandbox
from labs import catalogue

SCHEMA = "rvlab/batch/v1"
MARK = "rvlab-result "                  # begins a line with a result; all others are a log
MAX_BYTES = 256 << 20
DIFFERS = "would not give the same marks"   # is in the line that it prints then
OTHER = 3                               # the exit status of a host that would grade differently


class BatchError(ValueError):
    """A batch cannot be graded here; the text is for the log."""


def to_data(work):
    """A Work as plain data."""
    return {"exercises": work.exercises, "only": work.only, "state": work.state,
            "texts": [[*key, text] for key, text in sorted(work.texts.items())],
            "patched": work.patched}


def from_data(data):
    """The Work of such data."""
    work = marks.Work.__new__(marks.Work)
    work.exercises, work.only, work.notes = data["exercises"], data["only"], []
    work.state = {number: tuple(pair) for number, pair in data["state"].items()}
    work.texts = {(exercise, name): text for exercise, name, text in data["texts"]}
    work.patched = data["patched"]
    return work


def about(grading):
    """What a batch of a gradebook.Grading says of itself."""
    options = grading.options
    return {"schema": SCHEMA, "made": grading.made, "policy": options.policy,
            "toolchain": options.toolchain, "qemu": options.qemu}


def write(path, head, jobs):
    """Write a batch."""
    data = dict(head, jobs=[[key, to_data(work)] for key, work in jobs])
    with open(path, "w", encoding="utf-8") as file:
        json.dump(data, file)


def read(path):
    """The batch of a file, which this program has written."""
    try:
        with open(path, "rb") as file:
            batch = incoming.json_of(file.read(MAX_BYTES + 1), MAX_BYTES)
        if incoming.member(incoming.table(batch, 100, "it"), "schema") != SCHEMA:
            raise incoming.BadValue("it has another format")
        return batch
    except incoming.BadValue as error:
        raise BatchError("%s is no batch: %s" % (path, error)) from None


def line_of(key, result):
    """A line with a result."""
    return MARK + json.dumps({"key": key, "result": result, "host": socket.gethostname(),
                              "sandbox": sandbox.why_not() or ""}) + "\n"


def result_of(line):
    """What a line says, checked: {"key", "result", "host", "sandbox"}; None if it is no line of
    line_of(), or a part of one."""
    if not line.startswith(MARK) or not line.endswith("\n"):
        return None
    try:
        found = incoming.json_of(line[len(MARK):].encode("utf-8", "replace"), graded.MAX_BYTES)
        for name in ("key", "host", "sandbox"):
            incoming.word(incoming.member(incoming.table(found, 10, "a line"), name), "(?s).*",
                          name)
        if not isinstance(incoming.member(found, "result"), str):
            entries.check(found["result"])
        return found
    except incoming.BadValue:
        return None


def run(root, path, processes):
    """Grade a batch, and print a line for each hand-in; the exit status."""
    batch = read(path)
    options = types.SimpleNamespace(jobs=processes, **{
        name: batch[name] for name in ("policy", "toolchain", "qemu")})
    made = provenance.made_by(root, options)
    if made != batch["made"]:
        differ = [name for name in made if made[name] != batch["made"][name]]
        print("%s %s and words: %s" % (socket.gethostname(), DIFFERS, "; ".join(
            "%s here, %s there" % (made[name], batch["made"][name]) for name in differ)),
              flush=True)
        return OTHER
    reference = marks.Reference(root, catalogue.load(), handout.version_of(root))

    def begin(shop):
        examiner = marks.Examiner(reference, shop)
        return lambda work: entries.told(examiner.marks(work, options.policy))

    with pool.shops("work", root, options, begin) as workers:
        for key, result in workers.run([(key, from_data(data)) for key, data in batch["jobs"]]):
            os.write(1, line_of(key, result).encode())      # whole, or it is not there
    return 0
