package docaxis.client;

/** A credentials file, or the key that it names, cannot be used; the message names the file. */
public final class CredentialsUnusableException extends DocaxisException {
    private static final long serialVersionUID = 1L;

    CredentialsUnusableException(String message, Throwable cause) {
        super(message, cause);
    }
}
