"""RISC-V's memory model, as a program: all executions of a few instructions on a few harts.

The model is RVWMO (Unprivileged spec 20191213, chapter 14). An execution has one global order of
all accesses to memory. A hart's own accesses come into it in any order that RULES allow. A load
returns the newest store to its word before it in the global order, or a newer one of its own hart
that is not in it yet. No other hart stores to a word between an lr and its sc.

Beside that there are walks of page tables and fetches of instructions, which a hart does by itself
and at any time before they are used: only an sfence.vma, or a fence.i, holds them behind what came
before (Privileged spec 20211203, 4.2.1; Unprivileged spec, chapter 3). What a walk finds is needed
by the access that it is for, which comes after it.

Words are whole, and each has one address. Accesses of a device's registers are ordered by fences
alone (i and o).
"""
import collections
import itertools

# The preserved program order. test_litmus takes each rule away, and sees that it is missed.
#
#     1  a store comes after an earlier access to the same word
#     2  two loads of one word that return values of different stores stay in order
#     3  a load does not return the value of an AMO or an sc of its hart before that is done
#     4  a fence, 5  aq, 6  rl, 7  rl before aq, 8  lr and its sc
#     9  an address, 10  a value, 11  (stores only) a branch that an earlier load decides
#    12  a load that returns the value of a store waits for what its address or value needs
#    13  a store waits for what the address of an access before it needs
RULES = set(range(1, 14))

# What a hart does, one step each. `kind` is one of
#     load, store, amo    with `aq`, `rl`; `pair` for lr and sc; `device` if it is a register of one
#     walk, fetch         implicit loads
#     fence               with `before` and `after`, sets of the letters r, w, i, o
#     sfence, fencei
#     need                the hart goes on only if a register has a value: a branch
# `word` is a name, or the name of a register in brackets that holds one. `value` is a number, a
# name or a register. With ^ and a register behind it, either one depends on that register, and is
# the same: the result of an xor of the register with itself. `change` is what an AMO does.
FIELDS = "kind reg word value aq rl pair change before after device"
Step = collections.namedtuple("Step", FIELDS)
Step.__new__.__defaults__ = (None,) * len(FIELDS.split())

CHANGES = {
    "swap": lambda old, new: new,
    "add": lambda old, new: old + new,
    "or": lambda old, new: old | new,
    "and": lambda old, new: old & new,
    "xor": lambda old, new: old ^ new,
}

Event = collections.namedtuple("Event", "step word read write addr data ctrl place")


def reads(event):
    """Does it load, by an instruction?"""
    return event.step.kind in ("load", "amo")


def writes(event):
    """Does it store?"""
    return event.step.kind in ("store", "amo")


def implicit(event):
    """Does the hart do it by itself?"""
    return event.step.kind in ("walk", "fetch")


class Trace:
    """One way through a hart's steps: what each access did, and the registers at the end."""

    def __init__(self, steps):
        self.steps = steps
        self.events = []
        self.registers = {}     # name: (value, numbers of the loads that it depends on)
        self.ctrl = frozenset()
        self.open = None        # the lr that waits for its sc

    def copy(self):
        """The same so far; from here on it may go another way."""
        other = Trace(self.steps)
        other.events = list(self.events)
        other.registers = dict(self.registers)
        other.ctrl, other.open = self.ctrl, self.open
        return other

    def value(self, text):
        """(value, loads that it depends on) of a number, a name, or a register."""
        if isinstance(text, str) and "^" in text:
            text, also = text.split("^")
            value, needs = self.value(int(text) if text.isdigit() else text)
            return value, needs | self.value(also)[1]
        return self.registers.get(text, (text, frozenset()))

    def address(self, step):
        """(word, loads that it depends on); the word is None if the register holds no name."""
        word, needs = self.value(step.word.strip("[]"))
        return (word if isinstance(word, str) else None), needs


