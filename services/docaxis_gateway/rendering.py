"""Protobuf messages of the services as the JSON of the public interface."""

from collections.abc import Iterable
from typing import Any

from docaxis_gateway.answers import document_href, moment, receipt_href
from docaxis_proto import (
    notification_v1_pb2,
    registry_v1_pb2,
    routing_events_v1_pb2,
    routing_v1_pb2,
    signature_events_v1_pb2,
    signature_v1_pb2,
)


def recipient(each: routing_events_v1_pb2.Recipient) -> dict[str, Any]:
    """A recipient that was resolved."""
    return {
        "code": each.code,
        "organisation_id": each.organisation_id,
        "held": each.held,
        "merged_into": each.successor_code or None,
    }


def refused(each: routing_events_v1_pb2.RefusedRecipient) -> dict[str, Any]:
    """A recipient that was refused, and why."""
    return {"code": each.code, "reason": each.reason, "suggestions": list(each.suggestions)}


def submission(reply: routing_v1_pb2.SubmitDocumentReply) -> dict[str, Any]:
    """The answer to a submit: the same body for the first time and every repeat."""
    href = document_href(reply.document_id)
    return {
        "id": reply.document_id,
        "status": "accepted" if reply.decided else "pending",
        "accepted_at": moment(reply.accepted_at),
        "recipients": [recipient(each) for each in reply.recipients],
        "refused": [refused(each) for each in reply.refused],
        "recipient_count": reply.recipient_count or len(reply.recipients) + len(reply.refused),
        "receipt": receipt_href(reply.receipt_id),
        "links": {
            "self": href,
            "deliveries": f"{href}/deliveries",
            "refused": f"{href}/refused",
            "timeline": f"{href}/timeline",
        },
    }


def document(each: routing_v1_pb2.Document, only_recipient: str | None = None) -> dict[str, Any]:
    """A document; with `only_recipient` an organisation's id, without the others' recipients."""
    recipients: Iterable[routing_events_v1_pb2.Recipient] = each.recipients
    refusals: Iterable[routing_events_v1_pb2.RefusedRecipient] = each.refused
    if only_recipient is not None:
        recipients = [one for one in recipients if one.organisation_id == only_recipient]
        refusals = ()
    verdict = {"status": each.verdict_status, "code": each.verdict_code}
    return {
        "id": each.document_id,
        "sender": each.sender_code,
        "sender_organisation_id": each.sender_organisation_id,
        "sender_document_id": each.sender_document_id,
        "business_type": each.business_type,
        "number": each.number,
        "notation": each.notation,
        "place": each.place,
        "promulgated_on": each.promulgated_on,
        "type": {"group": each.type_group, "code": each.type_code, "name": each.type_name},
        "subject": each.subject,
        "content": each.content or None,
        "signer": {
            "competence": each.signer.competence,
            "position": each.signer.position,
            "full_name": each.signer.full_name,
        },
        "priority": each.priority,
        "due_on": each.due_on or None,
        "files": [_file(one, each.document_id) for one in each.files],
        "accepted_at": moment(each.accepted_at),
        "recipients": [recipient(one) for one in recipients],
        "refused": [refused(one) for one in refusals],
        "recipient_count": each.recipient_count if only_recipient is None else 1,
        "verdict": verdict if each.verdict_status else None,
        "content_digest": each.content_digest,
        "receipts": [receipt_href(one) for one in each.receipt_ids],
    }


def _file(each: routing_v1_pb2.FileInfo, document_id: str) -> dict[str, Any]:
    files = f"{document_href(document_id)}/files"
    signature = each.signature_digest
    return {
        "name": each.name,
        "media_type": each.media_type,
        "digest": each.digest,
        "size": each.size,
        "signature_digest": signature or None,
        "href": f"{files}/{each.digest}",
        "signature_href": f"{files}/{signature}" if signature else None,
    }


def delivery(each: routing_v1_pb2.Delivery) -> dict[str, Any]:
    """A delivery as the sender and its recipient see it."""
    return {
        "id": each.delivery_id,
        "organisation_id": each.organisation_id,
        "code": each.code,
        "state": each.state,
        "reason": each.reason or None,
        "ready_at": moment(each.ready_at),
        "handed_over_at": moment(each.handed_over_at),
        "expires_at": moment(each.expires_at),
        "expired_at": moment(each.expired_at),
    }


