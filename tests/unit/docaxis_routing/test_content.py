"""A document's identity (rule L1) and routing's codec."""

from unicodedata import normalize
from uuid import UUID

from docaxis_eventsourcing.identifiers import leading_part
from docaxis_eventsourcing.topics import document_partition
from docaxis_routing.codec import CODEC
from docaxis_routing.content import identify, recipients_digest
from tests.unit.docaxis_routing.routing_samples import House, identity, submit

METADATA = {
    "id": "12/VPCP-KSTT",
    "promulgated_on": "2026-11-22",
    "business_type": "new",
    "subject": "Về việc tiếp nhận văn bản",
}
FILES = [{"name": "Công văn.pdf", "media_type": "application/pdf", "digest": "a" * 64}]
SUBMISSION = identify("s", METADATA, FILES).submission_key


def test_L1_the_id_is_a_uuid_version_8_with_the_rfc_9562_variant() -> None:
    found = UUID(identity().document_id)
    assert found.version == 8
    assert found.variant == "specified in RFC 4122"


def test_L1_a_conflict_meets_the_same_partition() -> None:
    one, other = identity(subject="Một"), identity(subject="Hai")
    assert one.document_id != other.document_id
    assert one.submission_key == other.submission_key
    assert leading_part(one.document_id) == leading_part(other.document_id)
    assert document_partition(one.document_id, 12) == document_partition(other.document_id, 12)


def test_L1_nfd_and_nfc_are_the_same_content() -> None:
    decomposed = {name: normalize("NFD", value) for name, value in METADATA.items()}
    files = [{**FILES[0], "name": normalize("NFD", "Công văn.pdf")}]
    assert identify("s", decomposed, files) == identify("s", METADATA, FILES)


def test_L1_an_absent_field_is_the_same_as_an_empty_one() -> None:
    with_empty = {**METADATA, "content": "", "due_on": None, "signer": {"position": ""}}
    assert identify("s", with_empty, FILES) == identify("s", METADATA, FILES)


def test_L1_the_numbering_restarts_each_year() -> None:
    later = {**METADATA, "promulgated_on": "2027-01-05"}
    assert (
        identify("s", later, FILES).submission_key != identify("s", METADATA, FILES).submission_key
    )


def test_L1_another_sender_is_another_submission() -> None:
    assert (
        identify("t", METADATA, FILES).submission_key
        != identify("s", METADATA, FILES).submission_key
    )


def test_L8_recipients_are_a_set() -> None:
    assert recipients_digest(["H26", "H27", "H26"]) == recipients_digest(["H27", "H26"])
    assert recipients_digest(["H26"]) != recipients_digest(["H27"])


def test_the_codec_reads_what_it_wrote() -> None:
    house = House()
    house.give(submit("H26", "H2X", "H50"))
    for value in (submit("H26", "H27"), *house.events):
        assert CODEC.decode(*CODEC.encode(value)) == value
