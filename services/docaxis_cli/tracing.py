"""`docaxis trace`: a document's way through the services, as a tree."""

from typing import TYPE_CHECKING, Annotated

import typer

from docaxis_cli import options
from docaxis_cli.session import OK, REFUSED, AxisSession

if TYPE_CHECKING:
    from docaxis_client.client import DocaxisClient

TRACES_FILE = "traces.jsonl"
"""Within the data folder (see `docaxis_standalone.data_folder`)."""


def trace(
    document: Annotated[str, typer.Argument(metavar="DOCUMENT", help="The document's id.")],
    name: options.As = None,
    credentials: options.CredentialsFile = None,
    url: options.Url = None,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Show a document's way through the services.

    From its submit until its copies are ready, and what followed. The demonstration keeps its last
    traces, and so does an axis with DOCAXIS_KEEP_TRACES=true; else the trace's id is told. Exit
    code 1 when there is no trace.
    """
    session = AxisSession(
        data=data, name=name, credentials=credentials, url=url, as_json=as_json, language=lang
    )

    async def work(axis: "DocaxisClient") -> int:
        from docaxis_runtime.kept_spans import read_spans, traces_linked_to, tree_of

        trace_id = (await axis.timeline(document, limit=1)).trace_id
        if trace_id is None:
            session.give({"trace_id": None})
            session.say("trace_none")
            return REFUSED
        spans = read_spans(data / TRACES_FILE)
        tree = tree_of(spans, trace_id)
        linked = {each: tree_of(spans, each) for each in traces_linked_to(spans, trace_id)}
        session.give({"trace_id": trace_id, "spans": tree, "linked": linked})
        if not tree:
            session.say("trace_elsewhere", trace_id=trace_id, folder=data)
        elif not session.as_json:
            from docaxis_cli.trace_view import trace_view

            session.show(trace_view(session.words, trace_id, tree, linked))
        return OK

    session.call(work)
