package docaxis.client;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256, which every Java has. */
final class Digests {
    private static final int CHUNK = 256 * 1024;

    private Digests() {}

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    static String hex(MessageDigest digest) {
        return HexFormat.of().formatHex(digest.digest());
    }

    /** Hashes a file piece by piece. */
    static String ofFile(Path file) {
        MessageDigest digest = sha256();
        byte[] chunk = new byte[CHUNK];
        try (InputStream content = Files.newInputStream(file)) {
            for (int got = content.read(chunk); got >= 0; got = content.read(chunk)) {
                digest.update(chunk, 0, got);
            }
        } catch (IOException error) {
            throw unreadable(file, error);
        }
        return hex(digest);
    }

    static LocalFileException unreadable(Path file, IOException error) {
        String why =
                error instanceof NoSuchFileException ? "there is no such file" : error.toString();
        return new LocalFileException(file + ": " + why, error);
    }
}
