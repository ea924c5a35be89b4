"""`docaxis keys`: the keys of a new installation, before anything of it runs."""

from pathlib import Path
from typing import Annotated

import typer

from docaxis_cli import options
from docaxis_cli.session import OK, Session


def keys(
    folder: Annotated[Path, typer.Argument(file_okay=False, help="Made where it is not there.")],
    namespace: Annotated[
        str, typer.Option(help="Kubernetes' namespace, a part of the certificates' names.")
    ] = "docaxis",
    as_json: options.Json = False,
    lang: options.Lang = None,
) -> None:
    """Make the keys of an installation: one folder for each process.

    Certificates for TLS between processes, the key of receipts, the keys of the store of files.
    What is there stays as it is. Keep `authority` apart: whoever has it can be any of them.
    """
    session = Session(as_json=as_json, language=lang)

    async def work() -> int:
        from docaxis_process.installation_keys import make_installation_keys

        made = make_installation_keys(folder, namespace)
        session.give({"folder": str(folder), "made": [str(each) for each in made]})
        session.say("keys_made", count=len(made), folder=folder)
        return OK

    session.run(work)
