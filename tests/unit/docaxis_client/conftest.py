from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from docaxis_client import DocaxisClient, DocumentType, NewDocument, Signer
from tests.unit.docaxis_client.sample_axis import SampleAxis
from tests.unit.docaxis_client.sample_axis_routes import running


@pytest.fixture
async def axis(tmp_path: Path) -> AsyncIterator[SampleAxis]:
    async with running(tmp_path) as axis:
        yield axis


@pytest.fixture
async def office(axis: SampleAxis) -> AsyncIterator[DocaxisClient]:
    async with DocaxisClient(None, axis.new_system("G22"), patience_s=10) as client:
        yield client


@pytest.fixture
async def hatinh(axis: SampleAxis) -> AsyncIterator[DocaxisClient]:
    async with DocaxisClient(None, axis.new_system("H29"), patience_s=10) as client:
        yield client


def letter(number: str = "1", *, recipients: tuple[str, ...] = ("H29",)) -> NewDocument:
    return NewDocument(
        sender="G22",
        recipients=recipients,
        id=f"G22,2026/11/22,{number}/VPCP-KSTT",
        number=number,
        notation="VPCP-KSTT",
        place="Hà Nội",
        promulgated_on="2026-11-22",
        type=DocumentType(group=2, code=0, name="Công văn"),
        subject="Về việc gửi văn bản mẫu",
        signer=Signer(competence="TL.", position="Vụ trưởng", full_name="Người ký mẫu"),
    )
