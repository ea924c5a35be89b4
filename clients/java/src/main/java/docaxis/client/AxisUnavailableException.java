package docaxis.client;

import java.util.Optional;

/** No usable answer within the retries allowed; the same call may be made again later. */
public final class AxisUnavailableException extends DocaxisException {
    private static final long serialVersionUID = 1L;

    AxisUnavailableException(String message, Throwable cause) {
        super(message, cause);
    }

    /** What the axis said last, where it said anything (429, 502, 503, 504). */
    public Optional<ProblemException> problem() {
        return getCause() instanceof ProblemException problem
                ? Optional.of(problem)
                : Optional.empty();
    }
}
