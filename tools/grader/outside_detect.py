"""Exercise 7.5, called from outside: would this wait ever end?

The record of a family is the host's own: members, what they wait for, units that they have, words
of mutexes. It is changed by chance, some of it as no program would: a mutex whose holder is nobody
of the family, a circle without the one who asks. The detector is asked, and told of units; the
model knows what it must answer, and what the record is then.
"""
import random

from grader.outside import signed

E_DEADLOCK, WORD_BITS = -25, (0, 0, 1 << 31, 1 << 30)   # WAITERS and ASK beside a holder
SYNC_SEM, SYNC_MUTEX, SYNC_WATCHED_SEM = 0, 2, 4        # of kern/process/sync.h
FIRST_PID, STRANGER = 100, 7


class Record:
    """Members 0 to n - 1, mutexes, and semaphores behind them; and what is known of each."""

    def __init__(self, machine, name, members, mutexes, semaphores):
        self.machine, self.memory, self.chance = machine, machine.memory, random.Random(name)
        self.words, self.killed = machine.page(), [False] * members
        self.detector = self.make("detector")
        machine.store(self.detector.refs, members)
        machine.store(self.detector.member_count, members)
        machine.store(self.detector.has_semaphores, int(semaphores > 0))
        self.procs = [self.make("proc_struct") for _ in range(members)]
        self.members = [self.make("sync_member") for _ in range(members)]
        self.ring(self.detector.members, [member.link for member in self.members])
        for i, (proc, member) in enumerate(zip(self.procs, self.members)):
            machine.store(proc.pid, FIRST_PID + i)
            machine.store(proc.sync_member, member.address)
            machine.store(member.detector, self.detector.address)
            machine.store(member.proc, proc.address)
            self.ring(member.holdings, [])
        self.mutexes = range(mutexes)
        self.semaphores = range(mutexes, mutexes + semaphores)
        self.objects = [self.object(i) for i in range(mutexes + semaphores)]
        self.holder = [None] * mutexes          # a member, or STRANGER's
        self.value, self.events = {}, {}
        for s in self.semaphores:
            self.value[s], self.events[s] = 0, False
        self.waits, self.units = [None] * members, [{} for _ in range(members)]

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

    def sets_value(self, s, value):
        self.value[s] = value
        self.machine.store(self.objects[s].sem.value, value)

    def kills(self, i, killed):
        self.killed[i] = killed
        self.machine.store(self.procs[i].task.killed, int(killed))

    def puts(self, i, what):
        """It waits for this, or for nothing: nobody asked."""
        self.waits[i] = what
        self.machine.store(self.members[i].waits_for,
                           0 if what is None else self.objects[what].address)

    def begins(self):
        """All is as chance will have it, but units."""
        chance, everybody = self.chance, range(len(self.members))
        for m in self.mutexes:
            self.holds(m, chance.choice((None, STRANGER, *everybody, *everybody)))
        for i in everybody:
            self.kills(i, chance.random() < 0.1)
            self.puts(i, chance.choice((None, *range(len(self.objects)))))
        for s in self.semaphores:
            self.sets_value(s, int(chance.random() < 0.2))
            self.events[s] = chance.random() < 0.2
            self.machine.store(self.objects[s].counts_events, int(self.events[s]))

    # -- the model

    def target(self, i):
        return None if self.killed[i] else self.waits[i]

    def circle(self, i, m):
        """Does the chain from this mutex come back to the member?"""
        seen = set()
        while m in self.mutexes and m not in seen:
            seen.add(m)
            holder = self.holder[m]
            if holder == i:
                return True
            if holder is None or holder == STRANGER:
                return False
            m = self.target(holder)
        return False

    def can_finish(self, i):
        """Is there an order?"""
        done, back = set(), set()

        def goes(j):
            target = self.target(j)
            if target is None:
                return True
            if target in self.mutexes:
                return self.holder[target] in {None, STRANGER, j} | done
            return self.value[target] > 0 or target in back or bool(self.events[target] and done)
        while i not in done:
            new = {j for j in range(len(self.members)) if j not in done and goes(j)}
            if not new:
                return False
            done |= new
            for j in new:
                back |= set(self.units[j])
        return True

    # -- the detector

    def asks(self, i, what):
        """The member is about to wait."""
        self.waits[i] = what
        refused = what in self.mutexes and self.circle(i, what) \
            or bool(self.semaphores) and not self.can_finish(i)
        if refused:
            self.waits[i] = None
        result = signed(self.machine.call("detector_request", self.members[i].address,
                                          self.objects[what].address))
        self.machine.equal("what detector_request() of member %d for %s returned; of %s" % (
            i, self.name(what), self.told()), result,
            E_DEADLOCK if refused else 0)

    def name(self, what):
        return "%s %d" % ("mutex" if what in self.mutexes else "semaphore", what)

    def told(self):
        return ", ".join("%d waits for %s" % (i, self.name(what))
                         for i, what in enumerate(self.waits) if what is not None) or "none waits"

    def takes(self, i, s):
        """It took a unit of a semaphore."""
        spare = self.members[i].spare
        if not spare:
            self.machine.store(spare, self.make("holding").address)
        self.units[i][s] = self.units[i].get(s, 0) + 1
        self.machine.call("detector_unit_taken", self.members[i].address, self.objects[s].address)

    def gives(self, i, s):
        """It posts one."""
        mine = self.units[i]
        if s not in mine:
            for each in [s] + list(mine):
                self.events[each] = True
        elif mine[s] == 1:
            del mine[s]
        else:
            mine[s] -= 1
        self.machine.call("detector_unit_given", self.members[i].address, self.objects[s].address)

    def compare(self):
        """The whole record."""
        machine, at = self.machine, [each.address for each in self.objects]
        for i, member in enumerate(self.members):
            waits = int(member.waits_for)
            machine.equal("what member %d waits for" % i, at.index(waits) if waits in at else waits,
                          0 if self.waits[i] is None else self.waits[i])
            found = [(at.index(int(each.sem)), int(each.units))
                     for each in self.memory.list(member.holdings, "holding", "link")]
            machine.equal("the units of member %d" % i, sorted(found),
                          sorted(self.units[i].items()))
        for s in self.semaphores:
            machine.equal("does semaphore %d count events" % s,
                          int(self.objects[s].counts_events), int(self.events[s]))


def asked(name, mutexes, semaphores):
    """Requests by chance, from a family of six."""
    def outside(machine):
        known = Record(machine, name, 6, mutexes, semaphores)
        chance = known.chance
        for step in range(400):
            i, what = chance.randrange(6), chance.random()
            if step % 10 == 0:
                known.begins()
            elif what < 0.1:
                known.holds(chance.choice(known.mutexes), i)
            elif known.waits[i] is not None:
                if what > 0.8:
                    known.puts(i, None)
                continue
            elif semaphores and what < 0.3:
                known.takes(i, chance.choice(known.semaphores))
            elif semaphores and what < 0.45:
                known.gives(i, chance.choice(
                    list(known.units[i]) * 3 + list(known.semaphores) * (what < 0.34)
                    or list(known.semaphores)))
            elif not known.killed[i]:
                known.asks(i, chance.randrange(mutexes + semaphores))
            known.compare()
    outside.prog = None                     # no program runs: the record is the host's
    return outside
