"""How the sample axis is received from: inbox, files, acknowledging, statuses, the timeline."""

import asyncio
import time
from typing import Any

from aiohttp import web

from tests.unit.docaxis_client.sample_axis import NAMES, SYSTEM, SampleAxis, now, problem
from tests.unit.docaxis_client.sample_tus import FAULT as _FAULT
from tests.unit.docaxis_client.sample_tus import cut

LABELS = {"01": "đã đến", "02": "từ chối", "03": "đã tiếp nhận", "04": "phân công"}
LABELS |= {"05": "đang xử lý", "06": "hoàn thành"}


def add_receiving(axis: SampleAxis, routes: web.RouteTableDef) -> None:
    """GET and POST of a recipient, as the axis answers them."""

    @routes.get("/api/v1/documents/{id}/deliveries")
    async def deliveries(request: web.Request) -> web.Response:
        return web.json_response({"items": of_document(request), "next": None})

    @routes.get("/api/v1/documents/{id}/timeline")
    async def timeline(request: web.Request) -> web.Response:
        items = [
            {
                **{
                    name: each[name]
                    for name in ("organisation_id", "code", "state", "reason", "receipt", "entries")
                },
                "delivery_id": each["id"],
                "handed_over_at": each["handed_over_at"],
                "name": NAMES[each["code"]],
                "furthest": max((entry["code"] for entry in each["entries"]), default=None),
            }
            for each in of_document(request)
        ]
        return web.json_response({"document_id": request.match_info["id"], "items": items})

    @routes.get("/api/v1/documents/{id}/files/{digest}")
    async def file(request: web.Request) -> web.StreamResponse:
        digest = request.match_info["digest"]
        body = axis.files.get((request.match_info["id"], digest))
        if body is None:
            return problem(404, "unknown_file", "no such file")
        if request.get(_FAULT, "") == "swapped":
            body = body[:-1] + bytes([body[-1] ^ 1])
        start = 0
        headers = {"ETag": f'"{digest}"', "Content-Disposition": "attachment"}
        if "Range" in request.headers and request.headers.get("If-Range") == headers["ETag"]:
            start = int(request.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            if start >= len(body):
                return problem(416, "range_not_satisfiable", "too far")
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        headers["Content-Length"] = str(len(body) - start)
        response = web.StreamResponse(status=206 if start else 200, headers=headers)
        await response.prepare(request)
        rest = body[start:]
        if request.get(_FAULT, "") == "half":
            await response.write(rest[: len(rest) // 2])
            await asyncio.sleep(0.05)
            return cut(request)
        await response.write(rest)
        await response.write_eof()
        return response

    @routes.get("/api/v1/inbox")
    async def inbox(request: web.Request) -> web.Response:
        codes = axis.systems[request[SYSTEM]][0]
        wanted = request.query.get("organisation")
        after = int(request.query.get("cursor", "0"))
        ends = time.monotonic() + float(request.query.get("wait", "0"))
        while True:
            found = [
                each
                for each in axis.deliveries.values()
                if each["code"] in codes
                and wanted in (None, each["code"])
                and each["mailbox_number"] > after
                and (after or each["state"] == "ready")
            ][: int(request.query.get("limit", "100"))]
            if found or time.monotonic() >= ends:
                break
            await asyncio.sleep(0.02)
        last = max((each["mailbox_number"] for each in found), default=after)
        return web.json_response(
            {"items": [axis.item(each) for each in found], "next": str(last) if last else None}
        )

    @routes.post("/api/v1/deliveries:acknowledge")
    async def acknowledge(request: web.Request) -> web.Response:
        content = await request.json()
        results = []
        for delivery_id in content["deliveries"]:
            delivery = axis.deliveries.get(delivery_id)
            if delivery is None or delivery["code"] not in axis.systems[request[SYSTEM]][0]:
                results.append(
                    {"delivery_id": delivery_id, "result": "unknown_delivery", "receipt": None}
                )
                continue
            again = delivery["state"] == "handed_over"
            if not again:
                delivery |= {"state": "handed_over", "handed_over_at": now()}
                delivery["receipt"] = axis.seal(
                    "handed_over",
                    axis.documents[delivery["document_id"]],
                    recipient=delivery["organisation_id"],
                    delivery_id=delivery_id,
                )
                delivery["entries"].append(entry("01", "axis"))
            results.append(
                {
                    "delivery_id": delivery_id,
                    "result": "already_handed_over" if again else "handed_over",
                    "receipt": delivery["receipt"],
                }
            )
        return web.json_response({"results": results})

    @routes.post("/api/v1/statuses")
    async def statuses(request: web.Request) -> web.Response:
        results = []
        for each in (await request.json())["statuses"]:
            result = {"delivery_id": each["delivery"], "code": each["code"], "result": "recorded"}
            delivery = axis.deliveries.get(each["delivery"])
            if delivery is None:
                result["result"] = "unknown_delivery"
            elif each["code"] == "02" and not each.get("reason"):
                result["result"] = "reason_required"
            elif any(known["code"] == each["code"] for known in delivery["entries"]):
                result["result"] = "already_recorded"
            else:
                delivery["entries"].append(entry(each["code"], "recipient", each.get("reason")))
            results.append(result)
        return web.json_response({"results": results})

    def of_document(request: web.Request) -> list[dict[str, Any]]:
        document_id = request.match_info["id"]
        if document_id not in axis.documents:
            raise web.HTTPNotFound
        return [each for each in axis.deliveries.values() if each["document_id"] == document_id]


def entry(code: str, source: str, reason: str | None = None) -> dict[str, Any]:
    content = {"code": code, "label": LABELS.get(code, code), "source": source}
    return {**content, "recorded_at": now(), "claimed_at": None, "reason": reason}
