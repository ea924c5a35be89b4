package docaxis.client;

/** The bytes received are not those that the axis named; nothing was kept of them. */
public final class DigestMismatchException extends DocaxisException {
    private static final long serialVersionUID = 1L;

    DigestMismatchException(String expected, String found) {
        super("expected SHA-256 " + expected + ", got " + found, null);
    }
}
