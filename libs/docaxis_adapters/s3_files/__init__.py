"""The `FileStore` on any S3-compatible store, through obstore. See ADR 0017.

| module | what |
|---|---|
| `store` | `S3FileStore`: the port, and nothing but names checked and work handed on |
| `connection` | a client from settings: what may be plain HTTP, which environment is not heard |
| `objects` | the calls that are needed, each with a deadline and the port's errors |
| `upload` | an upload on its way: one PUT, or parts |
| `staging` | finished uploads, found by any process through a companion object |
| `partials` | uploads in pieces, put together when all bytes are there |
| `document_folders` | a document's files in their generations (L31) |
| `verified_reading` | streaming by ranges, a whole read verified |
| `local_copies` | fetched copies for worker processes |

Keys, below a prefix:

| key | holds |
|---|---|
| `staging/<system>/<upload>/<version>` | bytes of one finished upload; never written twice |
| `staging/<system>/<upload>/current` | companion: which version stands, its digest and size |
| `partial/<system>/<upload>/plan` | an upload in pieces: size and digest that were told |
| `partial/<system>/<upload>/<version>/<offset>` | its bytes from there on; created once |
| `documents/<id>/<digest>` | a document's file, first generation |
| `documents/<id>/<generation>/<digest>` | the same, after the folder was retired |
| `retired/<id>/<generation>` | empty: this generation has begun |
"""

from docaxis_adapters.s3_files.store import S3FileStore

__all__ = ["S3FileStore"]
