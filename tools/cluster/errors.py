"""What can go wrong with servers on this machine, told in words for the person who reads it."""


class ClusterError(Exception):
    """A server could not be fetched, started or reached; the message says what to do."""


class MissingProgramError(ClusterError):
    """A program that this machine lacks; the message names it and how to install it."""


class FetchError(ClusterError):
    """What a server is made of could not be fetched; the message holds the fetcher's last words."""
