"""The OpenAPI document: made from the routes, with each route's problems spelt out."""

from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from docaxis_gateway import account_models, admin_models, request_models
from docaxis_gateway.response_models import KeySet, Problem
from docaxis_runtime.error_table import row_of

_REF = "#/components/schemas/"
_ALWAYS = ("busy", "unavailable", "deadline_exceeded", "internal")
_CALLER = (
    "unauthenticated",
    "token_malformed",
    "token_forged",
    "token_expired",
    "system_unknown",
    "system_locked",
    "system_suspended",
    "credential_revoked",
    "credential_expired",
    "signature_malformed",
    "signature_incomplete",
    "signature_unknown_key",
    "signature_invalid",
    "signature_stale",
    "signature_replayed",
    "client_certificate_unknown",
    "client_certificate_expired",
    "client_certificate_malformed",
    "client_certificate_source_refused",
    "several_credentials",
    "digest_mismatch",
    "rate_limited",
    "unknown_field",
)
BODY = (
    "validation_failed",
    "field_required",
    "field_invalid",
    "field_too_long",
    "too_many_items",
    "malformed_json",
    "unsupported_media_type",
    "body_too_large",
    "request_timed_out",
)
"""Codes of every route that takes a JSON body."""

PAGE = ("limit_invalid", "cursor_invalid", "field_invalid")
"""Codes of every route with pages."""

_REQUESTS = (
    request_models.SubmitDocument,
    request_models.AcknowledgeDeliveries,
    request_models.ReportStatus,
    request_models.ReportStatuses,
    request_models.Subscribe,
    request_models.ChangeSubscription,
    request_models.RotateSecret,
    request_models.SetRecipientGroup,
    admin_models.RegisterOrganisations,
    admin_models.MergeOrganisations,
    admin_models.OnboardSystem,
    admin_models.SetSecurityLevel,
    admin_models.DateCredential,
    admin_models.SetSignaturePolicy,
    admin_models.RegisterSystem,
    admin_models.ServeOrganisations,
    admin_models.AddCredential,
    account_models.RegisterAccount,
    account_models.FindAccount,
    account_models.SetPerson,
    account_models.GrantRole,
    account_models.EndRole,
)


def problems(
    *codes: str, public: bool = False, only: str = "systems_only"
) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may answer with these codes, by HTTP status.

    `only` is what the other kind of caller is told; empty where there is no other.
    """
    by_status: dict[int, list[str]] = {}
    callers = () if public else (*_CALLER, only) if only else _CALLER
    for code in (*codes, *callers, *_ALWAYS):
        listed = by_status.setdefault(row_of(code).http, [])
        if code not in listed:
            listed.append(code)
    return {
        status: {
            "description": "Problem: " + ", ".join(f"`{code}`" for code in listed),
            "content": {
                "application/problem+json": {"schema": {"$ref": f"{_REF}{Problem.__name__}"}}
            },
        }
        for status, listed in sorted(by_status.items())
    }


def json_body(model: type[BaseModel]) -> dict[str, Any]:
    """`openapi_extra` of a route that takes a JSON body of that model."""
    return {"requestBody": {"required": True, "content": {"application/json": _schema(model)}}}


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return {"schema": {"$ref": f"{_REF}{model.__name__}"}}


SUBMIT_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": _schema(request_models.SubmitDocument),
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["document"],
                    "properties": {
                        "document": {"$ref": f"{_REF}{request_models.SubmitDocument.__name__}"}
                    },
                    "additionalProperties": {"type": "string", "format": "binary"},
                    "description": "The part `document` comes first; each further part is one "
                    "that `files[].part` or `files[].signature.part` names.",
                },
                "encoding": {"document": {"contentType": "application/json"}},
            },
        },
    }
}

BINARY_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}

TOKEN_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["grant_type", "client_assertion_type", "client_assertion"],
                    "properties": {
                        "grant_type": {"const": "client_credentials"},
                        "client_assertion_type": {
                            "const": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
                        },
                        "client_assertion": {"type": "string"},
                    },
                }
            }
        },
    }
}

KEY_SET_MEDIA_TYPE = "application/jwk-set+json"
KEY_SET_ANSWER: dict[str, Any] = {
    "description": "The published keys (RFC 7517)",
    "content": {KEY_SET_MEDIA_TYPE: _schema(KeySet)},
}

IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key makes a repeat harmless; scoped to system and route.",
    "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,64}$"},
}


def document_openapi(app: FastAPI) -> dict[str, Any]:
    """The whole document, built once."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        components = schema.setdefault("components", {}).setdefault("schemas", {})
        components.update(_models((*_REQUESTS, Problem, KeySet)))
        _drop_unused_errors(schema["paths"].values())
        for name in ("HTTPValidationError", "ValidationError"):
            components.pop(name, None)
        app.openapi_schema = schema
    return app.openapi_schema


def _models(models: Iterable[type[BaseModel]]) -> dict[str, Any]:
    _, definitions = models_json_schema(
        [(model, "validation") for model in models], ref_template=_REF + "{model}"
    )
    found: dict[str, Any] = definitions["$defs"]
    return found


def _drop_unused_errors(paths: Iterable[dict[str, Any]]) -> None:
    # FastAPI announces its own form of error, which nobody ever gets here.
    for path in paths:
        for operation in path.values():
            answer = operation["responses"].get("422", {})
            if "application/json" in answer.get("content", {}):
                del operation["responses"]["422"]
