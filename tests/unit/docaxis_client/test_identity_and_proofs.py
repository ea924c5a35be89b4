import asyncio
import json
from pathlib import Path

import pytest

from docaxis_client import (
    Credentials,
    CredentialsUnusable,
    DocaxisClient,
    OutgoingFile,
    ProblemError,
    ReceiptInvalid,
    verify_receipt,
)
from docaxis_trust.key_file_signer import KeyFileSigner
from docaxis_trust.receipts import sign_receipt
from tests.unit.docaxis_client.conftest import letter
from tests.unit.docaxis_client.sample_axis import SampleAxis

FILES = [OutgoingFile("a.pdf", b"%PDF-1")]


async def test_many_calls_share_one_token(axis: SampleAxis, office: DocaxisClient) -> None:
    answers = await asyncio.gather(*(office.me() for _ in range(20)))
    assert {each.system_id for each in answers} == {"system-1"}
    assert axis.count("POST", "/token") == 1


async def test_a_token_is_renewed_before_it_ends(axis: SampleAxis, office: DocaxisClient) -> None:
    axis.token_life_s = 0.5
    await office.me()
    await asyncio.sleep(0.45)
    await office.me()
    assert axis.count("POST", "/token") == 2
    assert axis.count("GET", "/me") == 2


async def test_a_token_that_ended_early_is_got_anew_once_for_all(
    axis: SampleAxis, office: DocaxisClient
) -> None:
    await office.me()
    axis.tokens.clear()
    await asyncio.gather(*(office.me() for _ in range(10)))
    assert axis.count("POST", "/token") == 2


async def test_a_token_refused_twice_is_a_problem(axis: SampleAxis, office: DocaxisClient) -> None:
    axis.fail("GET", "/me", "expired")
    axis.fail("GET", "/me", "expired")
    with pytest.raises(ProblemError) as refused:
        await office.me()
    assert refused.value.status == 401


async def test_a_lost_token_answer_is_asked_with_a_new_assertion(
    axis: SampleAxis, office: DocaxisClient
) -> None:
    axis.fail("POST", "/token", "lost")
    assert (await office.me()).organisations[0].code == "G22"
    assert len(axis.assertions_seen) == 2


async def test_a_stranger_is_refused(axis: SampleAxis) -> None:
    known = axis.new_system("G22")
    stranger = Credentials("nobody", "key-1", known.private_key_pem, (), axis.url)
    async with DocaxisClient(None, stranger) as client:
        with pytest.raises(ProblemError) as refused:
            await client.me()
    assert refused.value.code == "invalid_client"


async def test_receipts_are_verified_against_the_published_keys(office: DocaxisClient) -> None:
    sent = await office.submit(letter(), FILES)
    (receipt,) = await office.document_receipts(sent.id)
    document = await office.document(sent.id)
    claims = await office.verify_receipt(
        receipt.jws, document_id=sent.id, content_digest=document.content_digest
    )
    assert (claims.kind, claims.sender) == ("accepted", "G22")
    assert sent.receipt is not None
    assert await office.receipt(sent.receipt) == receipt
    assert (await office.receipts()).items == (receipt,)


async def test_a_receipt_can_be_verified_offline(office: DocaxisClient) -> None:
    sent = await office.submit(letter(), FILES)
    (receipt,) = await office.document_receipts(sent.id)
    keys = json.loads(json.dumps(await office.key_set()))
    assert verify_receipt(receipt.jws + "\n", keys).document_id == sent.id


async def test_a_receipt_about_another_document_proves_nothing(office: DocaxisClient) -> None:
    sent = await office.submit(letter(), FILES)
    (receipt,) = await office.document_receipts(sent.id)
    with pytest.raises(ReceiptInvalid) as invalid:
        await office.verify_receipt(receipt.jws, document_id="another")
    assert invalid.value.code == "receipt_about_other"


async def test_a_changed_receipt_is_found_out(office: DocaxisClient) -> None:
    sent = await office.submit(letter(), FILES)
    (receipt,) = await office.document_receipts(sent.id)
    header, payload, signature = receipt.jws.split(".")
    changed = f"{header}.{'A' if payload[5] != 'A' else 'B'}{payload[1:]}.{signature}"
    with pytest.raises(ReceiptInvalid):
        await office.verify_receipt(changed)


async def test_a_forged_receipt_is_found_out(
    axis: SampleAxis, office: DocaxisClient, tmp_path: Path
) -> None:
    forger = KeyFileSigner.create(tmp_path / "forger.pem")
    forged = sign_receipt({"iss": "docaxis", "document_id": "x"}, forger)
    with pytest.raises(ReceiptInvalid) as invalid:
        await office.verify_receipt(forged)
    assert invalid.value.code == "receipt_unknown_key"
    # An unknown key is worth one more look at what is published.
    assert axis.count("GET", "/keys") == 2


async def test_a_genuine_receipt_without_claims_proves_nothing(
    axis: SampleAxis, office: DocaxisClient
) -> None:
    with pytest.raises(ReceiptInvalid) as invalid:
        await office.verify_receipt(sign_receipt({"iss": "docaxis"}, axis.signer))
    assert invalid.value.code == "receipt_malformed"


async def test_what_is_subscribed_comes_back_with_its_secret(office: DocaxisClient) -> None:
    subscription = await office.subscribe("https://example.org/hook", organisations=["G22"])
    assert (subscription.secret, subscription.organisation_ids) == ("whsec_sample", ("org-G22",))


async def test_an_unknown_organisation_comes_with_suggestions(office: DocaxisClient) -> None:
    assert (await office.organisation("H29")).code == "H29"
    with pytest.raises(ProblemError) as refused:
        await office.organisation("H2/9")
    assert refused.value.suggestions == ("H29",)


def test_credentials_come_from_two_files(axis_folder: Path) -> None:
    credentials = Credentials.load(axis_folder / "office.json")
    assert credentials.organisations == ("G22",)
    assert "PRIVATE" not in repr(credentials)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda folder: (folder / "office.json").unlink(), r"office\.json"),
        (lambda folder: (folder / "office.json").write_text('{"system_id": 1}'), r"office\.json"),
        (lambda folder: (folder / "office.key.pem").unlink(), r"office\.key\.pem"),
        (lambda folder: (folder / "office.key.pem").write_text("?"), "private key"),
        (lambda folder: (folder / "office.key.pem").chmod(0o644), "0600"),
    ],
)
def test_unusable_credentials_name_the_file(axis_folder: Path, spoil: object, told: str) -> None:
    assert callable(spoil)
    spoil(axis_folder)
    with pytest.raises(CredentialsUnusable, match=told):
        Credentials.load(axis_folder / "office.json")


@pytest.fixture
async def axis_folder(axis: SampleAxis, tmp_path: Path) -> Path:
    axis.write_credentials(tmp_path / "clients", "office", axis.new_system("G22"))
    return tmp_path / "clients"
