package docaxis.example;

import docaxis.client.Acknowledgement;
import docaxis.client.AxisUnavailableException;
import docaxis.client.Credentials;
import docaxis.client.DigestMismatchException;
import docaxis.client.DocaxisClient;
import docaxis.client.DocaxisException;
import docaxis.client.Document;
import docaxis.client.InboxPage;
import docaxis.client.NewDocument;
import docaxis.client.OutgoingFile;
import docaxis.client.ProblemException;
import docaxis.client.Receipt;
import docaxis.client.ReceiptClaims;
import docaxis.client.ReceiptInvalidException;
import docaxis.client.Signer;
import docaxis.client.StatusReport;
import docaxis.client.StatusResult;
import docaxis.client.Submission;
import docaxis.client.Timeline;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDate;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;

/**
 * Sends, receives and follows documents from the command line: what a document system would do,
 * short enough to be read. Exit codes are those of {@code docaxis}: 0 done, 1 refused, 2 wrong
 * usage, 3 axis unavailable, 4 not proven.
 */
public final class Example {
    private static final String USAGE =
            """
            docaxis-example send CREDENTIALS FILE RECIPIENT...   send a PDF
            docaxis-example receive CREDENTIALS FOLDER           take over all that waits
            docaxis-example timeline CREDENTIALS DOCUMENT        what became of it; checks receipts

            CREDENTIALS is a file like data/clients/office.json.""";

    private static final ZoneId VIETNAM = ZoneId.of("Asia/Ho_Chi_Minh");
    private static final int LONGEST_PAGE = 500;
    /** In characters, of up to four bytes; file systems allow 255 bytes. */
    private static final int LONGEST_NAME = 60;

    private final DocaxisClient axis;
    private final Credentials credentials;
    private final PrintStream out;

    private Example(Credentials credentials, PrintStream out) {
        this.axis = new DocaxisClient(credentials);
        this.credentials = credentials;
        this.out = out;
    }

    /** Runs one command and ends with its exit code. */
    public static void main(String[] arguments) throws InterruptedException {
        // UTF-8 whatever the console is set to: file names are Vietnamese.
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        PrintStream err = new PrintStream(System.err, true, StandardCharsets.UTF_8);
        System.exit(run(List.of(arguments), out, err));
    }

    static int run(List<String> arguments, PrintStream out, PrintStream err)
            throws InterruptedException {
        String command = arguments.isEmpty() ? "" : arguments.get(0);
        boolean complete =
                switch (command) {
                    case "send" -> arguments.size() >= 4;
                    case "receive", "timeline" -> arguments.size() == 3;
                    default -> false;
                };
        if (!complete) {
            err.println(USAGE);
            return 2;
        }
        try {
            Example example = new Example(Credentials.load(Path.of(arguments.get(1))), out);
            String third = arguments.get(2);
            return switch (command) {
                case "send" -> example.send(Path.of(third), arguments.subList(3, arguments.size()));
                case "receive" -> example.receive(Path.of(third));
                default -> example.timeline(third);
            };
        } catch (ProblemException problem) {
            err.println("refused: " + problem.getMessage());
            problem.errors().forEach(each -> err.println("  " + each.pointer() + ": " + each.detail()));
            return 1;
        } catch (InvalidPathException name) {
            err.println(name.getMessage() + "; Java reads file names in UTF-8 with LANG=C.UTF-8");
            return 2;
        } catch (DocaxisException | IOException failure) {
            err.println(failure.getMessage());
            return codeOf(failure);
        }
    }

    private static int codeOf(Exception failure) {
        if (failure instanceof AxisUnavailableException) {
            return 3;
        }
        boolean unproven =
                failure instanceof DigestMismatchException
                        || failure instanceof ReceiptInvalidException;
        return unproven ? 4 : 2;
    }

