"""Options of commands that speak with a cluster's registry itself: its address, and TLS."""

from pathlib import Path
from typing import Annotated

import typer

Registry = Annotated[
    str, typer.Option(help="gRPC address of the registry, where it is a process of its own.")
]
Certificate = Annotated[
    Path | None,
    typer.Option(
        "--tls-certificate",
        envvar="DOCAXIS_TLS_CERTIFICATE",
        help="With --registry on another machine: PEM certificate chain.",
    ),
]
Key = Annotated[
    Path | None,
    typer.Option("--tls-key", envvar="DOCAXIS_TLS_KEY", help="PEM key of that certificate."),
]
Authority = Annotated[
    Path | None,
    typer.Option(
        "--tls-authority",
        envvar="DOCAXIS_TLS_AUTHORITY",
        help="PEM certificates of the authority of all services.",
    ),
]
