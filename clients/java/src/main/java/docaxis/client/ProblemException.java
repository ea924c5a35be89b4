package docaxis.client;

import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * The axis refused a request, and said why (RFC 9457). Programs decide on {@link #code()}; words are
 * for people.
 */
public final class ProblemException extends DocaxisException {
    private static final long serialVersionUID = 1L;

    private final String code;
    private final int status;
    private final Details details;

    /**
     * What is wrong with one field; {@code pointer} is a JSON pointer (RFC 6901) into the request.
     */
    public record FieldError(
            String pointer, String code, String detail, List<String> suggestions)
            implements Serializable {
        public FieldError {
            pointer = pointer == null ? "" : pointer;
            code = code == null ? "" : code;
            suggestions = suggestions == null ? List.of() : List.copyOf(suggestions);
        }
    }

    record Details(
            String text,
            List<FieldError> errors,
            List<String> suggestions,
            boolean retryable,
            Duration retryAfter,
            String requestId)
            implements Serializable {}

    ProblemException(String code, int status, Details details) {
        super(details.text().isEmpty() ? code : code + ": " + details.text(), null);
        this.code = code;
        this.status = status;
        this.details = details;
    }

    /** The code of the error table, such as {@code content_conflict}; {@code http_502} where none. */
    public String code() {
        return code;
    }

    /** The HTTP status. */
    public int status() {
        return status;
    }

    /** Each field at fault. */
    public List<FieldError> errors() {
        return details.errors();
    }

    /** What may have been meant; for one field, see its error. */
    public List<String> suggestions() {
        return details.suggestions();
    }

    /** Whether the same request may succeed later. The client has tried already. */
    public boolean retryable() {
        return details.retryable();
    }

    /** How long the axis asks to wait. */
    public Optional<Duration> retryAfter() {
        return Optional.ofNullable(details.retryAfter());
    }

    /** The axis's name of the request, for the operator; empty where unknown. */
    public String requestId() {
        return details.requestId();
    }
}
