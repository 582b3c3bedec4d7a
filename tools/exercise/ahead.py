"""Some calls at once, in threads, with the results in order.

    for result in ahead(function, items, places):       # as map() has it

A call begins only if at most places - 1 results are still to be taken before its own. So whoever
stops at a result has had few calls for nothing; those that have begun come to their end first.
With one place each call begins when its result is asked for. A function that waits for a process,
as for a machine, loses nothing by being in a thread.
"""
import collections
from concurrent.futures import ThreadPoolExecutor


def ahead(function, items, places):
    """function(item) of each item, in their order; an exception comes where its result would."""
    begun = collections.deque()
    with ThreadPoolExecutor(places) as threads:
        for item in items:
            begun.append(threads.submit(function, item))
            if len(begun) == places:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
