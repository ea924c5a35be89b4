package docaxis.client;

import java.time.Instant;
import java.util.List;

/** Who the axis takes the caller for, and whom it serves. */
public record Me(
        String systemId,
        String name,
        String connection,
        List<Organisation> organisations,
        Instant serverTime) {
    /** An absent list is empty. */
    public Me {
        organisations = Lists.given(organisations);
    }

    /** An organisation that the system serves. */
    public record Organisation(String id, String code, String name) {}
}
