package docaxis.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * A real axis of its own, with the demonstration's systems, on a free port: sends, fetches,
 * acknowledges, reports, and checks the receipts.
 */
class EndToEndTest {
    private static final Duration READY_WITHIN = Duration.ofMinutes(3);
    private static final Path COMMAND =
            Path.of(System.getProperty("docaxis.command", "../../.venv/bin/docaxis"));

    private static Path folder;
    private static Process axis;

    @BeforeAll
    static void startAxis() throws Exception {
        if (!Files.isExecutable(COMMAND)) {
            String words = COMMAND + " is not there; `make test-java` makes it";
            if (System.getenv("CI") != null) {
                fail(words);
            }
            Assumptions.abort(words);
        }
        folder = Files.createTempDirectory("docaxis-java-");
        Path told = folder.resolve("axis.log");
        axis =
                new ProcessBuilder(
                                COMMAND.toAbsolutePath().toString(),
                                "demo",
                                "--lang",
                                "en",
                                "--http-port",
                                "0",
                                "--data",
                                folder.resolve("data").toString())
                        .redirectErrorStream(true)
                        .redirectOutput(told.toFile())
                        .start();
        long deadline = System.nanoTime() + READY_WITHIN.toNanos();
        while (!Files.readString(told).contains("Ctrl-C")) {
            if (!axis.isAlive() || System.nanoTime() > deadline) {
                fail("the axis did not get ready:\n" + Files.readString(told));
            }
            Thread.sleep(100);
        }
    }

    @AfterAll
    static void stopAxis() throws Exception {
        if (axis != null) {
            axis.destroy();
            if (!axis.waitFor(30, TimeUnit.SECONDS)) {
                axis.destroyForcibly().waitFor();
            }
        }
        if (folder != null) {
            try (Stream<Path> all = Files.walk(folder)) {
                all.sorted(Comparator.reverseOrder()).forEach(EndToEndTest::delete);
            }
        }
    }

    @Test
    void aDocumentIsSentFetchedAcknowledgedAndProven() throws Exception {
        DocaxisClient office = client("office");
        DocaxisClient hanoi = client("hanoi");
        assertEquals("G22", office.me().organisations().get(0).code());
        byte[] content = new byte[2_000_000];
        new java.util.Random(7).nextBytes(content);
        Path file = folder.resolve("pdf");
        Files.write(file, content);
        OutgoingFile outgoing =
                new OutgoingFile("Quyết định số 7.pdf", file, "application/pdf", Optional.empty());

        Submission sent = office.submit(document("G22,7", "7"), List.of(outgoing));
        assertTrue(sent.first());
        Submission again = office.submit(document("G22,7", "7"), List.of(outgoing));
        assertFalse(again.first());
        assertEquals(sent.id(), again.id());
        ProblemException conflict =
                assertThrows(
                        ProblemException.class,
                        () -> office.submit(document("G22,7", "8"), List.of(outgoing)));
        assertEquals("content_conflict", conflict.code());

        InboxPage.Item item = await(hanoi, sent.id());
        Document.FileInfo info = item.document().files().get(0);
        assertEquals("Quyết định số 7.pdf", info.name());
        assertEquals("Trích yếu có dấu", item.document().subject());
        Path target = folder.resolve(info.name());
        hanoi.download(sent.id(), info.digest(), target);
        assertArrayEquals(content, Files.readAllBytes(target));

        List<String> deliveries = List.of(item.deliveryId());
        assertEquals("handed_over", hanoi.acknowledge(deliveries).get(0).result());
        assertEquals("already_handed_over", hanoi.acknowledge(deliveries).get(0).result());
        StatusReport registered = StatusReport.of(item.deliveryId(), "03");
        assertTrue(hanoi.reportStatuses(List.of(registered)).get(0).done());

        Timeline.Copy copy = awaitStatus(office, sent.id(), "03");
        assertEquals("handed_over", copy.state());
        assertProven(office, sent.id());
    }

    @Test
    void whatTheAxisRefusesComesWithItsPointer() throws Exception {
        Path file = Files.writeString(folder.resolve("b.pdf"), "pdf");
        ProblemException problem =
                assertThrows(
                        ProblemException.class,
                        () ->
                                client("office")
                                        .submit(
                                                document("G22,9", "123456789012"),
                                                List.of(OutgoingFile.pdf(file))));
        assertEquals("/number", problem.errors().get(0).pointer());
        assertFalse(problem.retryable());
        assertFalse(problem.requestId().isEmpty());
    }

    /** Receipts are sealed a moment later: follow them by cursor, as a system would. */
    private static void assertProven(DocaxisClient office, String documentId) throws Exception {
        List<String> kinds = new ArrayList<>();
        String cursor = null;
        long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (!kinds.containsAll(List.of("accepted", "handed_over"))) {
            assertTrue(System.nanoTime() < deadline, "only " + kinds);
            ReceiptsPage page = office.receipts(cursor, Duration.ofSeconds(5));
            cursor = page.next();
            for (Receipt each : page.items()) {
                if (each.documentId().equals(documentId)) {
                    kinds.add(office.verifyReceipt(each, documentId).kind());
                    assertEquals(each, office.receipt(each.id()));
                    assertThrows(
                            ReceiptInvalidException.class,
                            () -> office.verifyReceipt(each, "another document"));
                }
            }
        }
        assertEquals(2, office.documentReceipts(documentId).size());
    }

    private static InboxPage.Item await(DocaxisClient client, String documentId)
            throws Exception {
        String cursor = null;
        long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (System.nanoTime() < deadline) {
            InboxPage page = client.inbox("H26", cursor, 10, Duration.ofSeconds(10));
            cursor = page.next();
            for (InboxPage.Item each : page.items()) {
                if (each.document().id().equals(documentId)) {
                    return each;
                }
            }
        }
        return fail("it did not arrive within a minute");
    }

    private static Timeline.Copy awaitStatus(DocaxisClient client, String documentId, String code)
            throws Exception {
        long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (System.nanoTime() < deadline) {
            for (Timeline.Copy each : client.timeline(documentId).items()) {
                if (each.entries().stream().anyMatch(entry -> entry.code().equals(code))) {
                    return each;
                }
            }
            Thread.sleep(100);
        }
        return fail("no status " + code + " within a minute");
    }

    private static DocaxisClient client(String name) {
        return new DocaxisClient(
                Credentials.load(folder.resolve("data/clients/" + name + ".json")));
    }

    private static NewDocument document(String id, String number) {
        return NewDocument.builder("G22", List.of("H26"), id)
                .numbered(number, "VPCP-KSTT")
                .promulgated("Hà Nội", LocalDate.of(2026, 11, 22))
                .subject("Trích yếu có dấu")
                .signer(new Signer("TL.", "Vụ trưởng", "Người ký mẫu"))
                .build();
    }

    private static void delete(Path path) {
        try {
            Files.delete(path);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }
}
