"""Inbox, hand-over, statuses, receipts, timelines, subscriptions, organisations."""

from typing import Any

from docaxis_eventsourcing.identifiers import new_id
from docaxis_gateway import document_models as documents
from docaxis_gateway import response_models as models
from docaxis_gateway import statistics_models as figures
from tests.unit.docaxis_gateway.conftest import World
from tests.unit.docaxis_gateway.fake_registry import organisation_id
from tests.unit.docaxis_gateway.test_submit import submit


async def inbox(world: World, **query: Any) -> tuple[int, Any]:
    status, body, _ = await world.call("GET", "/inbox", world.receiver, params=query)
    return status, body


async def test_the_inbox_holds_whole_deliveries(world: World, document: Any) -> None:
    status, empty = await inbox(world)
    assert (status, empty["items"]) == (200, [])
    _, sent, _ = await submit(world, document)
    status, page = await inbox(world)
    documents.InboxPage.model_validate(page)
    assert [each["organisation"] for each in page["items"]] == ["H29", "H01"]
    first = page["items"][0]["document"]
    assert first["id"] == sent["id"]
    assert [each["code"] for each in first["recipients"]] == ["H29"]
    _, page = await inbox(world, organisation="H01", limit=1)
    assert [each["organisation"] for each in page["items"]] == ["H01"]
    assert page["next"] == "cursor"


async def test_the_inbox_is_of_served_organisations_only(world: World) -> None:
    status, problem = await inbox(world, organisation="G22")
    assert (status, problem["code"]) == (403, "organisation_not_served")
    assert (status, problem["errors"][0]["pointer"]) == (403, "/organisation")
    status, problem = await inbox(world, organisation="H98")
    assert (status, problem["code"]) == (404, "unknown_organisation")
    assert problem["suggestions"] == ["G22"]


async def test_parameters_out_of_bounds_and_unknown_ones(world: World) -> None:
    cases = {
        ("limit", "0"): "limit_invalid",
        ("limit", "501"): "limit_invalid",
        ("limit", "x"): "limit_invalid",
        ("wait", "51"): "limit_invalid",
        ("wait", "-1"): "limit_invalid",
        ("wait", "nan"): "limit_invalid",
        ("organisation", "x" * 36): "field_invalid",
        ("offset", "1"): "unknown_field",
    }
    for (name, value), code in cases.items():
        status, problem = await inbox(world, **{name: value})
        assert status in (400, 422)
        assert (problem["code"], problem["errors"][0]["pointer"]) == (code, f"/{name}")
    status, problem, _ = await world.call("GET", "/organisations", params={"cursor": "x"})
    assert (status, problem["code"]) == (400, "cursor_invalid")
    status, problem, _ = await world.call("GET", "/documents", params={"sender": "G22"})
    assert (status, problem["code"]) == (422, "field_required")


