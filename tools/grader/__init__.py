"""The grader: it boots machines and judges what they did.

A Test (model.py) says what is booted and what must be true. runner.py says when, machine.py boots
it and gives a Run, judge.py makes of that an Outcome, and screen.py and formats.py show it. The
grader knows nothing of the labs' files, nor of regions and hand-ins: these are above it.

This file makes the folder a package. Without it a package of the same name that is installed on
this machine would take its place.
"""
