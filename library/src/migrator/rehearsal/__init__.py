"""A deploy on a copy of the data, before the real one: how long it takes, and what it blocks.

`source` chooses the data, `workspace` keeps what must not stay, `server` is where the copy goes and
`disk` whether it fits. `rehearsal` restores it and runs the real deploy there; meanwhile `recorder`
makes a `statement` of each, with a `moment` before and after it and what the `sampler` sees from
another session. `result` is what becomes of it, and what is kept.
"""