async def test_hand_over_statuses_receipts_and_the_timeline(world: World, document: Any) -> None:
    _, sent, _ = await submit(world, document)
    _, page = await inbox(world, organisation="H29")
    delivery = page["items"][0]["delivery_id"]
    asked = {"deliveries": [delivery, new_id()]}
    key = {"Idempotency-Key": "abc"}
    url = "/deliveries:acknowledge"
    status, body, _ = await world.call("POST", url, world.receiver, key, json=asked)
    assert status == 200, body
    documents.AcknowledgeResults.model_validate(body)
    assert [each["result"] for each in body["results"]] == ["handed_over", "unknown_delivery"]
    receipt = body["results"][0]["receipt"].removeprefix("/api/v1")
    used = world.routing.requests[-1].idempotency_key
    _, body, _ = await world.call("POST", url, world.receiver, key, json=asked)
    assert body["results"][0]["result"] == "already_handed_over"
    assert world.routing.requests[-1].idempotency_key == used != "abc"

    report = {"code": "02", "reason": "Sai nơi nhận", "organisation": "H29"}
    url = f"/deliveries/{delivery}/statuses"
    status, body, _ = await world.call("POST", url, world.receiver, json=report)
    documents.StatusResults.model_validate(body)
    assert (status, body["results"][0]["result"]) == (200, "recorded")
    assert world.status.requests[-1].organisation_id == organisation_id("H29")

    status, body, _ = await world.call("GET", receipt)
    models.Receipt.model_validate(body)
    assert (status, body["kind"], body["delivery_id"]) == (200, "handed_over", delivery)
    _, jws, headers = await world.call("GET", receipt, headers={"Accept": "application/jose"})
    assert (jws, headers["Content-Type"]) == (body["jws"].encode(), "application/jose")
    status, problem, _ = await world.call("GET", receipt, world.receiver)
    assert (status, problem["code"]) == (404, "unknown_receipt")
    _, page, _ = await world.call("GET", "/receipts", params={"limit": 1})
    models.ReceiptPage.model_validate(page)
    assert len(page["items"]) == 1
    _, body, _ = await world.call("GET", f"/documents/{sent['id']}/receipts")
    models.ReceiptList.model_validate(body)
    assert [each["kind"] for each in body["items"]] == ["accepted", "handed_over"]

    for language, label in (("en", "returned"), ("vi", "từ chối")):
        status, body, _ = await world.call(
            "GET", f"/documents/{sent['id']}/timeline", headers={"Accept-Language": language}
        )
        documents.Timeline.model_validate(body)
        item = next(each for each in body["items"] if each["code"] == "H29")
        assert (item["code"], item["name"]) == ("H29", "Thành phố Hồ Chí Minh")
        assert (item["state"], item["furthest"]) == ("handed_over", "02")
        assert item["receipt"] == f"/api/v1{receipt}"
        assert item["entries"][0]["label"] == label
        other = next(each for each in body["items"] if each["code"] != "H29")
        assert other["receipt"] is None
    query = {"limit": 1}
    _, body, _ = await world.call("GET", f"/documents/{sent['id']}/timeline", params=query)
    assert (len(body["items"]), body["next"]) == (1, "1")


async def test_deliveries_and_verdict(world: World, document: Any) -> None:
    _, sent, _ = await submit(world, document)
    url = f"/documents/{sent['id']}"
    _, page, _ = await world.call("GET", f"{url}/deliveries", params={"limit": 1})
    documents.DeliveryPage.model_validate(page)
    assert (page["items"][0]["state"], page["next"]) == ("ready", "1")
    _, verdict, _ = await world.call("GET", f"{url}/verdict", world.receiver)
    documents.Verdict.model_validate(verdict)
    assert verdict["files"][0]["signatures"][0]["signer_name"] == "Nguyễn Văn A"
    for path in ("", "/deliveries", "/verdict", "/timeline", "/receipts", f"/files/{'0' * 64}"):
        for document_id in (new_id(), "x", "..%2f"):
            status, problem, _ = await world.call("GET", f"/documents/{document_id}{path}")
            assert (status, problem["code"]) in (
                (404, "unknown_document"),
                (404, "not_found"),
            )


async def test_a_verdict_is_pending_until_there_is_one(world: World, document: Any) -> None:
    _, sent, _ = await submit(world, document)
    world.routing.unverified.add(sent["id"])
    status, verdict, _ = await world.call("GET", f"/documents/{sent['id']}/verdict")
    documents.Verdict.model_validate(verdict)
    assert (status, verdict["status"], verdict["verified_at"]) == (200, "pending", None)


