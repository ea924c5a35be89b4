"""The routes of the sample axis: the REST contract over its state, with faults on demand."""

import base64
import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestServer

from docaxis_trust.assertions import verify_assertion
from docaxis_trust.jwk_set import jwk_set
from docaxis_trust.key_file_signer import KeyFileSigner
from tests.unit.docaxis_client.sample_axis import NAMES, SYSTEM, SampleAxis, now, problem, sha256
from tests.unit.docaxis_client.sample_following import add_following
from tests.unit.docaxis_client.sample_receiving import add_receiving
from tests.unit.docaxis_client.sample_tus import FAULT as _FAULT
from tests.unit.docaxis_client.sample_tus import add_tus, cut

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(axis: SampleAxis) -> web.Application:
    """Build the routes of the contract over the axis's state."""

    @web.middleware
    async def faults(request: web.Request, handler: Handler) -> web.StreamResponse:
        axis.calls.append(request)
        path = request.path.removeprefix("/api/v1")
        fault = next(
            (f for f in axis.faults if f.method == request.method and path.startswith(f.path)), None
        )
        if fault:
            axis.faults.remove(fault)
            request[_FAULT] = fault.kind
            headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
            match fault.kind:
                case "busy":
                    return problem(429, "busy", "later", headers=headers)
                case "away":
                    return problem(503, "unavailable", "later", headers=headers)
                case "page":
                    return web.Response(status=502, text="<html>Bad gateway</html>")
                case "expired":
                    return problem(401, "token_expired", "expired")
                case "gone":
                    return cut(request)
        answer = await handler(request)
        return cut(request) if fault and fault.kind == "lost" else answer

    @web.middleware
    async def authenticated(request: web.Request, handler: Handler) -> web.StreamResponse:
        public = ("/api/v1/token", "/api/v1/keys", "/api/v1/health/live", "/api/v1/health/ready")
        if request.path not in public:
            token = request.headers.get("Authorization", "").removeprefix("Bearer ")
            system, ends = axis.tokens.get(token, ("", 0.0))
            if time.monotonic() >= ends:
                return problem(401, "token_expired", "expired")
            request[SYSTEM] = system
        if key := request.headers.get("Idempotency-Key"):
            axis.idempotency_keys.append(key)
        return await handler(request)

    app = web.Application(middlewares=[faults, authenticated], client_max_size=64 << 20)
    routes = web.RouteTableDef()

    @routes.post("/api/v1/token")
    async def token(request: web.Request) -> web.Response:
        form = await request.post()
        assertion = str(form["client_assertion"])
        system = json.loads(_decoded(assertion.split(".")[1]))["sub"]
        if system not in axis.systems:
            return problem(401, "invalid_client", "unknown system")
        proof = verify_assertion(assertion, axis.systems[system][1], "docaxis", int(time.time()))
        if proof.jti in axis.assertions_seen:
            return problem(401, "assertion_replayed", "seen before")
        axis.assertions_seen.add(proof.jti)
        value = secrets.token_urlsafe(16)
        axis.tokens[value] = (system, time.monotonic() + axis.token_life_s)
        content = {"access_token": value, "token_type": "Bearer", "expires_in": axis.token_life_s}
        return web.json_response(content)

    @routes.get("/api/v1/keys")
    async def keys(request: web.Request) -> web.Response:
        return web.json_response(jwk_set([axis.signer.public_jwk()]))

    @routes.get("/api/v1/health/live")
    async def live(request: web.Request) -> web.Response:
        return web.json_response({"status": "ready", "parts": {}})

    @routes.get("/api/v1/health/ready")
    async def ready(request: web.Request) -> web.Response:
        status = "not_ready" if axis.waits_for else "ready"
        code = 503 if axis.waits_for else 200
        return web.json_response({"status": status, "parts": axis.waits_for}, status=code)

    @routes.get("/api/v1/me")
    async def me(request: web.Request) -> web.Response:
        organisations = [
            {"id": f"org-{code}", "code": code, "name": NAMES[code]}
            for code in axis.systems[request[SYSTEM]][0]
        ]
        content = {
            "system_id": request[SYSTEM],
            "name": "Hệ thống mẫu",
            "connection": "direct",
            "organisations": organisations,
            "server_time": now(),
        }
        return web.json_response(content)

    @routes.get("/api/v1/organisations")
    async def organisations(request: web.Request) -> web.Response:
        words = request.query.get("query", "").casefold()
        found = [
            {"id": f"org-{code}", "code": code, "name": name}
            for code, name in NAMES.items()
            if words in f"{code} {name}".casefold()
        ]
        limit = int(request.query.get("limit", 50))
        content = {"items": found[:limit], "next": "more" if found[limit:] else None}
        return web.json_response(content)

    @routes.get("/api/v1/organisations/{code}")
    async def organisation(request: web.Request) -> web.Response:
        code = request.match_info["code"]
        if code not in NAMES:
            return problem(404, "unknown_organisation", code, suggestions=["H29"])
        return web.json_response({"id": f"org-{code}", "code": code, "name": NAMES[code]})

    @routes.put("/api/v1/uploads/{id}")
    async def upload(request: web.Request) -> web.Response:
        body = await request.read()
        upload_id = request.match_info["id"]
        first = upload_id not in axis.uploads
        axis.uploads[upload_id] = body
        content = {"id": upload_id, "digest": sha256(body), "size": len(body)}
        return web.json_response(content, status=201 if first else 200)

    add_tus(axis, routes)

    @routes.post("/api/v1/documents")
    async def submit(request: web.Request) -> web.Response:
        parts: dict[str, bytes] = {}
        if request.content_type == "multipart/form-data":
            reader = await request.multipart()
            while (part := await reader.next()) is not None:
                assert not isinstance(part, type(reader))
                parts[str(part.name)] = bytes(await part.read(decode=False))  # type: ignore[union-attr]
            assert next(iter(parts)) == "document"
            content = json.loads(parts["document"])
        else:
            content = await request.json()
        answer = axis.accept(request[SYSTEM], content, parts)
        if request.get(_FAULT, "") == "undecided" and answer.status == 201:
            document_id = json.loads(answer.text or "")["id"]
            axis.undecided[document_id] = 2
            return web.json_response({"id": document_id, "status": "pending"}, status=202)
        return answer

    @routes.get("/api/v1/documents")
    async def find(request: web.Request) -> web.Response:
        found = [
            document
            for document in axis.documents.values()
            if document["sender"] == request.query["sender"]
            and document["sender_document_id"] == request.query["id"]
        ]
        return web.json_response({"items": found})

    @routes.get("/api/v1/documents/{id}")
    async def document(request: web.Request) -> web.Response:
        found = axis.documents.get(request.match_info["id"])
        if found is None:
            return problem(404, "unknown_document", "no such document")
        if axis.undecided.get(found["id"], 0) > 0:
            axis.undecided[found["id"]] -= 1
            if axis.refuse_undecided:
                return problem(422, "no_valid_recipient", "refused", ["recipients/0"])
            return web.json_response({"id": found["id"], "status": "pending"}, status=202)
        return web.json_response(found)

    @routes.get("/api/v1/documents/{id}/refused")
    async def refused(request: web.Request) -> web.Response:
        items = [{"code": "H98", "reason": "unknown_organisation", "suggestions": []}]
        return web.json_response({"items": items, "next": None})

    @routes.post("/api/v1/documents:check")
    async def check(request: web.Request) -> web.Response:
        reader = await request.multipart()
        part = await reader.next()
        assert part is not None and not isinstance(part, type(reader))
        content = json.loads(bytes(await part.read(decode=False)))  # type: ignore[union-attr]
        files = [
            {"name": each["name"], "digest": each["digest"], "size": 1, "status": "unsigned",
             "code": "file_unsigned"}
            for each in content["files"]
        ]  # fmt: skip
        recipients = [
            {"code": each, "organisation_id": each, "held": False} for each in content["recipients"]
        ]
        return web.json_response(
            {
                "id": "00000000-0000-8000-8000-000000000001",
                "status": "would_be_accepted",
                "recipients": recipients,
                "refused": [],
                "recipient_count": len(recipients),
                "files": files,
            }
        )

    @routes.get("/api/v1/deliveries")
    async def find_deliveries(request: web.Request) -> web.Response:
        state, side = request.query["state"], request.query["side"]
        item = {"id": "d", "code": "H29", "state": state, "document_id": side, "reason": None}
        return web.json_response({"items": [item], "next": "c"})

    @routes.post("/api/v1/deliveries/{id}:resend")
    async def resend(request: web.Request) -> web.Response:
        assert request.headers["Idempotency-Key"]
        if request.match_info["id"] == "refused":
            return problem(409, "resend_refused_by_policy", "file_unsigned")
        return web.json_response({"delivery_id": request.match_info["id"], "state": "ready"})

    @routes.get("/api/v1/documents/{id}/verdict")
    async def verdict(request: web.Request) -> web.Response:
        document = axis.documents[request.match_info["id"]]
        files = [
            {
                "digest": each["digest"],
                "status": "valid",
                "code": "signature_valid",
                "signatures": [
                    {
                        "kind": "pades",
                        "status": "valid",
                        "code": "signature_valid",
                        "signer_name": name,
                        "organisation_name": "Cơ quan mẫu",
                        "certificate_sha256": "0" * 64,
                        "is_seal": is_seal,
                        "claimed_at": now(),
                        "covers_whole_file": is_seal,
                    }
                    for name, is_seal in (("Người ký mẫu", False), ("Cơ quan mẫu", True))
                ],
            }
            for each in document["files"]
        ]
        content = {"status": "valid", "code": "signature_valid", "verified_at": now()}
        return web.json_response({**content, "files": files})

    add_receiving(axis, routes)
    add_following(axis, routes)
    app.add_routes(routes)
    return app


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[SampleAxis]:
    """Serve a new axis on a free port of the loopback."""
    axis = SampleAxis(KeyFileSigner.create(folder / f"axis-{secrets.token_hex(4)}.pem"))
    server = TestServer(application(axis))
    await server.start_server()
    axis.url = f"http://127.0.0.1:{server.port}"
    try:
        yield axis
    finally:
        await server.close()
