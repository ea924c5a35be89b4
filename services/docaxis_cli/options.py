"""Options that many commands share, so that they read the same everywhere."""

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_DATA = Path("data")

Data = Annotated[
    Path,
    typer.Option(
        "--data", envvar="DOCAXIS_DATA", help="Data folder; credentials lie in its clients/."
    ),
]
As = Annotated[
    str | None,
    typer.Option("--as", metavar="NAME", help="Act as this system: <data>/clients/NAME.json."),
]
CredentialsFile = Annotated[
    Path | None,
    typer.Option(
        "--credentials", envvar="DOCAXIS_CREDENTIALS", help="Credentials file, instead of --as."
    ),
]
Url = Annotated[
    str | None,
    typer.Option(
        "--url", envvar="DOCAXIS_URL", help="Address of the axis; else as the credentials say."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, and nothing else.")]
Lang = Annotated[
    str | None,
    typer.Option("--lang", metavar="vi|en", help="Language of messages; else from LANG."),
]
