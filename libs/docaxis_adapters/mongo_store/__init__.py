"""`ReadStore` on MongoDB (6.0 or newer, a replica set), for services in processes of their own.

| module | what |
|---|---|
| `read_store` | `MongoReadStore`: the port, made of the parts below |
| `driver` | motor or PyMongo's own async client; the one file that knows the difference |
| `sessions` | deadlines, causal reads, and a transaction run until its result is known |
| `failures` | the driver's errors in the kernel's words |
| `registry`, `leftovers` | which spaces and tables there are; what dropped ones leave |
| `checkpoints` | how far each partition was applied; the guard of every `apply` |
| `fencing` | an `apply` that a dead process left open is ended by its successor |
| `shapes`, `declarations` | how a declared table lies in MongoDB, and what is kept of it |
| `writer`, `changes` | an `apply` |
| `reader`, `page_query` | rows by key, and pages |

A database belongs to one read store: the collections `spaces`, `tables`, `checkpoints`, `writers`,
`numbers`, and `t1`, `t2`, … with the rows. Importing this package loads no driver;
`MongoReadStore.open` does.
"""

from docaxis_adapters.mongo_store.driver import MongoDriver, MongoTls
from docaxis_adapters.mongo_store.read_store import MongoReadStore

__all__ = ["MongoDriver", "MongoReadStore", "MongoTls"]
