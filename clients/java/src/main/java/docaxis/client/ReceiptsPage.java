package docaxis.client;

import java.util.List;

/** A page of receipts; {@code next} is the cursor that goes on behind it. */
public record ReceiptsPage(List<Receipt> items, String next) {
    /** An absent list is empty. */
    public ReceiptsPage {
        items = Lists.given(items);
    }
}
