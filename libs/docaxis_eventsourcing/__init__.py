"""The event kernel: what turns commands into events, exactly once, and events into views.

Start with `decider` (what a domain offers), then `processor` (how commands are decided),
`reactions` and `effects` (how events become commands), `projector` (how events become views) and
`front_door` (how a command gets in and its outcome out). `ports` says what is needed of the world.
The rules are cited by number (L1-L34); `docs/explanation/event-kernel.md` lists them.
"""
