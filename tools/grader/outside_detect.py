"""Exercise 7.5, called from outside: would this wait ever end?

The record of a family is the host's: members, mutexes with the words that tell who has them, and
semaphores. It is changed by chance as a program's calls would change it, with rubbish in words too.
Members ask the detector before they wait, and it is told of units. Only its answers are compared:
how a solution keeps what it knows is nobody's business, and a wrong record comes to light by a
wrong answer later on.

The model knows of each request whether it must be refused, must not be, or may be. That is so for
one who comes to a circle of others, in a family without semaphores: it may wait, or be told.
"""
import random

from grader.outside import signed

E_DEADLOCK, WORD_BITS = -25, (0, 0, 1 << 31, 1 << 30)   # WAITERS and ASK beside a holder
SYNC_SEM, SYNC_MUTEX, SYNC_WATCHED_SEM = 0, 2, 4        # of kern/process/sync.h
FIRST_PID, STRANGER = 100, 7
MEMBERS, STEPS, ANEW = 6, 400, 12       # all is as chance will have it after so many steps


class Record:
    """Members, mutexes, and semaphores with the numbers behind them; and what is known of each.

    holder  of a mutex: a member's number, STRANGER, or None
    waits   what a member is on record for, or None
    units   {semaphore: units} of a member
    """

    def __init__(self, machine, mutexes, semaphores):
        self.machine, self.memory, self.chance = machine, machine.memory, random.Random("asked")
        self.words, self.killed = machine.page(), [False] * MEMBERS
        self.detector = self.make("detector")
        machine.store(self.detector.refs, MEMBERS)
        machine.store(self.detector.member_count, MEMBERS)
        machine.store(self.detector.has_semaphores, int(semaphores > 0))
        self.procs = [self.make("proc_struct") for _ in range(MEMBERS)]
        self.members = [self.make("sync_member") for _ in range(MEMBERS)]
        self.ring(self.detector.members, [member.link for member in self.members])
        for i, (proc, member) in enumerate(zip(self.procs, self.members)):
            machine.store(proc.pid, FIRST_PID + i)
            machine.store(proc.sync_member, member.address)
            machine.store(member.detector, self.detector.address)
            machine.store(member.proc, proc.address)
            self.ring(member.holdings, [])
        self.mutexes, self.semaphores = range(mutexes), range(mutexes, mutexes + semaphores)
        self.objects = [self.object(i) for i in range(mutexes + semaphores)]
        self.holder, self.events = [None] * mutexes, dict.fromkeys(self.semaphores, False)
        self.waits, self.units = [None] * MEMBERS, [{} for _ in range(MEMBERS)]

    def make(self, name):
        """A struct of zeros, as kmalloc() gives memory."""
        size = self.machine.image.type(name).size
        address = self.machine.call("kmalloc", size)
        self.machine.expect(address, "there is no memory for a struct " + name)
        self.memory.write(address, bytes(size))
        return self.memory.object(name, address)

    def ring(self, head, links):
        """A list with these links."""
        around = [head] + links
        for i, link in enumerate(around):
            self.machine.store(link.prev, around[i - 1].address)
            self.machine.store(link.next, around[(i + 1) % len(around)].address)

    def object(self, i):
        """A mutex, or a semaphore without a unit."""
        made, machine = self.make("sync_object"), self.machine
        machine.call("sync_object_init", made.address, i, self.words + 4 * i)
        machine.call("sync_object_open", made.address,
                     SYNC_MUTEX if i in self.mutexes else SYNC_SEM, 0)
        if i in self.semaphores:
            machine.store(made.type, SYNC_WATCHED_SEM)
        return made

    # -- the world changes

    def holds(self, m, who):
        """The mutex's word, with bits beside it."""
        self.holder[m] = who
        pid = 0 if who is None else STRANGER if who == STRANGER else FIRST_PID + who
        word = pid | self.chance.choice(WORD_BITS)
        self.memory.write(self.words + 4 * m, word.to_bytes(4, "little"))

    def kills(self, i, killed):
        self.killed[i] = killed
        self.machine.store(self.procs[i].task.killed, int(killed))

    def puts(self, i, what):
        """It is on record as waiting for this, or for nothing: it goes on."""
        self.waits[i] = what
        self.machine.store(self.members[i].waits_for,
                           0 if what is None else self.objects[what].address)

    def begins(self):
        """All is as chance will have it; but units come and go by calls only: most are given
        back."""
        chance, everybody = self.chance, range(MEMBERS)
        share = chance.choice((0.2, 0.5, 0.8))              # of those who wait
        for i, s in [(i, s) for i in everybody for s in self.units[i]]:
            while s in self.units[i] and chance.random() < 0.8:
                self.gives(i, s)
        for m in self.mutexes:
            self.holds(m, chance.choice((None, STRANGER, *everybody, *everybody, *everybody)))
        for i in everybody:
            self.kills(i, chance.random() < 0.1)
            self.puts(i, chance.randrange(len(self.objects)) if chance.random() < share else None)
        for s in self.semaphores:
            if self.events[s] and chance.random() < 0.3:    # they become so by calls only
                self.events[s] = False
                self.machine.store(self.objects[s].counts_events, 0)

    # -- the model

    def target(self, i):
        return None if self.killed[i] else self.waits[i]

    def circle(self, i, m):
        """Does the chain from this mutex come back to the member?"""
        seen = set()
        while m in self.mutexes and m not in seen:
            seen.add(m)
            if self.holder[m] == i:
                return True
            if self.holder[m] in (None, STRANGER):
                return False
            m = self.target(self.holder[m])
        return False

    def goes_on(self, i, done, back):
        """Can it, when all of `done` have come to their ends, and have given `back` units?"""
        target = self.target(i)
        if target in self.mutexes:
            return self.holder[target] in {None, STRANGER, i} | done
        return target is None or target in back or bool(self.events[target] and done)

    def can_finish(self, i):
        """Is there an order?"""
        done, back = set(), set()
        while i not in done:
            new = {j for j in range(MEMBERS) if j not in done and self.goes_on(j, done, back)}
            if not new:
                return False
            done |= new
            back |= {s for j in new for s in self.units[j]}
        return True

    def answers(self, i, what):
        """What the detector may answer to one who is about to wait for this."""
        self.puts(i, None)
        self.waits[i] = what
        if what in self.mutexes and self.circle(i, what):
            return [E_DEADLOCK]
        if self.can_finish(i):
            return [0]
        return [E_DEADLOCK] if self.semaphores else [0, E_DEADLOCK]

    # -- the detector

    def asks(self, i, what):
        """The member is about to wait."""
        expected, told = self.answers(i, what), self.told()
        result = signed(self.machine.call("detector_request", self.members[i].address,
                                          self.objects[what].address))
        self.machine.expect(result in expected, "detector_request(): %s; expected %s, found %d" % (
            told, " or ".join(map(str, expected)), result))
        if result != 0:
            self.waits[i] = None
        elif self.chance.random() < 0.4:        # it has what it waited for, before long
            self.puts(i, None)

    def told(self):
        """The family in words."""
        name = ["mutex %d" % m for m in self.mutexes] + ["semaphore %d" % s
                                                         for s in self.semaphores]
        says = ["%d %swaits for %s" % (i, "was killed and " * self.killed[i], name[what])
                for i, what in enumerate(self.waits) if what is not None]
        says += ["%d has %s" % (holder, name[m]) for m, holder in enumerate(self.holder)
                 if holder not in (None, STRANGER)]
        says += ["%d has units of %s" % (i, name[s]) for i, mine in enumerate(self.units)
                 for s in sorted(mine)]
        return ", ".join(says + ["%s counts events" % name[s] for s in self.semaphores
                                 if self.events[s]])

    def takes(self, i, s):
        """It took a unit of a semaphore."""
        spare = self.members[i].spare
        if not spare:
            self.machine.store(spare, self.make("holding").address)
        self.units[i][s] = self.units[i].get(s, 0) + 1
        self.machine.call("detector_unit_taken", self.members[i].address, self.objects[s].address)

    def gives(self, i, s):
        """It posts one. Who has none of it makes events of that, and of all that it has."""
        mine = self.units[i]
        if s not in mine:
            self.events.update(dict.fromkeys([s, *mine], True))
        else:
            mine[s] -= 1
            if not mine[s]:
                del mine[s]
        self.machine.call("detector_unit_given", self.members[i].address, self.objects[s].address)


def step(known):
    """Somebody does something."""
    chance, i, what = known.chance, known.chance.randrange(MEMBERS), known.chance.random()
    if known.waits[i] is not None:
        if what > 0.8:
            known.puts(i, None)
    elif what < 0.1:
        known.holds(chance.choice(known.mutexes), i)
    elif known.semaphores and what < 0.3:
        known.takes(i, chance.choice(list(known.units[i]) if known.units[i] and what < 0.2
                                     else known.semaphores))
    elif known.semaphores and what < 0.45:
        known.gives(i, chance.choice(list(known.units[i]) if known.units[i] and what < 0.36
                                     else known.semaphores))
    elif not known.killed[i]:
        known.asks(i, chance.choice([each for each in range(len(known.objects))
                                     if not known.semaphores or each in known.semaphores
                                     or known.holder[each] != i]))


def asked(mutexes, semaphores):
    """Requests by chance. Who has a mutex asks for it only in a family without semaphores: there it
    is a circle of one; where an order is looked for, it is on the way to its end."""
    def outside(machine):
        known = Record(machine, mutexes, semaphores)
        for number in range(STEPS):
            if number % ANEW == 0:
                known.begins()
            step(known)
    outside.prog = None                     # no program runs: the record is the host's
    return outside
