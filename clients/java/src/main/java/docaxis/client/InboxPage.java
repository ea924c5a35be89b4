package docaxis.client;

import java.time.Instant;
import java.util.List;

/**
 * Deliveries that wait for their recipient.
 *
 * @param next the cursor that goes on behind this page; keep it
 */
public record InboxPage(List<Item> items, String next) {
    /** An absent list is empty. */
    public InboxPage {
        items = Lists.given(items);
    }

    /** One delivery, with the whole document. */
    public record Item(
            String deliveryId,
            String organisation,
            String organisationId,
            String state,
            long mailboxNumber,
            Instant readyAt,
            Document document) {}
}
