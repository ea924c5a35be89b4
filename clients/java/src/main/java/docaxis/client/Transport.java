package docaxis.client;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.function.Supplier;
import javax.net.ssl.SSLException;

/** One HTTP client to the axis: tokens, problems as exceptions, safe retries. Any thread may call. */
final class Transport {
    private static final String API = "/api/v1";
    private static final String JSON = "application/json";
    /** A long-poll answers within 50 s; a large body gets a second more for each 64 KiB. */
    private static final Duration ANSWER_WITHIN = Duration.ofSeconds(90);

    private static final long SLOWEST_BYTES_PER_S = 64 * 1024;

    private final String root;
    private final String language;
    private final Retries retries;
    private final HttpClient http;
    private final Tokens tokens;

    /** An answer in memory. */
    record Reply(int status, byte[] body) {}

    /** What is asked; a body's publisher is made anew for each attempt. */
    record Call(
            String method, String path, Map<String, String> headers, BodySource body, long size) {}

    @FunctionalInterface
    interface BodySource {
        BodyPublisher open() throws IOException;
    }

    @FunctionalInterface
    interface Reader<T> {
        T read(HttpResponse<InputStream> answer) throws IOException, InterruptedException;
    }

    Transport(
            String baseUrl,
            Credentials credentials,
            String language,
            Retries retries,
            HttpClient http) {
        this.root = baseUrl.replaceAll("/+$", "") + API;
        this.language = language;
        this.retries = retries;
        this.http = http;
        this.tokens = new Tokens(() -> askForToken(credentials));
    }

    /** Gets JSON. */
    <T> T get(String path, Class<T> type) throws InterruptedException {
        return retries.call(root, () -> Json.read(asked(get(path)).body(), type));
    }

    /** Gets an answer with its status. */
    Reply get(String path, Map<String, String> headers) throws InterruptedException {
        return send(new Call("GET", path, headers, BodyPublishers::noBody, 0));
    }

    /** Posts JSON under one key, which stays the same over the retries. */
    <T> T post(String path, Object content, String key, Class<T> type)
            throws InterruptedException {
        byte[] body = Json.write(content);
        Map<String, String> headers = Map.of("Content-Type", JSON, "Idempotency-Key", key);
        BodySource source = () -> BodyPublishers.ofByteArray(body);
        Call call = new Call("POST", path, headers, source, body.length);
        return retries.call(root, () -> Json.read(asked(call).body(), type));
    }

    /** Sends a call until it is answered. */
    Reply send(Call call) throws InterruptedException {
        return retries.call(root, () -> asked(call));
    }

    /** Gets something to be read as it comes; the reader may be called again after a cut. */
    <T> T stream(String path, Supplier<Map<String, String>> headers, Reader<T> reader)
            throws InterruptedException {
        return retries.call(
                root,
                () ->
                        withToken(
                                token -> {
                                    Call call =
                                            new Call("GET", path, headers.get(), BodyPublishers::noBody, 0);
                                    HttpResponse<InputStream> answer =
                                            http.send(request(call, token), BodyHandlers.ofInputStream());
                                    try (InputStream body = answer.body()) {
                                        if (answer.statusCode() >= 400) {
                                            throw problem(answer, body.readAllBytes());
                                        }
                                        return reader.read(answer);
                                    }
                                }));
    }

    /** Gets JSON that needs no token. */
    <T> T anonymous(String path, Class<T> type) throws InterruptedException {
        return retries.call(root, () -> Json.read(once(get(path), null).body(), type));
    }

    /** A token for other tools. */
    String token() throws InterruptedException {
        return tokens.present(null);
    }

    private static Call get(String path) {
        return new Call("GET", path, Map.of(), BodyPublishers::noBody, 0);
    }

    @FunctionalInterface
    private interface WithToken<T> {
        T run(String token) throws IOException, InterruptedException;
    }

    private Reply asked(Call call) throws IOException, InterruptedException {
        return withToken(token -> once(call, token));
    }

    private <T> T withToken(WithToken<T> work) throws IOException, InterruptedException {
        String token = tokens.present(null);
        try {
            return work.run(token);
        } catch (ProblemException problem) {
            if (problem.status() != 401) {
                throw problem;
            }
        }
        // It ended early, or the axis has new keys: one new token, then its word counts.
        return work.run(tokens.present(token));
    }

    private Reply once(Call call, String token) throws IOException, InterruptedException {
        HttpResponse<byte[]> answer;
        try {
            answer = http.send(request(call, token), BodyHandlers.ofByteArray());
        } catch (SSLException distrusted) {
            // Another try would find the same certificate.
            throw new AxisUnavailableException(root + ": " + distrusted.getMessage(), distrusted);
        }
        if (answer.statusCode() >= 400) {
            throw problem(answer, answer.body());
        }
        return new Reply(answer.statusCode(), answer.body());
    }

    private HttpRequest request(Call call, String token) throws IOException {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(root + call.path()))
                        .method(call.method(), call.body().open())
                        .timeout(ANSWER_WITHIN.plusSeconds(call.size() / SLOWEST_BYTES_PER_S))
                        .header("Accept-Language", language)
                        .header("User-Agent", "docaxis-client-java");
        call.headers().forEach(request::header);
        if (token != null) {
            request.header("Authorization", "Bearer " + token);
        }
        return request.build();
    }

    private Tokens.Token askForToken(Credentials credentials) throws InterruptedException {
        Map<String, String> headers =
                Map.of("Content-Type", "application/x-www-form-urlencoded");
        return retries.call(
                root,
                () -> {
                    // Anew each time: the axis refuses an assertion that it has seen before.
                    byte[] form = Assertion.form(credentials, Instant.now());
                    BodySource body = () -> BodyPublishers.ofByteArray(form);
                    Call call = new Call("POST", "/token", headers, body, form.length);
                    return Json.read(once(call, null).body(), Tokens.Token.class);
                });
    }

    private static ProblemException problem(HttpResponse<?> answer, byte[] body) {
        return Problems.of(answer.statusCode(), answer.headers(), body, Instant.now());
    }
}
