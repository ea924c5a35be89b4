"""What the kernel needs of the world, one Protocol a module; each docstring is the contract.

`EventLog`, `ReadStore`, `FileStore`, `Signer` and `Secrets` have an embedded and a distributed
adapter in `docaxis_adapters`; every adapter passes the same tests in `tests/contract/`.
"""
