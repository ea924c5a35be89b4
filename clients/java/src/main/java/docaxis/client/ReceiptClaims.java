package docaxis.client;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Instant;

/**
 * What a receipt that was checked says.
 *
 * @param id the receipt's id
 * @param kind {@code accepted} (by the axis, from the sender) or {@code handed_over}
 * @param contentDigest SHA-256 in hex, over the metadata and the files' digests
 * @param sender the sender's organisation id
 * @param recipient the recipient's organisation id, of a hand-over
 */
public record ReceiptClaims(
        @JsonProperty("jti") String id,
        String kind,
        Instant at,
        String documentId,
        String contentDigest,
        String sender,
        String senderDocumentId,
        String recipient,
        String deliveryId) {}
