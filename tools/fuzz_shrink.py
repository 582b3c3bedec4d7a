"""Fewer calls that still fail: which rounds of a seed, and which calls of these, are needed.

shorten() asks a judge, fails(first, rounds, kept), which boots a machine each time. So it asks for
large parts first: for rounds, then for whole lanes, then for runs of calls of half the length in
each pass, down to single calls. What is left fails, and is short, but not always the shortest.

Calls are pairs (lane, number). A list of them that is kept goes to the guest as ranges, of which it
takes so many only (user/libs/fuzz.h: MAX_KEPT); a choice with more of them is not asked for.
"""
import dataclasses

RANGES = 60


@dataclasses.dataclass(frozen=True)
class Needed:
    """The rounds from `first` to `last`, and the calls of these that are kept; None: all."""
    first: int
    last: int
    kept: tuple = None


def ranges(calls):
    """A sorted list of (lane, call) as [(lane, from, to)]."""
    result = []
    for lane, call in calls:
        if result and result[-1][0] == lane and result[-1][2] == call - 1:
            result[-1] = (lane, result[-1][1], call)
        else:
            result.append((lane, call, call))
    return result


def keep_word(calls):
    """These calls in the words of the guest: LANE.FROM-TO,LANE.CALL,..."""
    return ",".join("%d.%d" % (lane, first) + ("-%d" % last if last > first else "")
                    for lane, first, last in ranges(calls))


def minimize(items, fails):
    """A part of the items that still fails, of which none can be left out alone (delta debugging):
    parts are left out, of half the size in each pass."""
    size = max(len(items) // 2, 1) if len(items) > 1 else 0
    while size:
        start, before = 0, len(items)
        while start < len(items):
            rest = items[:start] + items[start + size:]
            if rest and fails(rest):
                items = rest
            else:
                start += size
        if size > 1 or len(items) == before:
            size //= 2              # single ones are tried until none of them can go
    return items


def last_round(fails, rounds):
    """The round in which it fails, if all begins with the first. What has failed in one round is
    not asked for again in more."""
    low, high = 1, rounds
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fails(1, middle, None) else (middle + 1, high)
    return high


def first_round(fails, last):
    """A round to begin with, so that it still fails in the last: that one, or further and further
    back."""
    first, back = last, 1
    while first > 1 and not fails(first, last - first + 1, None):
        first, back = max(1, first - back), 2 * back
    return first


def shorten(fails, rounds, lanes, calls):
    """The Needed of `rounds` rounds with so many lanes of so many calls. None if it does not fail
    again: then the host has a part in it."""
    if not fails(1, rounds, None):
        return None
    last = last_round(fails, rounds)
    first = first_round(fails, last)

    def still(kept):
        return len(ranges(kept)) <= RANGES and fails(first, last - first + 1, tuple(kept))

    def calls_of(some):
        return [(lane, call) for lane in some for call in range(calls)]

    if not still(calls_of(range(lanes))):
        return Needed(first, last)
    some = minimize(list(range(lanes)), lambda rest: still(calls_of(rest)))
    return Needed(first, last, tuple(minimize(calls_of(some), still)))
