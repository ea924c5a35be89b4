"""Signature has no reactions: all that it does upon an event is slow or foreign, see `effects`."""
