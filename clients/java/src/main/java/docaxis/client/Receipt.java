package docaxis.client;

import java.time.Instant;

/** A statement signed by the axis; {@code jws} is the proof (RFC 7515, compact). Keep it. */
public record Receipt(
        String id,
        String kind,
        String documentId,
        String deliveryId,
        String organisationId,
        String jws,
        Instant sealedAt) {}
