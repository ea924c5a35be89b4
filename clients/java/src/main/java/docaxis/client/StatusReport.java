package docaxis.client;

import java.time.OffsetDateTime;

/**
 * A status to report of one delivery: 02 returned, 03 registered, 04 assigned, 05 in progress, 06
 * finished.
 *
 * @param reason why; 02 needs it, else it may be null
 * @param at when it came about by your own clock, or null
 */
public record StatusReport(String delivery, String code, String reason, OffsetDateTime at) {
    /** A status without a reason or a time. */
    public static StatusReport of(String delivery, String code) {
        return new StatusReport(delivery, code, null, null);
    }
}
