package docaxis.client;

/** What became of one reported status; {@code result} is an error's code where it is not done. */
public record StatusResult(String deliveryId, String code, String result) {
    /** Whether the axis has it: recorded, known already, or held until its delivery comes. */
    public boolean done() {
        return "recorded".equals(result)
                || "already_recorded".equals(result)
                || "held".equals(result);
    }
}
