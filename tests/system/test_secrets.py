"""Secrets are not events, nor is free text: the log and the views are scanned for both."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from docaxis_client.administration import Administration
from docaxis_client.client import DocaxisClient
from docaxis_client.credentials import Credentials
from docaxis_client.models import DocumentType, Signer
from docaxis_client.submission import NewDocument, OutgoingFile
from docaxis_client.tracking import StatusReport
from docaxis_standalone.administrators import create_administrator
from docaxis_standalone.bootstrap import bootstrap_demo
from docaxis_standalone.composition import Axis, running_axis
from docaxis_standalone.data_folder import DataFolder

WORDS = {
    "subject": "Về việc tuyệt đối không nằm trong nhật ký",
    "content": "Nội dung tuyệt đối không nằm trong nhật ký",
    "place": "Nơi ban hành tuyệt đối không nằm trong nhật ký",
    "signer": "Người ký tuyệt đối không có",
    "position": "Chức vụ tuyệt đối không nằm trong nhật ký",
    "file": "Tên tệp tuyệt đối không nằm trong nhật ký.bin",
    "reason": "Lý do tuyệt đối không nằm trong nhật ký",
    "login": "ten.dang.nhap.khong.nam.trong.nhat.ky",
    "person": "Họ tên tuyệt đối không nằm trong nhật ký",
    "email": "khong@nam.trong.nhat.ky.example",
    "phone": "+84 999 888 777 666",
}


async def test_no_secret_and_no_free_text_is_in_the_log_or_the_views(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCAXIS_NOTIFICATION_ALLOW_LOOPBACK", "true")
    data = tmp_path / "data"
    async with running_axis(data) as axis:
        await bootstrap_demo(axis.clients, axis.folder, axis.url)
        webhook_secret, tokens = await use(axis)
        await use_accounts(axis)
        token_secret = await axis.ports.secrets.read("gateway.access-tokens")
    secrets = {
        "webhook secret": base64.b64decode(webhook_secret.removeprefix("whsec_")),
        "token secret": token_secret,
        **{f"token {number}": token.encode() for number, token in enumerate(tokens)},
        **dict(private_keys(DataFolder(data))),
    }
    stored = {path.name: path.read_bytes() for path in databases(data)}
    assert sum(map(len, stored.values())) > 100_000
    for name, secret in secrets.items():
        assert [where for where, bytes_ in stored.items() if holds(bytes_, secret)] == [], name
    for name, words in WORDS.items():
        found = [where for where, bytes_ in stored.items() if words.encode() in bytes_]
        assert found == [], name
    assert any(b"G22" in bytes_ for bytes_ in stored.values())  # the scan does find what is there


async def use(axis: Axis) -> tuple[str, list[str]]:
    """A document with words of all kinds, refused with a reason; the secrets that came up."""
    async with client(axis, "office") as office, client(axis, "hanoi") as hanoi:
        subscription = await office.subscribe("http://127.0.0.1:9/nobody-listens")
        answer = await office.submit(
            NewDocument(
                sender="G22",
                recipients=["H26"],
                id="G22,2026/11/22,1/MAU",
                number="1",
                notation="MAU",
                place=WORDS["place"],
                promulgated_on="2026-11-22",
                type=DocumentType(group=2, name="Công văn"),
                subject=WORDS["subject"],
                content=WORDS["content"],
                signer=Signer(
                    competence="TL.", position=WORDS["position"], full_name=WORDS["signer"]
                ),
            ),
            [OutgoingFile(WORDS["file"], b"content", "application/octet-stream")],
        )
        page = await hanoi.inbox(wait=10)
        (item,) = page.items
        assert item.document.subject == WORDS["subject"]
        await hanoi.acknowledge([item.delivery_id])
        await hanoi.report_statuses([StatusReport(item.delivery_id, "02", WORDS["reason"])])
        timeline = await office.timeline(answer.id)
        reasons = [entry.reason for copy in timeline.items for entry in copy.entries]
        assert WORDS["reason"] in reasons
        assert subscription.secret is not None
        return subscription.secret, [await office.access_token(), await hanoi.access_token()]


async def use_accounts(axis: Axis) -> None:
    """A person's account, as far as words of theirs come in."""
    chief = await create_administrator(axis.folder.root, "chief", axis.url)
    async with Administration(axis.url, Credentials.load(chief)) as chief_client:
        contact = {"email": WORDS["email"], "phone": WORDS["phone"]}
        made = await chief_client.register_account(WORDS["login"], "H26", "An", **contact)
        await chief_client.set_person(made.id, WORDS["person"], **contact)
        found = await chief_client.find_account(WORDS["login"])
        assert found.person is not None
        assert found.person.name == WORDS["person"]


def client(axis: Axis, name: str) -> DocaxisClient:
    return DocaxisClient(axis.url, Credentials.load(axis.folder.clients / f"{name}.json"))


def private_keys(folder: DataFolder) -> Iterator[tuple[str, bytes]]:
    """The secret numbers of every private key that the demonstration made."""
    paths = [
        folder.receipt_key,
        *folder.clients.glob("*.key.pem"),
        *folder.demo_pki.glob("*.key.pem"),
    ]
    assert len(paths) >= 8
    for path in paths:
        key = load_pem_private_key(path.read_bytes(), None)
        match key:
            case Ed25519PrivateKey():
                yield path.name, key.private_bytes_raw()
            case EllipticCurvePrivateKey():
                yield path.name, key.private_numbers().private_value.to_bytes(32)
            case RSAPrivateKey():
                yield path.name, key.private_numbers().p.to_bytes(key.key_size // 16)
            case _:
                raise AssertionError(f"{path} holds a key of another kind")


def databases(data: Path) -> list[Path]:
    return [path for path in data.iterdir() if path.is_file() and ".db" in path.name]


def holds(stored: bytes, secret: bytes) -> bool:
    """Whether the bytes hold the secret, plain or written down in a usual way."""
    forms = (
        secret,
        secret.hex().encode(),
        base64.b64encode(secret).rstrip(b"="),
        base64.urlsafe_b64encode(secret).rstrip(b"="),
    )
    return any(form in stored for form in forms)