async def test_statuses_that_are_wrong(world: World) -> None:
    url = "/statuses"
    one = {"delivery": new_id(), "code": "03"}
    cases: list[tuple[Any, str, str]] = [
        ({"statuses": [{**one, "at": "hôm qua"}]}, "field_invalid", "/statuses/0/at"),
        ({"statuses": [{**one, "at": "2026-13-01T00:00:00Z"}]}, "field_invalid", "/statuses/0/at"),
        ({"statuses": [{**one, "delivery": "x\0"}]}, "field_invalid", "/statuses/0/delivery"),
        ({"statuses": []}, "field_required", "/statuses"),
        ({"statuses": [one] * 501}, "too_many_items", "/statuses"),
        ({"statuses": [one]}, "field_required", "/organisation"),
        ({"statuses": [one], "x": 1}, "unknown_field", "/x"),
    ]
    for body, code, pointer in cases:
        status, problem, _ = await world.call("POST", url, world.receiver, json=body)
        assert (status, problem["code"]) == (422, code), problem
        assert problem["errors"][0]["pointer"] == pointer
    body = {"statuses": [{**one, "at": "2026-11-22T09:00:00+07:00"}]}
    status, answer, _ = await world.call("POST", url, world.sender, json=body)
    assert (status, answer["results"][0]["result"]) == (200, "held")
    status, problem, _ = await world.call(
        "POST", "/deliveries/x/statuses", world.sender, json={"code": "03"}
    )
    assert (status, problem["code"]) == (404, "unknown_delivery")
    for wrong, code, pointer in (
        ({"code": "07"}, "status_unknown", "/code"),
        ({"code": "02"}, "reason_required", "/reason"),
        ({"code": "13", "reason": " "}, "reason_required", "/reason"),
    ):
        url = f"/deliveries/{new_id()}/statuses"
        status, problem, _ = await world.call("POST", url, world.sender, json=wrong)
        assert (status, problem["code"]) == (422, code)
        assert problem["errors"][0]["pointer"] == pointer


async def test_each_status_of_a_list_has_an_answer_of_its_own(world: World) -> None:
    said = [("03", new_id()), ("07", new_id()), ("02", new_id()), ("03", "không phải mã")]
    body = {"statuses": [{"delivery": delivery, "code": code} for code, delivery in said]}
    status, answer, _ = await world.call("POST", "/statuses", world.sender, json=body)
    documents.StatusResults.model_validate(answer)
    assert status == 200
    assert [(each["code"], each["delivery_id"]) for each in answer["results"]] == said


async def test_statuses_that_fit_no_delivery_are_listed(world: World) -> None:
    one = {"delivery": new_id(), "code": "03", "at": "2026-11-22T09:00:00+07:00"}
    body = {"statuses": [one], "organisation": "H29"}
    await world.call("POST", "/statuses", world.receiver, json=body)
    status, page, _ = await world.call("GET", "/statuses/unmatched", world.receiver)
    documents.UnmatchedPage.model_validate(page)
    (item,) = page["items"]
    assert (status, item["delivery_id"], item["claimed_at"]) == (200, one["delivery"], one["at"])
    _, page, _ = await world.call("GET", "/statuses/unmatched", world.sender)
    assert page["items"] == []
    params = {"organisation": "G22"}
    url = "/statuses/unmatched"
    status, problem, _ = await world.call("GET", url, world.receiver, params=params)
    assert (status, problem["code"]) == (403, "organisation_not_served")


async def test_figures_by_level_are_everybodys_and_by_organisation_ones_own(world: World) -> None:
    period = {"from": "2026-11-01", "to": "2026-11-30"}
    status, body, _ = await world.call("GET", "/statistics", world.receiver, params=period)
    assert status == 200, body
    figures.Statistics.model_validate(body)
    assert (body["by"], body["total"]) == ("level", {"sent": 2, "received": 5})
    assert [(each["level"], each["code"]) for each in body["items"]] == [(1, None), (2, None)]
    assert world.status.asked[-1].by == "level"
    own = {**period, "by": "organisation"}
    status, body, _ = await world.call("GET", "/statistics", world.receiver, params=own)
    figures.Statistics.model_validate(body)
    assert {each["code"] for each in body["items"]} == {"H29", "H01"}
    own["organisation"] = "G22"
    status, problem, _ = await world.call("GET", "/statistics", world.receiver, params=own)
    assert (status, problem["code"]) == (403, "organisation_not_served")
    months = {"from": "2026-11", "to": "2026-11"}
    url = "/statistics/feedback"
    status, body, _ = await world.call("GET", url, world.receiver, params=months)
    assert status == 200, body
    figures.FeedbackFigures.model_validate(body)
    assert body["items"][0]["units"] == {"full": 1, "part": 0, "arrived_only": 0, "none": 0}


