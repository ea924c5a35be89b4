package docaxis.client;

/** A file of this machine cannot be read or written; its cause says why. Not worth a retry. */
public final class LocalFileException extends DocaxisException {
    private static final long serialVersionUID = 1L;

    LocalFileException(String message, Throwable cause) {
        super(message, cause);
    }
}
