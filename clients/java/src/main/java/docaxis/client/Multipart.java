package docaxis.client;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A document with its files in one request (multipart/form-data). Files are read from disk while
 * they are sent, anew for each attempt; names of files stand in the JSON, so they may be in any
 * script.
 */
final class Multipart {
    private sealed interface Piece permits Text, Content {}

    private record Text(byte[] bytes) implements Piece {}

    private record Content(Path file) implements Piece {}

    private final List<Piece> pieces = new ArrayList<>();
    private final String boundary = Assertion.randomText();
    private long size;

    private Multipart() {}

    /** The call that submits; throws {@link LocalFileException} for a file that cannot be read. */
    static Transport.Call submit(NewDocument document, List<OutgoingFile> files) {
        Multipart multipart = new Multipart();
        ObjectNode json = Json.MAPPER.valueToTree(document);
        ArrayNode entries = json.putArray("files");
        for (int number = 0; number < files.size(); number++) {
            OutgoingFile file = files.get(number);
            ObjectNode entry = entries.addObject();
            entry.put("name", file.name());
            entry.put("media_type", file.mediaType());
            entry.put("digest", Digests.ofFile(file.content()));
            entry.put("part", "file" + number);
            if (file.signature().isPresent()) {
                entry.putObject("signature").put("part", "signature" + number);
            }
        }
        // The axis wants the document first: it says which parts follow.
        multipart.head("document", "application/json");
        multipart.text(Json.write(json));
        for (int number = 0; number < files.size(); number++) {
            OutgoingFile file = files.get(number);
            multipart.file("file" + number, file.mediaType(), file.content());
            int its = number;
            file.signature()
                    .ifPresent(
                            each ->
                                    multipart.file(
                                            "signature" + its,
                                            "application/pkcs7-signature",
                                            each));
        }
        multipart.text("\r\n--" + multipart.boundary + "--\r\n");
        Map<String, String> headers =
                Map.of("Content-Type", "multipart/form-data; boundary=" + multipart.boundary);
        return new Transport.Call("POST", "/documents", headers, multipart::open, multipart.size);
    }

    private void file(String name, String mediaType, Path file) {
        text("\r\n");
        head(name, mediaType);
        pieces.add(new Content(file));
        try {
            size += Files.size(file);
        } catch (IOException error) {
            throw Digests.unreadable(file, error);
        }
    }

    private void head(String name, String mediaType) {
        String disposition = "Content-Disposition: form-data; name=\"" + name + "\"";
        if (!name.equals("document")) {
            disposition += "; filename=\"" + name + "\"";
        }
        if (mediaType.indexOf('\r') >= 0 || mediaType.indexOf('\n') >= 0) {
            throw new IllegalArgumentException("a media type is one line");
        }
        text("--" + boundary + "\r\n" + disposition + "\r\nContent-Type: " + mediaType + "\r\n\r\n");
    }

    private void text(String text) {
        text(text.getBytes(StandardCharsets.UTF_8));
    }

    private void text(byte[] bytes) {
        pieces.add(new Text(bytes));
        size += bytes.length;
    }

    private BodyPublisher open() {
        List<BodyPublisher> opened = new ArrayList<>();
        for (Piece piece : pieces) {
            if (piece instanceof Text text) {
                opened.add(BodyPublishers.ofByteArray(text.bytes()));
            } else if (piece instanceof Content content) {
                try {
                    opened.add(BodyPublishers.ofFile(content.file()));
                } catch (IOException error) {
                    throw Digests.unreadable(content.file(), error);
                }
            }
        }
        return BodyPublishers.concat(opened.toArray(BodyPublisher[]::new));
    }
}
