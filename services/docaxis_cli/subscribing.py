"""`docaxis subscribe`, `subscriptions`, `unsubscribe` and `notifications`: news by webhook."""

from typing import TYPE_CHECKING, Annotated

import typer

from docaxis_cli import options
from docaxis_cli.looking_up import Cursor, Limit
from docaxis_cli.session import OK, AxisSession

if TYPE_CHECKING:
    from docaxis_client.client import DocaxisClient

Subscription = Annotated[str, typer.Argument(metavar="SUBSCRIPTION", help="The subscription's id.")]


def subscribe(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Where to tell: https://…")],
    organisation: Annotated[
        list[str] | None,
        typer.Option("--organisation", help="Only of this one of yours; once for each."),
    ] = None,
    event_type: Annotated[
        list[str] | None,
        typer.Option("--event-type", help="Only such news (delivery.ready); once for each."),
    ] = None,
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Have news told to a webhook. Keep the secret that signs them: it is told once."""
    session = AxisSession(
        data=data, name=name, credentials=credentials, url=url, as_json=as_json, language=lang
    )

    async def work(axis: "DocaxisClient") -> int:
        made = await axis.subscribe(
            address, organisations=organisation or None, event_types=event_type or None
        )
        session.give(made)
        session.say("subscribed", id=made.id)
        session.say("subscription_secret", secret=made.secret)
        return OK

    session.call(work)


def subscriptions(
    limit: Limit = 50,
    cursor: Cursor = None,
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """List your subscriptions."""
    session = AxisSession(
        data=data, name=name, credentials=credentials, url=url, as_json=as_json, language=lang
    )

    async def work(axis: "DocaxisClient") -> int:
        page = await axis.subscriptions(limit=limit, cursor=cursor)
        session.give(page)
        for each in page.items:
            session.line(f"{each.id}  {each.url}  {' '.join(each.event_types)}".rstrip())
        if not page.items:
            session.say("nothing_found")
        if page.next:
            session.say("more", cursor=page.next)
        return OK

    session.call(work)


def unsubscribe(
    subscription: Subscription,
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """End a subscription."""
    session = AxisSession(
        data=data, name=name, credentials=credentials, url=url, as_json=as_json, language=lang
    )

    async def work(axis: "DocaxisClient") -> int:
        await axis.unsubscribe(subscription)
        session.give({"id": subscription, "active": False})
        session.say("unsubscribed", id=subscription)
        return OK

    session.call(work)


def notifications(
    subscription: Subscription,
    limit: Limit = 50,
    cursor: Cursor = None,
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """List what a subscription was told, and what failed."""
    session = AxisSession(
        data=data, name=name, credentials=credentials, url=url, as_json=as_json, language=lang
    )

    async def work(axis: "DocaxisClient") -> int:
        page = await axis.notifications(subscription, limit=limit, cursor=cursor)
        session.give(page)
        for each in page.items:
            told = (f"{key} {value}" for key, value in each.items() if value not in (None, "", []))
            session.line("  ".join(told))
        if not page.items:
            session.say("nothing_found")
        if page.next:
            session.say("more", cursor=page.next)
        return OK

    session.call(work)
