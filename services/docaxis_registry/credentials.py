"""A system's public key as it comes in: read, refused where it says too much, named."""

import json
from typing import Any

from docaxis_eventsourcing.errors import DocaxisError, FieldProblem

_PRIVATE = frozenset(("d", "p", "q", "dp", "dq", "qi", "oth", "k"))
_CURVES = {"OKP": "Ed25519", "EC": "P-256"}
_LONGEST = 4096


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


def _refused(expected: str) -> DocaxisError:
    params = {"field": "public_jwk", "expected": expected}
    problem = FieldProblem("/public_jwk", "field_invalid", params)
    return DocaxisError("field_invalid", params, fields=(problem,))
