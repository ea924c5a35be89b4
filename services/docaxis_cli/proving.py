"""`docaxis verify`: whether a receipt was signed by the axis, offline where keys are at hand."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from docaxis_cli import options
from docaxis_cli.session import NOT_PROVEN, OK, AxisSession, UsageProblem

if TYPE_CHECKING:
    from docaxis_client.receipts import ReceiptClaims


def verify(
    receipt: Annotated[
        str,
        typer.Argument(
            metavar="RECEIPT", help="A file (.jws, or JSON with a jws member), a JWS, or an id."
        ),
    ],
    keys: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="The axis's key set, to check offline."),
    ] = None,
    document: Annotated[str | None, typer.Option(help="It must be about this document.")] = None,
    save_keys: Annotated[
        Path | None,
        typer.Option(
            "--save-keys", dir_okay=False, help="Keep the published keys, for checks offline."
        ),
    ] = None,
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Check a receipt: who signed it, and what it says. Exit code 4 when it proves nothing.

    With --keys nothing is asked of any network. With --url the axis's published keys are fetched;
    an id is fetched, too, and needs credentials.
    """
    session = AxisSession(
        data=data, name=name, credentials=credentials, url=url, as_json=as_json, language=lang
    )

    async def work() -> int:
        from docaxis_client.errors import ReceiptInvalid
        from docaxis_client.receipts import verify_receipt

        jws = _at_hand(session, receipt)
        if jws is None:
            jws = await _fetched(session, receipt, url)
        key_set = _stored(session, keys) if keys else await _published(session, url)
        if save_keys is not None:
            save_keys.write_bytes(msgspec.json.encode(key_set))
        try:
            claims = verify_receipt(jws, key_set, document_id=document)
        except ReceiptInvalid as error:
            if not session.as_json:
                raise
            session.give({"valid": False, "code": error.code, "detail": str(error)})
            return NOT_PROVEN
        session.give({"valid": True, "claims": claims.claims})
        _tell(session, claims)
        return OK

    session.run(work)


def _at_hand(session: AxisSession, receipt: str) -> str | None:
    """The JWS in a file or in the argument itself; `None` for what can only be an id."""
    if receipt.count(".") == 2 and receipt.startswith("ey"):
        return receipt
    path = Path(receipt)
    if not path.is_file():
        if len(receipt) > 64 or "/" in receipt or path.suffix:
            raise UsageProblem(session.words("not_a_receipt", text=receipt[:80]))
        return None
    text = path.read_text(errors="replace").strip()
    if text.startswith("{"):
        try:
            return str(msgspec.json.decode(text)["jws"])
        except (msgspec.MsgspecError, KeyError) as error:
            raise UsageProblem(session.words("not_a_receipt", text=receipt)) from error
    return text


async def _fetched(session: AxisSession, receipt_id: str, url: str | None) -> str:
    from docaxis_client.client import DocaxisClient

    language = session.words.language
    async with DocaxisClient(url, session.credentials(), language=language) as axis:
        return (await axis.receipt(receipt_id)).jws


def _stored(session: AxisSession, path: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise UsageProblem(session.words("not_keys", path=path)) from error


async def _published(session: AxisSession, url: str | None) -> dict[str, Any]:
    from docaxis_client.errors import CredentialsUnusable
    from docaxis_client.proofs import published_keys

    address = url
    if address is None:
        try:
            address = session.credentials().base_url
        except (CredentialsUnusable, UsageProblem):
            address = None
    if address is None:
        raise UsageProblem(session.words("which_keys"))
    return dict(await published_keys(address))


def _tell(session: AxisSession, claims: "ReceiptClaims") -> None:
    session.say("receipt_is_valid")
    session.say(
        "says_accepted" if claims.kind == "accepted" else "says_handed_over",
        sender=claims.sender,
        recipient=claims.recipient,
        at=f"{claims.at:%Y-%m-%d %H:%M:%S} UTC",
        document=claims.document_id,
        digest=claims.content_digest,
    )
