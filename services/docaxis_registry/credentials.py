"""A system's credential as it comes in: read, refused where it says too much, named."""

import base64
import json
import re
from typing import Any

from docaxis_eventsourcing.errors import DocaxisError, FieldProblem
from docaxis_proto import registry_v1_pb2

_PRIVATE = frozenset(("d", "p", "q", "dp", "dq", "qi", "oth", "k"))
_CURVES = {"OKP": "Ed25519", "EC": "P-256"}
_LONGEST = 4096
_SECRET_NAME = re.compile(r"[A-Za-z0-9_-]{16,64}")
_SHA256 = 32


def read_credential(request: registry_v1_pb2.AddCredentialRequest) -> tuple[str, str]:
    """Id and public JWK of what a request adds; the JWK is empty for a kind that has none.

    Raises `DocaxisError` `field_invalid` with the field that does not fit the kind.
    """
    match request.kind:
        case "certificate":
            return read_thumbprint(request.thumbprint), ""
        case "hmac":
            if not _SECRET_NAME.fullmatch(request.credential_id):
                raise _refused("an id of 16-64 letters, digits, - and _", "credential_id")
            return request.credential_id, ""
        case _:
            return read_public_jwk(request.public_jwk)


def read_thumbprint(text: str) -> str:
    """A certificate's SHA-256 thumbprint as base64url (`x5t#S256` of RFC 8705).

    Hexadecimal is taken too, with or without colons: that is how tools print it. Raises
    `DocaxisError` `field_invalid`.
    """
    try:
        if len(text) >= 2 * _SHA256:
            digest = bytes.fromhex(text.replace(":", ""))
        else:
            digest = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except ValueError:
        digest = b""
    if len(digest) != _SHA256:
        raise _refused("the SHA-256 of a certificate, base64url or hexadecimal", "thumbprint")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def read_public_jwk(text: str) -> tuple[str, str]:
    """The thumbprint (RFC 7638) of a public JWK, and the JWK as JSON in its one form.

    Ed25519 (RFC 8037) or P-256 (RFC 7518). Raises `DocaxisError` `field_invalid`, above all
    where private members came: such a key is no secret any more.
    """
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey, OKPKey

    if len(text) > _LONGEST:
        raise _refused(f"at most {_LONGEST} characters")
    try:
        members = json.loads(text)
    except ValueError:
        raise _refused("a JSON object") from None
    if not isinstance(members, dict):
        raise _refused("a JSON object")
    if _PRIVATE & members.keys():
        raise _refused("a public key, without private members")
    kind = members.get("kty")
    if not isinstance(kind, str) or members.get("crv") != _CURVES.get(kind, ""):
        raise _refused("a key on Ed25519 or P-256")
    keys: Any = OKPKey if kind == "OKP" else ECKey
    try:
        key = keys.import_key({name: members.get(name) for name in ("kty", "crv", "x", "y")})
        # Once through PEM, so that one key has one form, however its numbers were written.
        key = keys.import_key(key.as_pem(private=False))
    except (JoseError, ValueError, KeyError, TypeError):
        raise _refused("a valid key on Ed25519 or P-256") from None
    thumbprint = key.thumbprint()
    public = {**key.as_dict(private=False), "kid": thumbprint}
    return thumbprint, json.dumps(public, sort_keys=True, separators=(",", ":"))


def _refused(expected: str, field: str = "public_jwk") -> DocaxisError:
    params = {"field": field, "expected": expected}
    problem = FieldProblem(f"/{field}", "field_invalid", params)
    return DocaxisError("field_invalid", params, fields=(problem,))
