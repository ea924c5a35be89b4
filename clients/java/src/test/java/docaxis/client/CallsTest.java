package docaxis.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import docaxis.client.SampleAxis.Answer;
import docaxis.client.SampleAxis.Asked;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.text.Normalizer;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What goes over the line, and what is made of the answers: retries, problems, files. */
class CallsTest {
    private static final String ME = "{\"system_id\": \"s-1\", \"later_field\": [1]}";
    private static final String ACKNOWLEDGED =
            "{\"results\": [{\"delivery_id\": \"d-1\", \"result\": \"handed_over\"}]}";

    @TempDir Path folder;
    private SampleAxis axis;

    @BeforeEach
    void start() throws IOException {
        axis = new SampleAxis();
    }

    @AfterEach
    void stop() {
        axis.close();
    }

    @Test
    void oneTokenServesManyCalls() throws Exception {
        axis.answers(Answer.json(200, ME), Answer.json(200, ME));
        DocaxisClient client = axis.client(folder);
        assertEquals("s-1", client.me().systemId());
        assertEquals(List.of(), client.me().organisations());
        assertEquals(1, axis.tokensAsked.size());
        String form = new String(axis.tokensAsked.get(0).body(), StandardCharsets.US_ASCII);
        assertTrue(form.startsWith("grant_type=client_credentials&client_assertion_type="), form);
        assertEquals("Bearer token-1", axis.asked.get(1).header("Authorization"));
        assertEquals("en", axis.asked.get(1).header("Accept-language"));
    }

    @Test
    void aRefusedTokenIsRenewedOnce() throws Exception {
        axis.answers(Answer.json(401, "{\"code\": \"token_expired\"}"), Answer.json(200, ME));
        axis.client(folder).me();
        assertEquals("Bearer token-2", axis.asked.get(1).header("Authorization"));
        axis.answers(Answer.json(401, "{}"), Answer.json(401, "{\"code\": \"system_unknown\"}"));
        DocaxisClient another = axis.client(folder);
        assertEquals("system_unknown", assertThrows(ProblemException.class, another::me).code());
    }

    @Test
    void retriesKeepTheirKeyAndHonourRetryAfter() throws Exception {
        axis.answers(
                Answer.of(503, Map.of("Retry-After", "1"), "{\"code\": \"busy\"}"),
                Answer.json(502, "<html>a proxy's words</html>"),
                Answer.json(200, ACKNOWLEDGED));
        long begin = System.nanoTime();
        List<Acknowledgement> done = axis.client(folder).acknowledge(List.of("d-1"));
        assertTrue(System.nanoTime() - begin >= Duration.ofSeconds(1).toNanos());
        assertTrue(done.get(0).done());
        List<String> keys = axis.asked.stream().map(each -> each.header("Idempotency-key")).toList();
        assertEquals(3, keys.size());
        assertEquals(1, keys.stream().distinct().count());
        assertFalse(keys.get(0).isEmpty());
    }

    @Test
    void aLostConnectionIsTriedAgain() throws Exception {
        byte[] body = ME.getBytes(StandardCharsets.UTF_8);
        axis.answers(new Answer(200, Map.of(), body, 5), Answer.json(200, ME));
        assertEquals("s-1", axis.client(folder).me().systemId());
    }

    @Test
    void attemptsAndPatienceEnd() throws Exception {
        Answer busy = Answer.json(429, "{\"code\": \"too_many_requests\", \"retryable\": true}");
        axis.answers(busy, busy);
        DocaxisClient client = axis.client(folder, new Retries(2, Duration.ofSeconds(20)));
        AxisUnavailableException error =
                assertThrows(AxisUnavailableException.class, client::me);
        assertEquals("too_many_requests", error.problem().orElseThrow().code());
        assertEquals(2, axis.asked.size());
        axis.answers(Answer.of(503, Map.of("Retry-After", "600"), ""));
        DocaxisClient hasty = axis.client(folder, new Retries(9, Duration.ofSeconds(1)));
        long begin = System.nanoTime();
        assertThrows(AxisUnavailableException.class, hasty::me);
        assertTrue(System.nanoTime() - begin < Duration.ofSeconds(30).toNanos());
    }

    @Test
    void anAxisThatIsAwayIsUnavailable() throws Exception {
        DocaxisClient client = axis.client(folder, new Retries(2, Duration.ofSeconds(5)));
        axis.close();
        AxisUnavailableException error =
                assertThrows(AxisUnavailableException.class, client::me);
        assertTrue(error.problem().isEmpty());
        assertTrue(error.getMessage().contains("127.0.0.1"), error.getMessage());
    }