def traces(steps, values, branch=True):
    """All traces of a hart, if loads return any of `values`, {word: set}; if not `branch`, those
       that go on whatever a register has."""
    done, pending = [], [(Trace(steps), 0)]
    while pending:
        trace, place = pending.pop()
        if place == len(steps):
            done.append(trace)
            continue
        step = steps[place]
        if step.kind == "need":
            value, needs = trace.value(step.reg)
            trace.ctrl = trace.ctrl | needs
            pending.append((trace, place + 1 if value == step.value or not branch else len(steps)))
        elif step.kind in ("fence", "sfence", "fencei"):
            pending.append((trace, place + 1))
        else:
            pending += ((next_trace, place + 1) for next_trace in access(trace, place, values))
    return done


def access(trace, place, values):
    """The traces that an access leads to: one for each value that it may load."""
    step = trace.steps[place]
    word, addr = trace.address(step)
    if word is None:
        return                  # the register holds no address: the test excludes that by `need`
    number = len(trace.events)
    for old in sorted(values[word], key=str) if step.kind != "store" else (None,):
        new, data = trace.value(step.value) if step.value is not None else (None, frozenset())
        if step.kind == "amo":
            if isinstance(old, str) and step.change != "swap":
                continue
            new = CHANGES[step.change](old, new)
        after = trace.copy()
        after.events.append(Event(step, word, old, new, addr, data, trace.ctrl, place))
        if step.reg is not None:
            after.registers[step.reg] = (old, frozenset([number]))
        yield after


def possible_values(harts, init):
    """{word: the values that it may have}, found by running with more and more of them: as often
       as there are stores, since each may change what another one stores. Branches are not asked:
       a value may be the reason for its own store, as far as only rule 11 forbids that."""
    values = {word: {value} for word, value in init.items()}
    for _ in range(1 + sum(step.kind in ("store", "amo") for steps in harts for step in steps)):
        for event in [event for steps in harts for trace in traces(steps, values, False)
                      for event in trace.events if writes(event)]:
            values[event.word].add(event.write)
    return values


def classes(event):
    """The letters by which a fence names an access."""
    letters = set("r") if reads(event) else set()
    if writes(event):
        letters.add("w")
    if event.step.device:
        letters = {"r": "i", "w": "o"}[letters.pop()]
    return set(letters)


def fenced(trace, a, b):
    """Rule 4, and its likes for implicit loads."""
    for step in trace.steps[a.place + 1:b.place]:
        if step.kind == "fence" and not implicit(a) and not implicit(b) \
                and classes(a) & set(step.before) and classes(b) & set(step.after):
            return True
        if (step.kind, b.step.kind) in (("sfence", "walk"), ("fencei", "fetch")) \
                and not implicit(a):
            return True
    return False


def preserved(trace, i, j):
    """Is access i before access j in the global order, whatever they return? i < j."""
    a, b = trace.events[i], trace.events[j]
    implied = implicit(a) or implicit(b) or a.step.device or b.step.device
    found = {9: i in b.addr, 10: i in b.data, 4: fenced(trace, a, b)}
    if not implied:
        found.update({
            1: writes(b) and a.word == b.word,
            5: a.step.aq, 6: b.step.rl, 7: a.step.rl and b.step.aq,
            8: a.step.pair and a.step.pair == b.step.pair,
            11: writes(b) and i in b.ctrl,
            13: writes(b) and any(i in m.addr for m in trace.events[i + 1:j])})
    return any(found[rule] for rule in found if rule in RULES)