async def test_periods_that_are_none(world: World) -> None:
    for params, code, name in (
        ({"from": "2026-11-01"}, "field_required", "to"),
        ({"from": "2026-11-01", "to": "2026-11-30", "by": "ministry"}, "field_invalid", "by"),
        ({"from": "2026-11-01", "to": "2026-11-30", "level": "1"}, "unknown_field", "level"),
    ):
        status, problem, _ = await world.call("GET", "/statistics", params=params)
        assert status in (400, 422)
        assert (problem["code"], problem["errors"][0]["pointer"]) == (code, f"/{name}"), problem


async def test_idempotency_keys_that_are_none(world: World) -> None:
    body = {"deliveries": [new_id()]}
    for key in ("x" * 65, "a b", "é"):
        status, problem, _ = await world.call(
            "POST", "/deliveries:acknowledge", headers={"Idempotency-Key": key}, json=body
        )
        assert (status, problem["code"]) == (400, "idempotency_key_invalid")


async def test_subscriptions(world: World) -> None:
    body = {
        "url": "https://ubnd.example/hook",
        "organisations": ["H29"],
        "event_types": ["delivery.ready"],
    }
    key = {"Idempotency-Key": "one"}
    url = "/subscriptions"
    status, made, headers = await world.call("POST", url, world.receiver, key, json=body)
    assert status == 201, made
    models.NewSubscription.model_validate(made)
    assert (made["organisations"], made["secret"][:6]) == (["H29"], "whsec_")
    address = f"/subscriptions/{made['id']}"
    assert headers["Location"] == f"/api/v1{address}"
    _, page, _ = await world.call("GET", "/subscriptions", world.receiver)
    models.SubscriptionPage.model_validate(page)
    assert page["items"] == [{k: v for k, v in made.items() if k != "secret"}]
    _, page, _ = await world.call("GET", f"{address}/notifications", world.receiver)
    models.NotificationPage.model_validate(page)
    status, problem, _ = await world.call("DELETE", address)
    assert (status, problem["code"]) == (404, "unknown_subscription")
    status, empty, _ = await world.call("DELETE", address, world.receiver)
    assert (status, empty) == (204, b"")
    for changes, code in (
        ({"url": "ftp://ubnd.example/"}, "url_invalid"),
        ({"url": "https://user:pw@ubnd.example/"}, "url_invalid"),
        ({"url": "https://"}, "url_invalid"),
        ({"url": "https://x:99999/"}, "url_invalid"),
        ({"url": "https://[x/"}, "url_invalid"),
        ({"event_types": ["all"]}, "field_invalid"),
        ({"organisations": ["G22"]}, "organisation_not_served"),
    ):
        _, problem, _ = await world.call("POST", url, world.receiver, json={**body, **changes})
        assert problem["code"] == code


async def test_a_subscription_is_looked_after(world: World) -> None:
    body = {"url": "https://ubnd.example/hook", "organisations": ["H29"], "document_types": [2]}
    _, made, _ = await world.call("POST", "/subscriptions", world.receiver, json=body)
    address = f"/subscriptions/{made['id']}"
    _, shown, _ = await world.call("GET", address, world.receiver)
    models.Subscription.model_validate(shown)
    changed = {**body, "document_types": [1], "paused": True}
    status, shown, _ = await world.call("PUT", address, world.receiver, json=changed)
    assert (status, shown["paused"], shown["document_types"]) == (200, True, [1])
    status, secret, _ = await world.call(
        "POST", f"{address}:rotate-secret", world.receiver, json={"overlap_s": 60}
    )
    models.NewSecret.model_validate(secret)
    assert status == 200
    status, went, _ = await world.call("POST", f"{address}:test", world.receiver)
    models.SubscriptionTest.model_validate(went)
    assert (status, went["delivered"], went["http_status"]) == (200, False, 500)
    query = {"state": "given_up"}
    status, _, _ = await world.call("GET", f"{address}/notifications", world.receiver, params=query)
    assert status == 200
    one = f"{address}/notifications/{new_id()}:replay"
    for path in (f"{address}/notifications:replay", one):
        assert (await world.call("POST", path, world.receiver))[0] == 202
    for method, path, sent, code in (
        ("GET", address, None, "unknown_subscription"),
        ("PUT", address, changed, "organisation_not_served"),
        ("PUT", address, {"url": body["url"]}, "unknown_subscription"),
        ("POST", f"{address}:test", None, "unknown_subscription"),
        ("POST", f"{address}:rotate-secret", {}, "unknown_subscription"),
        ("POST", f"{address}/notifications:replay", None, "unknown_subscription"),
        ("POST", f"{address}/notifications/x:replay", None, "unknown_notification"),
    ):
        _, problem, _ = await world.call(method, path, world.sender, json=sent)
        assert problem["code"] == code, path
    for sent, pointer in (
        ({**body, "document_types": [3]}, "/document_types/0"),
        ({**body, "event_types": ["document.read"]}, "/event_types/0"),
        ({**body, "paused": "yes"}, "/paused"),
        ({**body, "secret": "mine"}, "/secret"),
    ):
        status, problem, _ = await world.call("PUT", address, world.receiver, json=sent)
        assert (status, problem["errors"][0]["pointer"]) == (422, pointer)
    status, problem, _ = await world.call(
        "GET", f"{address}/notifications", world.receiver, params={"state": "lost"}
    )
    assert problem["code"] == "field_invalid"


