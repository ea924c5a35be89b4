"""Credentials of each kind: read from their files, and what a request carries."""

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from docaxis_client.credentials import CERTIFICATE, HMAC, Credentials
from docaxis_client.errors import CredentialsUnusable, ProblemError
from docaxis_client.proving import proof_of
from docaxis_client.tls import client_context
from docaxis_client.transport import Request
from docaxis_trust.message_signatures import SignedRequest, digest_of_body, verify_signature
from tests.grpc.authority import Authority

SECRET = b"m\xe1\xba\xadt"
ROOT = "https://truc.example/api/v1"


def write(folder: Path, **fields: object) -> Path:
    path = folder / "office.json"
    path.write_text(json.dumps({"system_id": "s", "organisations": ["G22"], **fields}))
    return path


def private(folder: Path, name: str, content: bytes) -> str:
    path = folder / name
    path.touch(mode=0o600)
    path.write_bytes(content)
    return name


def test_a_shared_secret_is_a_text_in_a_file_of_its_own(tmp_path: Path) -> None:
    name = private(tmp_path, "secret", SECRET + b"\r\n")
    found = Credentials.load(write(tmp_path, key_id="k", secret_file=name))
    assert (found.kind, found.key_id, found.secret) == (HMAC, "k", SECRET)
    assert SECRET.decode() not in repr(found)


def test_a_certificate_is_known_by_its_thumbprint(tmp_path: Path) -> None:
    files = Authority(tmp_path, "ca").issue("client")
    path = write(tmp_path, certificate_file="client.pem", private_key_file="client.key",
                 authority_file="ca.pem")  # fmt: skip
    found = Credentials.load(path)
    assert (found.kind, found.certificate_file) == (CERTIFICATE, files.certificate)
    assert len(found.key_id) == 43
    context = client_context(found)
    assert context is not None
    assert [each["subject"] for each in context.get_ca_certs()] == [((("commonName", "ca"),),)]


def test_unusable_files_are_named(tmp_path: Path) -> None:
    ca = Authority(tmp_path, "ca")
    ca.issue("client")
    ca.issue("other")
    private(tmp_path, "secret", b"x")
    private(tmp_path, "empty", b" \n")
    (tmp_path / "open").write_bytes(b"x")
    (tmp_path / "open").chmod(0o644)
    cases: tuple[tuple[Mapping[str, object], str], ...] = (
        ({"key_id": "k"}, "neither private_key_file nor secret_file"),
        ({"secret_file": "secret"}, "key_id is missing"),
        ({"key_id": "k", "secret_file": "empty"}, "empty"),
        ({"key_id": "k", "secret_file": "open"}, "0600"),
        ({"key_id": "k", "secret_file": "gone"}, "gone"),
        ({"key_id": "k", "secret_file": "secret", "private_key_file": "client.key"}, "beside"),
        ({"certificate_file": "client.key", "private_key_file": "client.key"}, "PEM form"),
        ({"certificate_file": "client.pem"}, "neither"),
    )
    for fields, told in cases:
        with pytest.raises(CredentialsUnusable, match=told):
            Credentials.load(write(tmp_path, **fields))
    for fields in (
        {"certificate_file": "client.pem", "private_key_file": "other.key"},
        {"key_id": "k", "secret_file": "secret", "authority_file": "gone"},
        {"key_id": "k", "secret_file": "secret", "authority_file": "client.key"},
    ):
        with pytest.raises(CredentialsUnusable):
            client_context(Credentials.load(write(tmp_path, **fields)))


async def no_token(form: object) -> bytes:
    raise AssertionError("no token is asked for")


def arrived(request: Request, sent: Mapping[str, str]) -> SignedRequest:
    """The request as the axis sees it."""
    path, _, query = request.path.partition("?")
    fields = [*request.headers.items(), *sent.items()]
    return SignedRequest(request.method, f"/api/v1{path}", query, fields, bool(request.body))


async def test_each_request_is_signed_with_its_body(tmp_path: Path) -> None:
    proof = proof_of(Credentials("s", "k", b"", secret=SECRET), ROOT, no_token)

    async def counted() -> AsyncIterator[bytes]:
        raise AssertionError("the progress bar would run twice")
        yield b""

    async def untold() -> AsyncIterator[bytes]:
        yield b"ab"
        yield b"c"

    digest = hashlib.sha256(b"abc").digest()
    told = {"Content-Digest": "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:"}
    for request, body in (
        (Request("GET", "/organisations?query=H%C3%A0+N%E1%BB%99i"), None),
        (Request("POST", "/a%2Fb:resend", {}, b""), None),
        (Request("POST", "/documents", {"Content-Type": "a/b"}, b"abc"), digest),
        (Request("PATCH", "/uploads/1", {}, counted, untold), digest),
        (Request("PUT", "/uploads/1", told, counted), digest),
    ):
        sent = await proof.headers(request)
        message = arrived(request, sent)
        found = verify_signature(message, SECRET, 0, 1 << 40)
        assert found.key_id == "k"
        if body is not None:
            assert digest_of_body(message) == body


async def test_a_signature_that_came_twice_is_made_anew_once_others_are_not() -> None:
    proof = proof_of(Credentials("s", "k", b"", secret=SECRET), ROOT, no_token)
    request = Request("GET", "/me")
    first = await proof.headers(request)
    again = await proof.renewed(request, first, ProblemError("signature_replayed", 401))
    assert again is not None
    assert again != first
    assert await proof.renewed(request, first, ProblemError("signature_invalid", 401)) is None


async def test_a_certificate_is_for_https_alone(tmp_path: Path) -> None:
    credentials = Credentials("s", "k", b"", certificate_file=tmp_path / "x")
    assert await proof_of(credentials, ROOT, no_token).headers(Request("GET", "/me")) == {}
    with pytest.raises(CredentialsUnusable, match="https"):
        await proof_of(credentials, "http://truc", no_token).headers(Request("GET", "/me"))