    @Test
    void aProblemTellsCodePointersAndWhetherToTryAgain() throws Exception {
        axis.answers(
                Answer.of(
                        422,
                        Map.of("X-Request-Id", "q-1"),
                        """
                        {"type": "urn:docaxis:error:validation_failed", "title": "t",
                         "detail": "Some fields", "code": "validation_failed", "retryable": false,
                         "errors": [{"pointer": "/recipients/1", "code": "unknown_organisation",
                                     "detail": "no H2X", "suggestions": ["H26"]}]}"""));
        ProblemException problem =
                assertThrows(ProblemException.class, () -> axis.client(folder).document("d 1/x"));
        assertEquals("validation_failed", problem.code());
        assertEquals(422, problem.status());
        assertFalse(problem.retryable());
        assertEquals("/recipients/1", problem.errors().get(0).pointer());
        assertEquals(List.of("H26"), problem.errors().get(0).suggestions());
        assertEquals("q-1", problem.requestId());
        assertEquals("/api/v1/documents/d%201%2Fx", axis.asked.get(0).path());
        assertEquals(1, axis.asked.size());
    }

    @Test
    void retryAfterIsSecondsOrADate() {
        Instant now = Instant.parse("2026-11-22T10:00:00Z");
        assertEquals(Duration.ofSeconds(7), Problems.wait("7", now));
        assertEquals(Duration.ofSeconds(30), Problems.wait("Sun, 22 Nov 2026 10:00:30 GMT", now));
        assertEquals(Duration.ZERO, Problems.wait("Sun, 22 Nov 2026 09:00:00 GMT", now));
        assertEquals(null, Problems.wait("soon", now));
    }

    @Test
    void theInboxIsAskedByCursorAndWait() throws Exception {
        axis.answers(
                Answer.json(
                        200,
                        """
                        {"items": [{"delivery_id": "d-1", "document": {"id": "x",
                          "promulgated_on": "2026-11-22", "files": [{"name": "Thư.pdf",
                          "digest": "ab", "size": 3}]}}], "next": "c-2"}"""),
                Answer.json(200, "{\"items\": [], \"next\": \"c-2\"}"));
        DocaxisClient client = axis.client(folder);
        InboxPage page = client.inbox();
        assertEquals("Thư.pdf", page.items().get(0).document().files().get(0).name());
        assertEquals(LocalDate.of(2026, 11, 22), page.items().get(0).document().promulgatedOn());
        assertTrue(client.inbox("H26", page.next(), 10, Duration.ofSeconds(50)).items().isEmpty());
        assertEquals(
                "/api/v1/inbox?organisation=H26&cursor=c-2&limit=10&wait=50",
                axis.asked.get(1).path());
    }

    @Test
    void aDocumentGoesFirstAndItsFilesFollowAsTheyAre() throws Exception {
        String decomposed = Normalizer.normalize("Thông báo số 1.pdf", Normalizer.Form.NFD);
        Path file = folder.resolve("a.pdf");
        byte[] content = new byte[300_000];
        new java.util.Random(1).nextBytes(content);
        Files.write(file, content);
        Path signature = Files.writeString(folder.resolve("a.p7s"), "cms");
        OutgoingFile outgoing =
                new OutgoingFile(decomposed, file, "application/pdf", Optional.of(signature));
        axis.answers(
                Answer.json(503, "{\"retryable\": true}"),
                Answer.json(200, "{\"id\": \"x\", \"status\": \"accepted\"}"));
        Submission sent = axis.client(folder).submit(document(), List.of(outgoing));
        assertFalse(sent.first(), "200 says that it was accepted before");
        Asked asked = axis.asked.get(1);
        assertArrayEquals(axis.asked.get(0).body(), asked.body(), "a retry sends the same");
        assertEquals(Integer.toString(asked.body().length), asked.header("Content-length"));
        String body = new String(asked.body(), StandardCharsets.ISO_8859_1);
        String boundary = asked.header("Content-type").split("boundary=")[1];
        String[] parts = body.split("\r\n?--" + boundary + "|^--" + boundary);
        assertEquals(5, parts.length, "nothing, document, file, signature, end");
        String json =
                new String(
                        parts[1].split("\r\n\r\n", 2)[1].getBytes(StandardCharsets.ISO_8859_1),
                        StandardCharsets.UTF_8);
        Map<?, ?> told = Json.MAPPER.readValue(json, Map.class);
        assertEquals("2026-11-22", told.get("promulgated_on"));
        assertEquals("Trích yếu", told.get("subject"));
        assertFalse(told.containsKey("due_on"), "what is not said stays out");
        Map<?, ?> entry = (Map<?, ?>) ((List<?>) told.get("files")).get(0);
        assertEquals("Thông báo số 1.pdf", entry.get("name"));
        assertEquals(sha256(content), entry.get("digest"));
        assertEquals(Map.of("part", "signature0"), entry.get("signature"));
        assertTrue(parts[2].contains("name=\"file0\""));
        assertArrayEquals(
                content,
                parts[2].split("\r\n\r\n", 2)[1].getBytes(StandardCharsets.ISO_8859_1));
        assertEquals("--\r\n", parts[4]);
    }

