package docaxis.client;

import java.time.Instant;
import java.util.List;

/**
 * What became of a submit.
 *
 * @param status {@code accepted}, or {@code pending}: durable at the axis, not decided yet
 * @param receipt the address of the axis's receipt
 * @param first false where the axis had accepted the same before
 */
public record Submission(
        String id,
        String status,
        Instant acceptedAt,
        List<Document.Recipient> recipients,
        List<Document.RefusedRecipient> refused,
        String receipt,
        boolean first) {
    /** Absent lists are empty. */
    public Submission {
        recipients = Lists.given(recipients);
        refused = Lists.given(refused);
    }
}
