package docaxis.client;

/**
 * What became of one acknowledgement.
 *
 * @param result {@code handed_over}, {@code already_handed_over}, or an error's code
 * @param receipt the address of the receipt of the hand-over
 */
public record Acknowledgement(String deliveryId, String result, String receipt) {
    /** Whether the delivery is handed over, now or before. */
    public boolean done() {
        return "handed_over".equals(result) || "already_handed_over".equals(result);
    }
}
