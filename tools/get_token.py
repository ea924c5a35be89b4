"""Get an access token, for `curl`.

    TOKEN=$(.venv/bin/python tools/get_token.py data/clients/office.json)

The argument is a system's credentials file, a second one the axis's address where the file names
none. The token goes to stdout and is good for some minutes.
"""

import json
import sys
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from docaxis_client.credentials import Credentials
from docaxis_client.errors import CredentialsUnusable
from docaxis_client.tokens import ASSERTION_LIFETIME_S, ASSERTION_TYPE, AUDIENCE, GRANT
from docaxis_trust.assertions import make_assertion


def get_token(credentials: Credentials, url: str) -> str:
    """Prove who the system is with its key (RFC 7523) and get a token."""
    assertion = make_assertion(
        credentials.private_key_pem,
        credentials.key_id,
        credentials.system_id,
        AUDIENCE,
        int(time.time()),
        ASSERTION_LIFETIME_S,
    )
    form = {
        "grant_type": GRANT,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
    }
    request = Request(f"{url}/api/v1/token", urlencode(form).encode())  # noqa: S310 - given by its user
    with urlopen(request, timeout=10) as answer:  # noqa: S310
        return str(json.load(answer)["access_token"])


def main() -> int:
    """Print the token; returns the exit status."""
    if len(sys.argv) not in (2, 3):
        sys.stderr.write(f"usage: {sys.argv[0]} CREDENTIALS.json [URL]\n")
        return 2
    try:
        credentials = Credentials.load(Path(sys.argv[1]))
        url = sys.argv[2] if len(sys.argv) == 3 else credentials.base_url
        if not url:
            sys.stderr.write("the credentials file names no address; give it as second argument\n")
            return 2
        sys.stdout.write(get_token(credentials, url.rstrip("/")) + "\n")
    except CredentialsUnusable as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except HTTPError as error:
        sys.stderr.write(f"{error}: {error.read().decode(errors='replace')}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"the axis does not answer: {error}\n")
        return 3
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