def inbox_item(each: routing_v1_pb2.Delivery) -> dict[str, Any]:
    """A delivery with its whole document, so that a page of the inbox needs no further calls."""
    return {
        "delivery_id": each.delivery_id,
        "organisation": each.code,
        "organisation_id": each.organisation_id,
        "state": each.state,
        "mailbox_number": each.mailbox_number,
        "ready_at": moment(each.ready_at),
        "document": document(each.document, only_recipient=each.organisation_id),
    }


def organisation(each: registry_v1_pb2.Organisation) -> dict[str, Any]:
    """An organisation with its other codes."""
    return {
        "id": each.organisation_id,
        "code": each.code,
        "name": each.name,
        "level": each.level,
        "kind": each.kind or None,
        "parent_code": each.parent_code or None,
        "aliases": [
            {
                "code": alias.code,
                "valid_from": alias.valid_from or None,
                "valid_until": alias.valid_until or None,
            }
            for alias in each.aliases
        ],
        "locked": each.locked,
        "state": each.state or ("locked" if each.locked else "active"),
        "level_since": each.level_since or None,
        "levels": [{"level": one.level, "since": one.since or None} for one in each.levels],
        "merged_into": (
            {
                "id": each.merged_into_id,
                "code": each.merged_into_code,
                "on": each.merged_on,
            }
            if each.merged_into_id
            else None
        ),
    }


def recipient_group(each: registry_v1_pb2.RecipientGroup) -> dict[str, Any]:
    """A recipient group with those whom its members are today."""
    return {
        "id": each.group_id,
        "owner": each.owner_code,
        "owner_organisation_id": each.owner_organisation_id,
        "name": each.name,
        "members": [
            {"id": one.organisation_id, "code": one.code, "name": one.name} for one in each.members
        ],
    }


def receipt(each: signature_v1_pb2.Receipt) -> dict[str, Any]:
    """A receipt with its signed statement."""
    return {
        "id": each.receipt_id,
        "kind": each.kind,
        "document_id": each.document_id,
        "delivery_id": each.delivery_id or None,
        "organisation_id": each.organisation_id,
        "jws": each.jws,
        "sealed_at": moment(each.sealed_at),
    }


def verdict(each: signature_v1_pb2.GetVerdictReply) -> dict[str, Any]:
    """What was found for each file; `pending` until the signature service has spoken."""
    return {
        "status": each.status or "pending",
        "code": each.code,
        "verified_at": moment(each.verified_at),
        "files": [
            {
                "digest": file.digest,
                "status": file.status,
                "code": file.code,
                "signatures": [_signature(one) for one in file.signatures],
            }
            for file in each.files
        ],
    }


def _signature(each: signature_events_v1_pb2.SignatureFound) -> dict[str, Any]:
    return {
        "kind": each.kind,
        "status": each.status,
        "code": each.code,
        "signer_name": each.signer_name,
        "organisation_name": each.organisation_name,
        "certificate_sha256": each.certificate_sha256,
        "is_seal": each.is_seal,
        "claimed_at": each.claimed_at or None,
        "covers_whole_file": each.covers_whole_file,
    }


def subscription(each: notification_v1_pb2.Subscription, codes: list[str]) -> dict[str, Any]:
    """A webhook subscription, without its secret."""
    return {
        "id": each.subscription_id,
        "url": each.url,
        "organisations": codes,
        "organisation_ids": list(each.organisation_ids),
        "event_types": list(each.event_types),
        "document_types": list(each.document_types),
        "active": each.active,
        "paused": each.paused,
        "previous_secret_until": moment(each.previous_secret_until),
    }


def notification(each: notification_v1_pb2.NotificationState) -> dict[str, Any]:
    """One notification and how its attempts went."""
    return {
        "id": each.notification_id,
        "event_type": each.event_type,
        "document_id": each.document_id or None,
        "delivery_id": each.delivery_id or None,
        "state": each.state,
        "attempts": each.attempts,
        "failure": each.failure or None,
        "retry_at": moment(each.retry_at),
    }
