package docaxis.client;

import java.time.Instant;
import java.util.List;

/** What became of every recipient's copy of a document, in pages of at most 500. */
public record Timeline(String documentId, List<Copy> items, String next) {
    /** An absent list is empty. */
    public Timeline {
        items = Lists.given(items);
    }

    /** One recipient's copy; {@code furthest} is its furthest status, {@code receipt} an address. */
    public record Copy(
            String deliveryId,
            String organisationId,
            String code,
            String name,
            String state,
            String reason,
            String furthest,
            Instant handedOverAt,
            String receipt,
            List<Entry> entries) {
        /** An absent list is empty. */
        public Copy {
            entries = Lists.given(entries);
        }
    }

    /**
     * One status.
     *
     * @param source who says so: {@code recipient} or {@code axis}
     * @param claimedAt the time that the recipient claims, as it wrote it
     */
    public record Entry(
            String code,
            String label,
            String source,
            Instant recordedAt,
            String claimedAt,
            String reason) {}
}