async def test_organisations(world: World) -> None:
    _, page, _ = await world.call("GET", "/organisations", params={"limit": 2})
    models.OrganisationPage.model_validate(page)
    assert ([each["code"] for each in page["items"]], page["next"]) == (["G22", "H01"], "2")
    _, page, _ = await world.call("GET", "/organisations", params={"query": "an giang"})
    assert ([each["code"] for each in page["items"]], page["next"]) == (["H01"], None)
    status, one, _ = await world.call("GET", "/organisations/000.00.00.G22")
    models.Organisation.model_validate(one)
    assert (status, one["code"]) == (200, "G22")
    assert one["aliases"][0] == {
        "code": "000.00.00.G22",
        "valid_from": "2019-01-01",
        "valid_until": None,
    }
    status, problem, _ = await world.call("GET", "/organisations/G99")
    assert (status, problem["code"], problem["suggestions"]) == (
        404,
        "unknown_organisation",
        ["G22"],
    )


async def test_L8_refused_recipients_are_read_in_pages(world: World, document: Any) -> None:
    _, sent, _ = await submit(world, document)
    url = sent["links"]["refused"].removeprefix("/api/v1")
    status, page, _ = await world.call("GET", url, params={"limit": 1})
    documents.RefusedPage.model_validate(page)
    assert (status, [each["code"] for each in page["items"]]) == (200, ["H98"])
    _, page, _ = await world.call("GET", url, params={"cursor": page["next"]})
    assert ([each["code"] for each in page["items"]], page["next"]) == (["H99"], None)
    assert sent["recipient_count"] == len(sent["recipients"]) + len(sent["refused"])


async def test_a_senders_dead_letters_are_listed_and_sent_again(
    world: World, document: Any
) -> None:
    await submit(world, document)
    first, second = world.routing.deliveries.values()
    first.state, first.expired_at = "expired", 1_000
    second.state, second.reason = "refused", "file_unsigned"
    status, page, _ = await world.call("GET", "/deliveries", params={"state": "expired"})
    documents.FoundDeliveryPage.model_validate(page)
    assert (status, [each["id"] for each in page["items"]]) == (200, [first.delivery_id])
    assert page["items"][0]["expired_at"] == "1970-01-01T00:00:01.000Z"
    assert not world.routing.requests[-1].received
    url = f"/deliveries/{first.delivery_id}:resend"
    status, body, _ = await world.call("POST", url, headers={"Idempotency-Key": "again"})
    documents.Resent.model_validate(body)
    assert (status, body["state"]) == (200, "ready")
    url = f"/deliveries/{second.delivery_id}:resend"
    status, problem, _ = await world.call("POST", url)
    assert (status, problem["code"]) == (409, "resend_refused_by_policy")
    for bad in (new_id(), "x"):
        status, problem, _ = await world.call("POST", f"/deliveries/{bad}:resend")
        assert (status, problem["code"]) == (404, "unknown_delivery")
    status, problem, _ = await world.call("GET", "/deliveries", params={"state": "lost"})
    assert (status, problem["errors"][0]["pointer"]) == (422, "/state")
