package docaxis.client;

import java.io.IOException;
import java.net.http.HttpHeaders;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.List;

/** Reads refusals: problem details (RFC 9457), or whatever a proxy answers instead. */
final class Problems {
    private record Body(
            String title,
            String detail,
            String code,
            List<ProblemException.FieldError> errors,
            Boolean retryable,
            String requestId,
            List<String> suggestions) {}

    private static final Body NONE = new Body(null, null, null, null, null, null, null);

    private Problems() {}

    static ProblemException of(int status, HttpHeaders headers, byte[] body, Instant now) {
        Body told;
        try {
            told = Json.read(body, Body.class);
        } catch (IOException notProblemDetails) {
            told = NONE;
        }
        String text = told.detail() != null ? told.detail() : told.title() != null ? told.title() : "";
        return new ProblemException(
                told.code() != null ? told.code() : "http_" + status,
                status,
                new ProblemException.Details(
                        text,
                        told.errors() == null ? List.of() : List.copyOf(told.errors()),
                        told.suggestions() == null ? List.of() : List.copyOf(told.suggestions()),
                        told.retryable() != null ? told.retryable() : status == 429 || status == 503,
                        headers.firstValue("Retry-After").map(each -> wait(each, now)).orElse(null),
                        told.requestId() != null
                                ? told.requestId()
                                : headers.firstValue("X-Request-Id").orElse("")));
    }

    /** Reads {@code Retry-After}: seconds, or a date (RFC 9110, 10.2.3); null for anything else. */
    static Duration wait(String retryAfter, Instant now) {
        try {
            return Duration.ofSeconds(Math.max(0, Long.parseLong(retryAfter.strip())));
        } catch (NumberFormatException noSeconds) {
            // A date, then.
        }
        try {
            Instant until =
                    ZonedDateTime.parse(retryAfter.strip(), DateTimeFormatter.RFC_1123_DATE_TIME)
                            .toInstant();
            Duration wait = Duration.between(now, until);
            return wait.isNegative() ? Duration.ZERO : wait;
        } catch (DateTimeParseException neither) {
            return null;
        }
    }
}
