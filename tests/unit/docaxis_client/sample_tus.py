"""The sample axis's uploads in pieces (tus 1.0), with lines that are cut half way."""

import base64
import hashlib

from aiohttp import web

from tests.unit.docaxis_client.sample_axis import Partial, SampleAxis, problem

FAULT = web.RequestKey("fault", str)


def cut(request: web.Request) -> web.Response:
    """Close the connection without another byte."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def add_tus(axis: SampleAxis, routes: web.RouteTableDef) -> None:
    """POST, HEAD and PATCH, as the axis answers them."""

    @routes.post("/api/v1/uploads")
    async def begin(request: web.Request) -> web.Response:
        assert request.headers["Tus-Resumable"] == "1.0.0"
        name, _, value = request.headers["Upload-Metadata"].partition(" ")
        assert name == "sha256"
        upload_id = f"tus-{request.headers['Idempotency-Key']}"
        first = upload_id not in axis.partials
        size, digest = int(request.headers["Upload-Length"]), base64.b64decode(value).decode()
        partial = axis.partials.setdefault(upload_id, Partial(size, digest))
        headers = {"Location": f"/api/v1/uploads/{upload_id}", **_offset(partial)}
        return web.Response(status=201 if first else 200, headers=headers)

    @routes.head("/api/v1/uploads/{id}")
    async def look_up(request: web.Request) -> web.Response:
        partial = axis.partials.get(request.match_info["id"])
        if partial is None or request.get(FAULT, "") == "forgotten":
            axis.partials.pop(request.match_info["id"], None)
            return problem(404, "unknown_upload", "no such upload")
        if request.get(FAULT, "") == "held":
            return problem(423, "upload_held", "later", headers={"Retry-After": "0"})
        return web.Response(headers=_offset(partial))

    @routes.patch("/api/v1/uploads/{id}")
    async def append(request: web.Request) -> web.Response:
        upload_id = request.match_info["id"]
        partial = axis.partials[upload_id]
        if int(request.headers["Upload-Offset"]) != len(partial.content):
            return problem(409, "upload_offset_conflict", "elsewhere", headers=_offset(partial))
        half = int(request.headers["Content-Length"]) // 2 + len(partial.content)
        fault = request.get(FAULT, "")
        async for chunk in request.content.iter_any():
            partial.content += chunk
            if fault == "half" and len(partial.content) >= half:
                break
        if len(partial.content) == partial.size:
            assert hashlib.sha256(partial.content).hexdigest() == partial.digest
            axis.uploads[upload_id] = bytes(partial.content)
        if fault in ("half", "lost"):
            return cut(request)
        if fault == "held":
            return problem(423, "upload_held", "checking", headers={"Retry-After": "0"})
        return web.Response(status=204, headers=_offset(partial))


def _offset(partial: Partial) -> dict[str, str]:
    return {"Upload-Offset": str(len(partial.content)), "Tus-Resumable": "1.0.0"}
