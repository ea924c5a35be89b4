"""What follows a document in the sample axis: figures, receipts, subscriptions, the live stream."""

import json

from aiohttp import web

from tests.unit.docaxis_client.sample_axis import SampleAxis, now, problem


def add_following(axis: SampleAxis, routes: web.RouteTableDef) -> None:
    """GET, POST and DELETE, as the axis answers them."""

    @routes.get("/api/v1/statistics")
    async def statistics(request: web.Request) -> web.Response:
        own = request.query["by"] == "organisation"
        counts = {"sent": len(axis.documents), "received": 7}
        whose = {"organisation_id": "o" if own else None, "code": "G22" if own else None}
        apart = [{"business_type": "recall", "sent": 1, "received": 0}]
        items = [{"level": 1, **whose, **counts, "apart": apart}]
        return web.json_response({"items": items, "total": counts, "new": "tolerated"})

    @routes.get("/api/v1/statistics/feedback")
    async def feedback(request: web.Request) -> web.Response:
        classes = {"full": 41, "part": 22, "arrived_only": 13, "none": 2}
        items = [{"level": 1, "units": classes, "deliveries": classes}]
        return web.json_response({"items": items if request.query["from"] == "2019-03" else []})

    @routes.get("/api/v1/statuses/unmatched")
    async def unmatched(request: web.Request) -> web.Response:
        one = {"organisation_id": "o", "delivery_id": "d", "code": "03", "held_since": None}
        return web.json_response({"items": [one], "next": None})

    @routes.get("/api/v1/receipts")
    async def receipts(request: web.Request) -> web.Response:
        return web.json_response({"items": list(axis.receipts.values()), "next": None})

    @routes.get("/api/v1/receipts/{id}")
    async def receipt(request: web.Request) -> web.Response:
        found = axis.receipts.get(request.match_info["id"])
        if found is None:
            return problem(404, "unknown_receipt", "no such receipt")
        return web.json_response(found)

    @routes.get("/api/v1/documents/{id}/receipts")
    async def document_receipts(request: web.Request) -> web.Response:
        found = [
            each
            for each in axis.receipts.values()
            if each["document_id"] == request.match_info["id"]
        ]
        return web.json_response({"items": found})

    @routes.post("/api/v1/subscriptions")
    async def subscribe(request: web.Request) -> web.Response:
        content = await request.json()
        organisation_ids = [f"org-{each}" for each in content.pop("organisations", [])]
        answer = {"id": "subscription-1", "secret": "whsec_sample", **content}
        answer["organisation_ids"] = organisation_ids
        axis.subscriptions["subscription-1"] = answer
        return web.json_response(answer, status=201)

    @routes.get("/api/v1/subscriptions")
    async def subscriptions(request: web.Request) -> web.Response:
        told = [
            {name: value for name, value in each.items() if name != "secret"}
            for each in axis.subscriptions.values()
        ]
        return web.json_response({"items": told, "next": None})

    @routes.get("/api/v1/subscriptions/{id}/notifications")
    async def notifications(request: web.Request) -> web.Response:
        if request.match_info["id"] not in axis.subscriptions:
            return problem(404, "unknown_subscription", "no such subscription")
        told = {"id": "n-1", "event_type": "delivery.ready", "attempts": 2, "failure": None}
        return web.json_response({"items": [told], "next": None})

    @routes.delete("/api/v1/subscriptions/{id}")
    async def unsubscribe(request: web.Request) -> web.Response:
        if axis.subscriptions.pop(request.match_info["id"], None) is None:
            return problem(404, "unknown_subscription", "no such subscription")
        return web.Response(status=204)

    @routes.get("/api/v1/events")
    async def events(request: web.Request) -> web.StreamResponse:
        """Two events a connection, from behind the last id on; then it ends."""
        last = int(request.headers.get("Last-Event-ID") or 0)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for number in (last + 1, last + 2):
            content = {
                "id": f"event-{number}",
                "type": request.query.get("type", "document.accepted"),
                "timestamp": now(),
                "data": {"document_id": f"document-{number}", "organisation_id": "o"},
            }
            await response.write(f"id: {number}\ndata: {json.dumps(content)}\n\n".encode())
        return response
