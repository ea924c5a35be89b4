"""Puts the app together: routes under `/api/v1`, errors as problems, the edge around everything."""

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_gateway import (
    accounts,
    administration,
    administration_lifecycle,
    deliveries,
    delivery_states,
    document_check,
    documents,
    events,
    health,
    inbox,
    me,
    notifications,
    organisations,
    receipts,
    recipient_groups,
    requests,
    statistics,
    statuses,
    subscriptions,
    timelines,
    token,
    tus,
    uploads,
)
from docaxis_gateway.answers import PREFIX, json_answer
from docaxis_gateway.direct_routes import DirectRoutes
from docaxis_gateway.edge import Edge
from docaxis_gateway.gateway import Gateway
from docaxis_gateway.openapi import document_openapi
from docaxis_gateway.problems import (
    handle_docaxis_error,
    handle_http_exception,
    handle_validation_error,
)

ROUTERS = (
    documents.router,
    document_check.router,
    timelines.router,
    inbox.router,
    events.router,
    deliveries.router,
    delivery_states.router,
    statuses.router,
    statistics.router,
    receipts.router,
    uploads.router,
    tus.router,
    organisations.router,
    recipient_groups.router,
    subscriptions.router,
    notifications.router,
    token.router,
    me.router,
    requests.router,
    administration.router,
    accounts.router,
    administration_lifecycle.router,
    health.router,
)


def make_app(gateway: Gateway) -> FastAPI:
    """The REST interface over the services and ports of a `Gateway`."""
    app = FastAPI(
        title="docaxis",
        version="1",
        description="The axis through which agencies send each other signed documents.",
        # No pages that load scripts from elsewhere; the document itself is at /openapi.json.
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.gateway = gateway
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX)
    # Load balancers look for these at the root.
    app.include_router(health.router, include_in_schema=False)
    for path in ("/openapi.json", f"{PREFIX}/openapi.json"):
        app.add_api_route(path, _get_openapi, include_in_schema=False)
    app.add_exception_handler(DocaxisError, handle_docaxis_error)
    app.add_exception_handler(HTTPException, handle_http_exception)
    app.add_exception_handler(RequestValidationError, handle_validation_error)
    app.add_middleware(DirectRoutes, routers=ROUTERS)
    app.add_middleware(Edge, gateway=gateway)
    return app


async def _get_openapi(request: Request) -> Response:
    app: FastAPI = request.app
    return json_answer(document_openapi(app), headers={"Cache-Control": "public, max-age=300"})
