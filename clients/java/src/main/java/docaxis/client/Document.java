package docaxis.client;

import java.time.Instant;
import java.time.LocalDate;
import java.util.List;

/** An accepted document, as its sender and its recipients see it. */
public record Document(
        String id,
        String status,
        String sender,
        String senderDocumentId,
        String businessType,
        String number,
        String notation,
        String place,
        LocalDate promulgatedOn,
        DocumentType type,
        String subject,
        String content,
        Signer signer,
        int priority,
        LocalDate dueOn,
        Instant acceptedAt,
        List<Recipient> recipients,
        List<RefusedRecipient> refused,
        List<FileInfo> files,
        Verdict verdict,
        String contentDigest,
        List<String> receipts) {
    /** Absent lists are empty. */
    public Document {
        recipients = Lists.given(recipients);
        refused = Lists.given(refused);
        files = Lists.given(files);
        receipts = Lists.given(receipts);
    }

    /** A recipient that was found; {@code held} until its policy lets the document through. */
    public record Recipient(String code, String organisationId, boolean held) {}

    /** A recipient that gets nothing, and why. */
    public record RefusedRecipient(String code, String reason, List<String> suggestions) {
        /** An absent list is empty. */
        public RefusedRecipient {
            suggestions = Lists.given(suggestions);
        }
    }

    /** One file; {@code digest} is SHA-256 in hex, and names it at the axis. */
    public record FileInfo(
            String name, String mediaType, String digest, long size, String signatureDigest) {}

    /** What the axis found on the signatures, in short. */
    public record Verdict(String status, String code) {}
}
