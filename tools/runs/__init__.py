"""Pictures of runs: what a machine did, and what its memory looked like, seen from outside."""
