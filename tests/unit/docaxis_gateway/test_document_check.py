"""`POST /documents:check`: answered as a submit would be, and nothing is kept (rule 22)."""

import asyncio
from typing import Any

import pytest

from docaxis_gateway.document_models import DocumentCheck
from tests.unit.docaxis_gateway.conftest import World, form
from tests.unit.docaxis_gateway.test_submit import PDF, submit

CHECK = "/documents:check"


async def check(world: World, document: Any, content: bytes = PDF) -> tuple[int, Any]:
    status, body, _ = await world.call("POST", CHECK, data=form(document, ("file0", content)))
    return status, body


async def test_a_check_tells_recipients_and_file_findings_and_sends_nothing(
    world: World, document: Any
) -> None:
    status, checked = await check(world, document, b"TAMPERED")
    assert status == 200, checked
    DocumentCheck.model_validate(checked)
    assert checked["status"] == "would_be_accepted"
    assert [each["code"] for each in checked["recipients"]] == ["H29", "H01"]
    assert [(each["status"], each["code"]) for each in checked["files"]] == [
        ("tampered", "file_tampered")
    ]
    status, problem, _ = await world.call("GET", f"/documents/{checked['id']}")
    assert (status, problem["code"]) == (404, "unknown_document")
    await asyncio.sleep(0.05)
    assert world.staged() == []
    _, sent, _ = await submit(world, document)
    assert sent["id"] == checked["id"]
    assert (await check(world, document))[1]["status"] == "already_accepted"


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"recipients": []}, "field_required", "/recipients"),
        ({"business_type": "recall"}, "business_type_not_supported", "/business_type"),
        ({"secrecy": "Tuyệt mật"}, "secret_document", "/secrecy"),
        ({"unknown": 1}, "unknown_field", "/unknown"),
        ({"subject": "a\x00b"}, "field_invalid", "/subject"),
    ],
)
async def test_a_check_is_refused_as_the_submit_would_be(
    world: World, document: Any, changes: dict[str, Any], code: str, pointer: str
) -> None:
    document.update(changes)
    checked = await check(world, document)
    status, problem, _ = await submit(world, document)
    assert (checked[0], checked[1]["code"]) == (status, problem["code"])
    assert problem["code"] == code
    assert [each["pointer"] for each in checked[1]["errors"]] == [pointer]


async def test_a_check_that_requires_signatures_is_refused_without_them(
    world: World, document: Any
) -> None:
    document["require_signature"] = True
    status, problem = await check(world, document, b"plain")
    assert (status, problem["code"]) == (422, "file_unsigned")
    assert problem["errors"][0]["pointer"] == "/files/0"
    assert (await check(world, document))[0] == 200
