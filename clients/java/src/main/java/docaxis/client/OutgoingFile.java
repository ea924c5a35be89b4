package docaxis.client;

import java.nio.file.Path;
import java.text.Normalizer;
import java.util.Optional;

/**
 * A file to send, read from disk while it is sent.
 *
 * @param name its name at the recipient; Vietnamese is welcome, and sent in NFC
 * @param signature a detached CMS signature (RFC 5652), where it has one
 */
public record OutgoingFile(String name, Path content, String mediaType, Optional<Path> signature) {
    /** Puts the name in NFC: the same name has the same bytes from every keyboard and disk. */
    public OutgoingFile {
        name = Normalizer.normalize(name, Normalizer.Form.NFC);
    }

    /** A PDF under its own name, without a detached signature. */
    public static OutgoingFile pdf(Path file) {
        String name = file.getFileName().toString();
        return new OutgoingFile(name, file, "application/pdf", Optional.empty());
    }
}
