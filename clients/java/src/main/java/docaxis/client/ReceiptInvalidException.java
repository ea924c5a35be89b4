package docaxis.client;

/** A receipt does not prove what it should: forged, changed, or about something else. */
public final class ReceiptInvalidException extends DocaxisException {
    private static final long serialVersionUID = 1L;

    private final String code;

    ReceiptInvalidException(String code, String detail) {
        super(detail.isEmpty() ? code : code + ": " + detail, null);
        this.code = code;
    }

    /** The rule that failed, such as {@code receipt_bad_signature} or {@code receipt_about_other}. */
    public String code() {
        return code;
    }
}
