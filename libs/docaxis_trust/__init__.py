"""Certificates, signatures and receipts: what a document's bytes prove, and what the axis attests.

Nothing here talks to a network or to another part of docaxis; the files read and written are those
whose paths are handed in.

Checking documents: start with ``verdicts`` (what can come out, and how several signatures make one
verdict), then ``verification`` (one file) and ``workers`` (the same in processes that may be
killed). ``pades`` and ``cms`` find signatures, ``signed_data`` judges one, ``certificate_paths``
judges its certificate, ``certificate_subjects`` tells a seal from a person.

Signing documents: ``identity`` (key and certificate), ``cms`` and ``pades``; ``demo_pki`` makes
sample ones.

The axis's own word: ``receipts``, signed by a ``key_file_signer``, checked with a ``jwk_set``.

Who is calling: ``assertions`` (a system's proof by its own key) and ``access_tokens``.
"""
