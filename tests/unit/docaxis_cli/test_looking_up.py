"""Catalogue, own ids, receipts and webhooks from the command line."""

import json
from pathlib import Path

from tests.unit.docaxis_cli.conftest import Command


def test_the_code_of_an_agency_is_found_by_words(docaxis: Command) -> None:
    result = docaxis("organisations", "hà nội", "--as", "office")
    assert (result.exit_code, result.stdout) == (0, "H26  Thành phố Hà Nội\n")
    more = docaxis("organisations", "--as", "office", "--limit", "1")
    assert "--cursor more" in more.stdout
    assert "There is none." in docaxis("organisations", "zzz", "--as", "office").stdout
    told = json.loads(docaxis("organisations", "--as", "office", "--json").stdout)
    assert {"G22", "H26"} <= {each["code"] for each in told["items"]}


def test_a_document_is_found_by_ones_own_id(docaxis: Command, pdf: Path) -> None:
    docaxis("send", str(pdf), "--as", "office", "--to", "H29", "--id", "my 7")
    (document,) = docaxis.axis.documents.values()
    result = docaxis("find", "my 7", "--as", "office")
    assert result.exit_code == 0
    assert document["id"] in result.stdout
    assert docaxis("find", "my 7", "--from", "H26", "--as", "office").exit_code == 1
    nothing = docaxis("find", "other", "--as", "office", "--json")
    assert (nothing.exit_code, json.loads(nothing.stdout)["items"]) == (1, [])


def test_receipts_are_listed_with_what_they_are_about(docaxis: Command, pdf: Path) -> None:
    assert "There is none." in docaxis("receipts", "--as", "office").stdout
    docaxis("send", str(pdf), "--as", "office", "--to", "H29")
    (receipt,) = docaxis.axis.receipts.values()
    result = docaxis("receipts", "--as", "office")
    assert f"{receipt['id']}  accepted  {receipt['document_id']}" in result.stdout
    told = json.loads(docaxis("receipts", "--as", "office", "--json").stdout)
    assert told["items"][0]["jws"] == receipt["jws"]


def test_a_webhook_is_made_listed_and_ended(docaxis: Command) -> None:
    address = "https://vpcp.example/news"
    options = ("--organisation", "G22", "--event-type", "delivery.ready")
    made = docaxis("subscribe", address, *options, "--as", "office")
    assert made.exit_code == 0
    assert "whsec_sample" in made.stdout
    listed = docaxis("subscriptions", "--as", "office")
    assert listed.stdout == f"subscription-1  {address}  delivery.ready\n"
    told = docaxis("notifications", "subscription-1", "--as", "office")
    assert told.stdout == "id n-1  event_type delivery.ready  attempts 2\n"
    ended = docaxis("unsubscribe", "subscription-1", "--as", "office", "--json")
    assert json.loads(ended.stdout) == {"id": "subscription-1", "active": False}
    assert "There is none." in docaxis("subscriptions", "--as", "office").stdout
    assert docaxis("unsubscribe", "subscription-1", "--as", "office").exit_code == 1