class Search:
    """All global orders of one trace for each hart. `tried` is how many beginnings of orders all
       searches have looked at: those that differ in which accesses there are, in the order of the
       stores, or in what a load returns."""

    tried = 0

    def __init__(self, chosen, init):
        self.traces = chosen
        self.init = init
        self.nodes = [(h, i) for h, trace in enumerate(chosen) for i in range(len(trace.events))]
        self.waits = {(h, j): [(h, i) for i in range(j) if preserved(chosen[h], i, j)]
                      for h, j in self.nodes}
        self.finals = set()     # frozenset of (word, value): memory at the end
        self.seen = set()

    def event(self, node):
        """The access of a node."""
        return self.traces[node[0]].events[node[1]]

    def source(self, node, placed):
        """The node of the store whose value a load returns, None for the initial value; or False
           if a rule forbids to place the load now."""
        hart, number = node
        events, word = self.traces[hart].events, self.event(node).word
        later = [i for i in range(number) if (hart, i) not in placed
                 and writes(events[i]) and events[i].word == word]
        if later and not implicit(events[number]):
            found = (hart, later[-1])
            if 3 in RULES and (self.event(found).step.kind == "amo" or self.event(found).step.pair):
                return False
            needs = events[later[-1]].addr | events[later[-1]].data if 12 in RULES else ()
            return False if any((hart, i) not in placed for i in needs) else found
        stores = [n for n in placed if writes(self.event(n)) and self.event(n).word == word]
        return stores[-1] if stores else None

    def same_word_in_order(self, node, source, placed, sources):
        """Rule 2: a later load of the same word that was placed already returned this store."""
        hart, number = node
        events = self.traces[hart].events
        if 2 not in RULES:
            return True
        for i in range(number + 1, len(events)):
            if events[i].word != events[number].word or implicit(events[i]):
                continue
            if writes(events[i]):
                return True
            if (hart, i) in placed and sources[(hart, i)] != source:
                return False
        return True

    def alone(self, node, placed, sources):
        """The axiom of atomicity, for an sc that is placed now: no other hart's store has come
           since the one whose value its lr returned."""
        event = self.event(node)
        if not event.step.pair or event.step.kind != "store":
            return True
        pair = [n for n in sources if n[0] == node[0]
                and self.event(n).step.pair == event.step.pair][-1]
        order = list(placed)
        start = order.index(sources[pair]) + 1 if sources[pair] is not None else 0
        return not any(n[0] != node[0] and writes(self.event(n))
                       and self.event(n).word == event.word for n in order[start:])

    def run(self):
        """Find all memories at the end. The state is the order so far, as far as it matters: which
           accesses are in it, and the stores, in order."""
        pending = [({}, {})]       # placed, in order; sources of loads
        while pending:
            placed, sources = pending.pop()
            if len(placed) == len(self.nodes):
                final = dict(self.init)
                final.update((self.event(n).word, self.event(n).write) for n in placed
                             if writes(self.event(n)))
                self.finals.add(frozenset(final.items()))
            for node in self.nodes:
                if node in placed or any(n not in placed for n in self.waits[node]):
                    continue
                after = self.place(node, placed, sources)
                if after is not None:
                    pending.append(after)
        return self.finals

    def place(self, node, placed, sources):
        """The state with this access next in the global order, if it may come now and is new."""
        event = self.event(node)
        if reads(event) or implicit(event):
            source = self.source(node, placed)
            if source is False or event.read != (
                    self.init[event.word] if source is None else self.event(source).write):
                return None
            if not implicit(event) and not self.same_word_in_order(node, source, placed, sources):
                return None
            sources = dict(sources)
            sources[node] = source
        if not self.alone(node, placed, sources):
            return None
        placed = dict(placed)
        placed[node] = True
        key = (frozenset(placed), tuple(n for n in placed if writes(self.event(n))),
               frozenset(sources.items()))
        if key in self.seen:
            return None
        self.seen.add(key)
        Search.tried += 1
        return placed, sources


def outcomes(harts, init, wanted=lambda registers: True):
    """Each (registers of each hart, memory) that an execution can end with, as dictionaries; of
       those whose registers are `wanted`."""
    values = possible_values(harts, init)
    for chosen in itertools.product(*(traces(steps, values) for steps in harts)):
        registers = [{name: value for name, (value, _) in trace.registers.items()}
                     for trace in chosen]
        if wanted(registers):
            for final in Search(chosen, init).run():
                yield registers, dict(final)
