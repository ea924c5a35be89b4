package docaxis.client;

import java.time.LocalDate;
import java.util.List;
import java.util.Objects;

/**
 * A document to send: who, to whom, and what is printed on it. Make one with {@link #builder}.
 *
 * @param id the sender's own id; the same id with the same content is the same document
 */
public record NewDocument(
        String sender,
        List<String> recipients,
        String id,
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
        boolean requireSignature) {

    /** Starts with what names a document; the other fields follow. */
    public static Builder builder(String sender, List<String> recipients, String id) {
        return new Builder(sender, recipients, id);
    }

    /** Collects the fields of a document. The axis says by pointer which one it refuses. */
    public static final class Builder {
        private final String sender;
        private final List<String> recipients;
        private final String id;
        private String number;
        private String notation;
        private String place;
        private LocalDate promulgatedOn;
        private DocumentType type = new DocumentType(2, 0, "Công văn");
        private String subject;
        private String content;
        private Signer signer;
        private int priority;
        private LocalDate dueOn;
        private boolean requireSignature;

        private Builder(String sender, List<String> recipients, String id) {
            this.sender = Objects.requireNonNull(sender);
            this.recipients = List.copyOf(recipients);
            this.id = Objects.requireNonNull(id);
        }

        /** Number and notation, as in {@code 12/VPCP-KSTT}. */
        public Builder numbered(String number, String notation) {
            this.number = number;
            this.notation = notation;
            return this;
        }

        /** Where and when it was issued. */
        public Builder promulgated(String place, LocalDate on) {
            this.place = place;
            this.promulgatedOn = on;
            return this;
        }

        /** Kind of document; an official letter (Công văn) unless said. */
        public Builder type(DocumentType type) {
            this.type = type;
            return this;
        }

        /** Subject (trích yếu). */
        public Builder subject(String subject) {
            this.subject = subject;
            return this;
        }

        /** Content in words, where it has some beside the files. */
        public Builder content(String content) {
            this.content = content;
            return this;
        }

        /** Who signed. */
        public Builder signer(Signer signer) {
            this.signer = signer;
            return this;
        }

        /** 0 normal … 3 express. */
        public Builder priority(int priority) {
            this.priority = priority;
            return this;
        }

        /** When the recipient has to answer. */
        public Builder dueOn(LocalDate day) {
            this.dueOn = day;
            return this;
        }

        /** Has it refused at once unless its signatures are valid. */
        public Builder requireSignature() {
            this.requireSignature = true;
            return this;
        }

        /** The document. Throws {@link NullPointerException} naming what was not said. */
        public NewDocument build() {
            return new NewDocument(
                    sender,
                    recipients,
                    id,
                    Objects.requireNonNull(number, "number"),
                    Objects.requireNonNull(notation, "notation"),
                    Objects.requireNonNull(place, "place"),
                    Objects.requireNonNull(promulgatedOn, "promulgatedOn"),
                    type,
                    Objects.requireNonNull(subject, "subject"),
                    content,
                    Objects.requireNonNull(signer, "signer"),
                    priority,
                    dueOn,
                    requireSignature);
        }
    }
}
