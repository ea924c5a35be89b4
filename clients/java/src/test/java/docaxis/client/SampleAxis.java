package docaxis.client;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/** An axis whose answers a test writes beforehand, and which keeps what it was asked. */
final class SampleAxis implements AutoCloseable {
    /** What was asked. */
    record Asked(String method, String path, Map<String, List<String>> headers, byte[] body) {
        String header(String name) {
            return headers.getOrDefault(name, List.of("")).get(0);
        }
    }

    /** What is answered; {@code cutAfter} bytes the connection is lost, unless negative. */
    record Answer(int status, Map<String, String> headers, byte[] body, int cutAfter) {
        static Answer json(int status, String body) {
            return of(status, Map.of(), body);
        }

        static Answer of(int status, Map<String, String> headers, String body) {
            return new Answer(status, headers, body.getBytes(StandardCharsets.UTF_8), -1);
        }
    }

    final List<Asked> asked = Collections.synchronizedList(new ArrayList<>());
    final List<Asked> tokensAsked = Collections.synchronizedList(new ArrayList<>());
    private final Queue<Answer> answers = new ConcurrentLinkedQueue<>();
    private final HttpServer server;

    SampleAxis() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::handle);
        server.start();
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    SampleAxis answers(Answer... next) {
        answers.addAll(List.of(next));
        return this;
    }

    DocaxisClient client(Path folder) throws Exception {
        return client(folder, new Retries(4, Duration.ofSeconds(20)));
    }

    DocaxisClient client(Path folder, Retries retries) throws Exception {
        Credentials credentials = Credentials.load(credentialsFile(folder, "Ed25519"));
        return new DocaxisClient(
                url(), credentials, "en", retries, DocaxisClient.httpClient().build());
    }

    /** Writes a credentials file and a fresh key of this kind: {@code Ed25519}, {@code EC}. */
    static Path credentialsFile(Path folder, String kind) throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance(kind);
        if (kind.equals("EC")) {
            generator.initialize(256);
        }
        return credentialsFile(folder, generator.generateKeyPair());
    }

    static Path credentialsFile(Path folder, KeyPair pair) throws Exception {
        String base64 =
                Base64.getMimeEncoder(64, new byte[] {'\n'})
                        .encodeToString(pair.getPrivate().getEncoded());
        String label = "PRIVATE KEY-----\n";
        Path key = folder.resolve("sample.key.pem");
        Files.writeString(key, "-----BEGIN " + label + base64 + "\n-----END " + label);
        Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-------"));
        Path file = folder.resolve("sample.json");
        Files.writeString(
                file,
                """
                {"system_id": "s-1", "key_id": "k-1", "private_key_file": "sample.key.pem",
                 "organisations": ["G22", {"code": "H26"}], "later_field": 1}""");
        return file;
    }

    private void handle(HttpExchange exchange) throws IOException {
        Asked now =
                new Asked(
                        exchange.getRequestMethod(),
                        exchange.getRequestURI().getRawPath()
                                + (exchange.getRequestURI().getRawQuery() == null
                                        ? ""
                                        : "?" + exchange.getRequestURI().getRawQuery()),
                        Map.copyOf(exchange.getRequestHeaders()),
                        exchange.getRequestBody().readAllBytes());
        if (now.path().endsWith("/token")) {
            tokensAsked.add(now);
            String token = "token-" + tokensAsked.size();
            give(exchange, Answer.json(200, "{\"access_token\": \"" + token + "\", \"expires_in\": 900}"));
            return;
        }
        asked.add(now);
        Answer answer = answers.poll();
        give(exchange, answer != null ? answer : Answer.json(418, "{\"code\": \"not_scripted\"}"));
    }

    private static void give(HttpExchange exchange, Answer answer) throws IOException {
        answer.headers().forEach((name, value) -> exchange.getResponseHeaders().add(name, value));
        int length = answer.body().length;
        exchange.sendResponseHeaders(answer.status(), length == 0 ? -1 : length);
        if (answer.cutAfter() >= 0) {
            exchange.getResponseBody().write(answer.body(), 0, answer.cutAfter());
            exchange.getResponseBody().flush();
            throw new IOException("the line is cut, as the test wants it");
        }
        exchange.getResponseBody().write(answer.body());
        exchange.close();
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