    /** Sends a file as an official letter. Its number comes from its name: the same is the same. */
    private int send(Path file, List<String> recipients) throws InterruptedException {
        String sender = credentials.organisations().get(0);
        LocalDate today = LocalDate.now(VIETNAM);
        OutgoingFile pdf = OutgoingFile.pdf(file);
        String number = Integer.toString(100_000 + Math.floorMod(pdf.name().hashCode(), 900_000));
        String notation = "CV-" + sender;
        String id =
                sender
                        + today.format(DateTimeFormatter.ofPattern(",yyyy/MM/dd,"))
                        + number
                        + "/"
                        + notation;
        NewDocument document =
                NewDocument.builder(sender, recipients, id)
                        .numbered(number, notation)
                        .promulgated("Hà Nội", today)
                        .subject(pdf.name())
                        .signer(new Signer("", "Người có thẩm quyền", "Người ký mẫu"))
                        .build();
        Submission sent = axis.submit(document, List.of(pdf));
        out.println(sent.status() + (sent.first() ? "" : " before") + ": document " + sent.id());
        for (Document.RefusedRecipient each : sent.refused()) {
            out.println("not sent to " + each.code() + ": " + each.reason() + " " + each.suggestions());
        }
        return 0;
    }

    /** Stores each document that waits, then takes it over, then says that it is registered. */
    private int receive(Path folder) throws InterruptedException, IOException {
        String cursor = null;
        int count = 0;
        while (true) {
            InboxPage page = axis.inbox(null, cursor, LONGEST_PAGE, Duration.ofSeconds(1));
            if (page.items().isEmpty()) {
                break;
            }
            for (InboxPage.Item each : page.items()) {
                store(each.document(), folder.resolve(each.deliveryId()));
            }
            // In a real system: commit your own database here, and only then acknowledge.
            takeOver(page.items());
            count += page.items().size();
            cursor = page.next();
        }
        out.println(count + " received");
        return 0;
    }

    private void store(Document document, Path folder) throws InterruptedException, IOException {
        Files.createDirectories(folder);
        int number = 0;
        for (Document.FileInfo file : document.files()) {
            Path target = folder.resolve(++number + "-" + safe(file.name()));
            axis.download(document.id(), file.digest(), target);
            out.println("stored " + target);
        }
    }

    /** Names are the sender's words: never a path on this machine, nor longer than it can bear. */
    private static String safe(String name) {
        String flat = name.replaceAll("[/\\\\\\p{Cntrl}]", "_");
        int length = flat.codePointCount(0, flat.length());
        return length <= LONGEST_NAME
                ? flat
                : flat.substring(flat.offsetByCodePoints(0, length - LONGEST_NAME));
    }

    private void takeOver(List<InboxPage.Item> items) throws InterruptedException {
        List<String> deliveries = items.stream().map(InboxPage.Item::deliveryId).toList();
        List<StatusReport> registered = new ArrayList<>();
        for (Acknowledgement each : axis.acknowledge(deliveries)) {
            out.println(each.result() + ": delivery " + each.deliveryId());
            if (each.done()) {
                registered.add(StatusReport.of(each.deliveryId(), "03"));
            }
        }
        if (registered.isEmpty()) {
            return;
        }
        for (StatusResult each : axis.reportStatuses(registered)) {
            out.println("status " + each.code() + " " + each.result());
        }
    }

    private int timeline(String documentId) throws InterruptedException {
        for (Timeline.Copy copy : axis.timeline(documentId).items()) {
            out.println(copy.code() + " " + copy.state());
            for (Timeline.Entry each : copy.entries()) {
                out.println("  " + each.code() + " " + each.label() + " (" + each.source() + ")");
            }
        }
        for (Receipt each : axis.documentReceipts(documentId)) {
            ReceiptClaims claims = axis.verifyReceipt(each, documentId);
            out.println("receipt " + claims.kind() + " " + claims.id() + ": genuine");
        }
        return 0;
    }
}
