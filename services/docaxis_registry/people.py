"""Who holds an account: name, contact data and login, behind the port of secrets (L32).

Neither the log nor a view ever holds them, so that destroying them here erases the person. Names
of what is kept:

- `person.<account id>`: the card, that is login, name and contact data (JSON);
- `login-id.<digest>`: the login id of a login name, by the name's SHA-256: drawn by chance for
  whoever asks first, so that all get the same one and none can be computed from the name;
- `login-of.<login id>`: that digest, so that an erasure finds it.

The card is written once its account is in the log. A process that dies in between leaves an account
without one, which everybody sees and the same call mends; the other way round it would leave a
person's data that no account tells of, and nobody would ever erase it.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from hashlib import sha256
from uuid import UUID

import msgspec
import structlog

from docaxis_eventsourcing.errors import Unavailable
from docaxis_eventsourcing.ports.secrets import Secrets
from docaxis_registry.asking import fault

LONGEST_NAME = 200
LONGEST_EMAIL = 254
LONGEST_PHONE = 40
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@-]{1,62}[a-z0-9]")
_RAW_BYTES = 16

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Card:
    """A person's data, kept as they were sent, the login in lower case; none of it in a `repr`."""

    login: str = field(repr=False)
    name: str = field(repr=False)
    email: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)


class People:
    """Raises `Unavailable` where the secrets cannot be read or written now."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    async def login_id(self, login: str) -> str:
        """The id of a login name (see `login_of`), made for who asks first."""
        digest = _digest(login)
        raw = await self._secrets.read_or_create(_login_name(digest), _RAW_BYTES)
        login_id = _id_of(raw)
        await self._secrets.write(_reverse_name(login_id), digest.encode())
        return login_id

    async def known_login_id(self, login: str) -> str | None:
        """The same where it was made before; None where nobody ever had such a login."""
        raw = await self._read(_login_name(_digest(login)))
        return None if raw is None else _id_of(raw)

    async def leave(self, login: str, login_id: str) -> None:
        """After a refusal: take back what `login_id` wrote while an erasure destroyed the rest.

        Where the name still has this id, an erasure to come finds it all.
        """
        if await self.known_login_id(login) != login_id:
            await self._secrets.remove(_reverse_name(login_id))

    async def read(self, account_id: str) -> Card | None:
        """The card; None where there is none, or it is damaged: that costs its own words alone."""
        raw = await self._read(_card_name(account_id))
        if raw is None:
            return None
        try:
            return msgspec.json.decode(raw, type=Card)
        except msgspec.DecodeError:
            _log.error("person_card_damaged", account_id=account_id)
            return None

    async def write(self, account_id: str, card: Card) -> None:
        """Keep or replace a card, durably."""
        await self._secrets.write(_card_name(account_id), msgspec.json.encode(card))

    async def destroy_card(self, account_id: str) -> None:
        """Nothing happens if there is none."""
        await self._secrets.remove(_card_name(account_id))

    async def destroy(self, account_id: str, login_id: str) -> None:
        """Destroy all that tells who held an account; repeats are harmless.

        The name's digest goes before what leads to it, so who was cut off finds the rest. What
        somebody else's login is by now stays: the ids tell them apart.
        """
        digest = await self._read(_reverse_name(login_id))
        if digest is not None:
            name = _login_name(digest.decode())
            raw = await self._read(name)
            if raw is not None and _id_of(raw) == login_id:
                await self._secrets.remove(name)
            await self._secrets.remove(_reverse_name(login_id))
        await self.destroy_card(account_id)

    async def _read(self, name: str) -> bytes | None:
        try:
            return await self._secrets.read(name)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unavailable("secrets cannot be read") from error


def login_of(text: str) -> str:
    """A login name as it counts: upper and lower case are one.

    ASCII alone, so that no name looks like another and none has two forms. Raises `DocaxisError`
    `field_invalid`.
    """
    login = text.lower()
    if not text.isascii() or not _LOGIN.fullmatch(login):
        expected = "3-64 of a-z, 0-9, . _ - @; the first and the last a letter or digit"
        raise fault("field_invalid", "login", expected=expected)
    return login


def card_of(login: str, name: str, email: str, phone: str) -> Card:
    """A card whose fields have their bounds. Raises `DocaxisError` `field_invalid`."""
    if not name.strip() or len(unicodedata.normalize("NFC", name)) > LONGEST_NAME:
        raise fault("field_invalid", "name", expected=f"1-{LONGEST_NAME} characters")
    for name_of, text, most in (("email", email, LONGEST_EMAIL), ("phone", phone, LONGEST_PHONE)):
        if len(text) > most:
            raise fault("field_invalid", name_of, expected=f"at most {most} characters")
    return Card(login, name, email, phone)


def _digest(login: str) -> str:
    return sha256(login.encode()).hexdigest()


def _id_of(raw: bytes) -> str:
    return str(UUID(bytes=raw, version=4))


def _card_name(account_id: str) -> str:
    return f"person.{account_id}"


def _login_name(digest: str) -> str:
    return f"login-id.{digest}"


def _reverse_name(login_id: str) -> str:
    return f"login-of.{login_id}"
