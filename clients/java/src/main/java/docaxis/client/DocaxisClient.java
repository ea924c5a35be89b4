package docaxis.client;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The axis, as a connected system sees it. Calls wait for their answer; any thread may call.
 *
 * <p>Refusals are {@link ProblemException}; {@link AxisUnavailableException} where there was no
 * usable answer within the retries. Whatever a method does, it may be called again: the axis makes
 * repeats harmless, and the retries rely on that.
 */
public final class DocaxisClient {
    private static final Duration CONNECT_WITHIN = Duration.ofSeconds(10);
    private static final Duration DECIDE_WITHIN = Duration.ofSeconds(60);
    private static final int PENDING = 202;

    private final Transport transport;

    /** A client of the axis that the credentials name, in Vietnamese, with the usual retries. */
    public DocaxisClient(Credentials credentials) {
        this(
                credentials
                        .baseUrl()
                        .orElseThrow(
                                () ->
                                        new CredentialsUnusableException(
                                                "these credentials name no base_url", null)),
                credentials,
                "vi",
                Retries.USUAL,
                httpClient().build());
    }

    /**
     * A client with everything said.
     *
     * @param language words of problems and labels: {@code vi} or {@code en}
     * @param http with your proxy and trusted certificates; begin with {@link #httpClient}
     */
    public DocaxisClient(
            String baseUrl,
            Credentials credentials,
            String language,
            Retries retries,
            HttpClient http) {
        this.transport = new Transport(baseUrl, credentials, language, retries, http);
    }

    /** The usual HTTP client, to be changed: HTTP/1.1, no redirects. */
    public static HttpClient.Builder httpClient() {
        return HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .connectTimeout(CONNECT_WITHIN);
    }

    /** Tells who the axis takes this system for. */
    public Me me() throws InterruptedException {
        return transport.get("/me", Me.class);
    }

    /** A bearer token for other tools, good for some minutes. */
    public String accessToken() throws InterruptedException {
        return transport.token();
    }

    /**
     * Sends a document with its files in one request; the same again is harmless and gets the same
     * answer. Where the axis has it but needs longer, its decision is awaited for a minute.
     *
     * @throws LocalFileException for a file that cannot be read
     */
    public Submission submit(NewDocument document, List<OutgoingFile> files)
            throws InterruptedException {
        Transport.Reply reply = transport.send(Multipart.submit(document, files));
        Submission answer = read(reply.body(), Submission.class);
        boolean first = reply.status() != 200;
        if (reply.status() == PENDING) {
            answer = decided(answer);
        }
        return new Submission(
                answer.id(),
                answer.status() == null ? "accepted" : answer.status(),
                answer.acceptedAt(),
                answer.recipients(),
                answer.refused(),
                answer.receipt(),
                first);
    }

    /** Gets a document that one of the system's organisations sent or receives. */
    public Document document(String documentId) throws InterruptedException {
        return transport.get("/documents/" + segment(documentId), Document.class);
    }

    /** All that is open for the organisations that the system serves; changes nothing. */
    public InboxPage inbox() throws InterruptedException {
        return inbox(null, null, null, Duration.ZERO);
    }

    /**
     * A page of what is open, or, with a cursor, of what is new since.
     *
     * @param organisation only this one's, or null
     * @param cursor {@code next} of an earlier page, or null
     * @param limit at most 500, or null
     * @param wait holds an empty answer back until there is news; at most 50 s
     */
    public InboxPage inbox(String organisation, String cursor, Integer limit, Duration wait)
            throws InterruptedException {
        Map<String, Object> query = new LinkedHashMap<>();
        query.put("organisation", organisation);
        query.put("cursor", cursor);
        query.put("limit", limit);
        query.put("wait", wait.isZero() ? null : wait.toSeconds());
        return transport.get("/inbox" + query(query), InboxPage.class);
    }

    /**
     * Gets a file to a path, streamed and resumed where the line was cut; there is never a part of
     * it at {@code target}.
     *
     * @throws DigestMismatchException where the bytes are not those that the digest names
     * @throws LocalFileException where the disk refuses
     */
    public void download(String documentId, String digest, Path target)
            throws InterruptedException {
        if (!digest.matches("[0-9a-f]{64}")) {
            throw new IllegalArgumentException("a digest is SHA-256 in hex");
        }
        String path = "/documents/" + segment(documentId) + "/files/" + digest;
        Download.run(transport, path, digest, target);
    }

