package docaxis.client;

/** All that this library raises about the axis; catch it to catch them all. */
public abstract class DocaxisException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    DocaxisException(String message, Throwable cause) {
        super(message, cause);
    }
}