    @Test
    void aFileThatIsNotThereIsToldBeforeAnythingIsSent() throws Exception {
        DocaxisClient client = axis.client(folder);
        List<OutgoingFile> files = List.of(OutgoingFile.pdf(folder.resolve("không có.pdf")));
        LocalFileException error =
                assertThrows(LocalFileException.class, () -> client.submit(document(), files));
        assertTrue(error.getMessage().contains("there is no such file"));
        assertTrue(axis.asked.isEmpty());
    }

    @Test
    void anUndecidedSubmitIsAwaited() throws Exception {
        axis.answers(
                Answer.json(202, "{\"id\": \"x\", \"status\": \"pending\"}"),
                Answer.json(404, "{\"code\": \"unknown_document\"}"),
                Answer.json(202, "{\"id\": \"x\", \"status\": \"pending\"}"),
                Answer.json(200, "{\"id\": \"x\", \"status\": \"accepted\", \"receipts\": [\"r\"]}"));
        Path file = Files.writeString(folder.resolve("a.pdf"), "pdf");
        Submission sent =
                axis.client(folder).submit(document(), List.of(OutgoingFile.pdf(file)));
        assertEquals("accepted", sent.status());
        assertEquals("r", sent.receipt());
        assertTrue(sent.first());
    }

    @Test
    void aDownloadGoesOnWhereItWasCut() throws Exception {
        byte[] content = "nội dung của tệp".getBytes(StandardCharsets.UTF_8);
        byte[] rest = java.util.Arrays.copyOfRange(content, 4, content.length);
        Map<String, String> range =
                Map.of("Content-Range", "bytes 4-" + (content.length - 1) + "/" + content.length);
        axis.answers(new Answer(200, Map.of(), content, 4), new Answer(206, range, rest, -1));
        Path target = folder.resolve("Tệp.pdf");
        axis.client(folder).download("x", sha256(content), target);
        assertArrayEquals(content, Files.readAllBytes(target));
        assertEquals("bytes=4-", axis.asked.get(1).header("Range"));
        assertEquals("\"" + sha256(content) + "\"", axis.asked.get(1).header("If-range"));
        assertNothingPartial();
    }

    @Test
    void aDownloadBeginsAnewWhereRangesAreNotGiven() throws Exception {
        byte[] content = "content".getBytes(StandardCharsets.UTF_8);
        axis.answers(
                new Answer(200, Map.of(), content, 4), new Answer(200, Map.of(), content, -1));
        Path target = folder.resolve("a");
        axis.client(folder).download("x", sha256(content), target);
        assertArrayEquals(content, Files.readAllBytes(target));
    }

    @Test
    void otherBytesThanTheDigestNamesAreNotKept() throws Exception {
        axis.answers(Answer.json(200, "other"));
        Path target = Files.writeString(folder.resolve("a"), "what was there");
        DocaxisClient client = axis.client(folder);
        String digest = sha256("content".getBytes(StandardCharsets.UTF_8));
        assertThrows(
                DigestMismatchException.class, () -> client.download("x", digest, target));
        assertEquals("what was there", Files.readString(target));
        assertNothingPartial();
        assertThrows(
                IllegalArgumentException.class, () -> client.download("x", "../x", target));
    }

    private void assertNothingPartial() throws IOException {
        try (Stream<Path> left = Files.list(folder)) {
            assertTrue(left.noneMatch(each -> each.toString().endsWith(".partial")));
        }
    }

    private static NewDocument document() {
        return NewDocument.builder("G22", List.of("H26"), "1")
                .numbered("1", "VPCP")
                .promulgated("Hà Nội", LocalDate.of(2026, 11, 22))
                .subject("Trích yếu")
                .signer(new Signer("TL.", "Vụ trưởng", "Người ký mẫu"))
                .build();
    }

    private static String sha256(byte[] content) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
    }
}