    /**
     * Takes deliveries over (at most 500): from then on they are the recipient's. Do so only with
     * what you have stored.
     */
    public List<Acknowledgement> acknowledge(List<String> deliveries) throws InterruptedException {
        record Results(List<Acknowledgement> results) {}
        Map<String, Object> content = Map.of("deliveries", deliveries);
        String path = "/deliveries:acknowledge";
        return Lists.given(
                transport.post(path, content, Assertion.randomText(), Results.class).results());
    }

    /** Says how far deliveries (at most 500) have come. */
    public List<StatusResult> reportStatuses(List<StatusReport> statuses)
            throws InterruptedException {
        record Results(List<StatusResult> results) {}
        Map<String, Object> content = Map.of("statuses", statuses);
        String key = Assertion.randomText();
        return Lists.given(transport.post("/statuses", content, key, Results.class).results());
    }

    /** Tells what became of the first 500 recipients' copies. */
    public Timeline timeline(String documentId) throws InterruptedException {
        return timeline(documentId, null);
    }

    /** Tells what became of further recipients' copies. */
    public Timeline timeline(String documentId, String cursor) throws InterruptedException {
        Map<String, Object> query = new LinkedHashMap<>();
        query.put("cursor", cursor);
        String path = "/documents/" + segment(documentId) + "/timeline" + query(query);
        return transport.get(path, Timeline.class);
    }

    /** Gets one receipt, by its id or by its address as other answers give it. */
    public Receipt receipt(String idOrAddress) throws InterruptedException {
        String id = idOrAddress.substring(idOrAddress.lastIndexOf('/') + 1);
        return transport.get("/receipts/" + segment(id), Receipt.class);
    }

    /** Lists receipts of all the system's documents and deliveries, from a cursor (or null) on. */
    public ReceiptsPage receipts(String cursor, Duration wait) throws InterruptedException {
        Map<String, Object> query = new LinkedHashMap<>();
        query.put("cursor", cursor);
        query.put("wait", wait.isZero() ? null : wait.toSeconds());
        return transport.get("/receipts" + query(query), ReceiptsPage.class);
    }

    /** Lists the receipts of one document, those of its deliveries included. */
    public List<Receipt> documentReceipts(String documentId) throws InterruptedException {
        String path = "/documents/" + segment(documentId) + "/receipts";
        return transport.get(path, ReceiptsPage.class).items();
    }

    /** Gets the axis's published keys (RFC 7517); keep them beside your receipts. */
    public byte[] keySet() throws InterruptedException {
        return Json.write(transport.anonymous("/keys", JsonNode.class));
    }

    /**
     * Checks that the axis signed a receipt, and that it is about this document, with the keys that
     * are published now. {@link ReceiptVerifier} does so with stored ones.
     *
     * @throws ReceiptInvalidException with the code of the rule that failed
     */
    public ReceiptClaims verifyReceipt(Receipt receipt, String documentId)
            throws InterruptedException {
        ReceiptClaims claims = ReceiptVerifier.verify(receipt.jws(), keySet());
        ReceiptVerifier.requireAbout(claims, documentId);
        return claims;
    }

    private Submission decided(Submission pending) throws InterruptedException {
        long deadline = System.nanoTime() + DECIDE_WITHIN.toNanos();
        long pause = 200;
        while (System.nanoTime() + Duration.ofMillis(pause).toNanos() < deadline) {
            Thread.sleep(pause);
            pause = Math.min(pause * 3 / 2, 2000);
            Transport.Reply reply;
            try {
                reply = transport.get("/documents/" + segment(pending.id()), Map.of());
            } catch (ProblemException problem) {
                if (problem.status() == 404) {
                    continue; // Not among the documents yet; any other problem is the refusal.
                }
                throw problem;
            }
            Document document = read(reply.body(), Document.class);
            if (reply.status() != PENDING && !"pending".equals(document.status())) {
                return new Submission(
                        pending.id(),
                        document.status(),
                        document.acceptedAt(),
                        document.recipients(),
                        document.refused(),
                        document.receipts().stream().findFirst().orElse(pending.receipt()),
                        true);
            }
        }
        return pending;
    }

    private static <T> T read(byte[] json, Class<T> type) {
        try {
            return Json.read(json, type);
        } catch (IOException error) {
            throw new AxisUnavailableException("an answer that is no JSON of ours", error);
        }
    }

    private static String query(Map<String, Object> fields) {
        String joined =
                fields.entrySet().stream()
                        .filter(each -> each.getValue() != null)
                        .map(each -> each.getKey() + "=" + encoded(each.getValue().toString()))
                        .collect(Collectors.joining("&"));
        return joined.isEmpty() ? "" : "?" + joined;
    }

    private static String segment(String text) {
        return encoded(text).replace("+", "%20");
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
