"""All services in one process, on the embedded adapters: the laptop's form of the axis.

The services are the ones that a cluster runs; only `composition` knows that they share a process.
Start with `composition` (what is wired to what), then `main` (how it is served), `bootstrap` (the
demonstration's agencies) and `rebuild` (views made again from the log).
"""
