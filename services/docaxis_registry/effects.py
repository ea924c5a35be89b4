"""Effects of the registry: whose account was erased is forgotten (L19, L32).

Done by whoever owns the partition, one after the other, and again after a crash: an erasure that
was decided is carried out, however often its process dies.
"""

from collections.abc import Sequence

from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.follow_up import FollowUp
from docaxis_registry.domain.account_messages import AccountErased
from docaxis_registry.people import People


class Forgetting:
    """The work of an erasure. Raises `Unavailable`: then it is tried again, without bound."""

    def __init__(self, people: People) -> None:
        self._people = people

    async def work(self, event: AccountErased, envelope: Envelope) -> Sequence[FollowUp]:
        """Destroy what tells who held the account; nothing more is to be decided."""
        await self._people.destroy(event.account_id, event.login_id)
        return ()
