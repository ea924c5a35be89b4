"""Whether the deployment files say what the code reads: `python -m tools.deployment check`.

`kubernetes` and `compose` read the files and check what is theirs; both give `processes`, which are
held against the settings that each process's code reads; `topics` are held against those that the
code declares, and written from them. `schemas` checks the form of every object, offline.
"""
