package docaxis.client;

import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.Map;

/**
 * A file from the axis on its way to disk: it lies beside its target under another name until all
 * of it is there, synced, and its digest is right. A cut line is taken up where it was cut.
 */
final class Download {
    private static final int CHUNK = 64 * 1024;

    private final String expected;
    private final Path partial;
    private FileChannel file;
    private MessageDigest digest = Digests.sha256();
    private long size;

    private Download(String expected, Path partial) {
        this.expected = expected;
        this.partial = partial;
    }

    static void run(Transport transport, String path, String expected, Path target)
            throws InterruptedException {
        Path folder = target.toAbsolutePath().getParent();
        Path partial;
        try {
            partial = Files.createTempFile(folder, "." + expected.substring(0, 8), ".partial");
        } catch (IOException error) {
            throw new LocalFileException(folder + ": " + error, error);
        }
        try {
            new Download(expected, partial).run(transport, path, target);
        } finally {
            try {
                Files.deleteIfExists(partial);
            } catch (IOException left) {
                // A rest that cannot be removed does no harm, and hides no other error.
            }
        }
    }

    private void run(Transport transport, String path, Path target) throws InterruptedException {
        try (FileChannel opened = FileChannel.open(partial, StandardOpenOption.WRITE)) {
            file = opened;
            receiveAll(transport, path);
            file.force(true);
        } catch (IOException error) {
            throw new LocalFileException(partial + ": " + error, error);
        }
        String found = Digests.hex(digest);
        if (!found.equals(expected)) {
            throw new DigestMismatchException(expected, found);
        }
        try {
            Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException error) {
            throw new LocalFileException(target + ": " + error, error);
        }
    }

    private void receiveAll(Transport transport, String path) throws InterruptedException {
        while (true) {
            long before = size;
            try {
                transport.stream(path, this::range, this::receive);
                return;
            } catch (AxisUnavailableException cut) {
                // As long as bytes keep coming the line is poor, not dead.
                if (size <= before) {
                    throw cut;
                }
            }
        }
    }

    private Map<String, String> range() {
        return size == 0
                ? Map.of()
                : Map.of("Range", "bytes=" + size + "-", "If-Range", "\"" + expected + "\"");
    }

    private Void receive(HttpResponse<InputStream> answer) throws IOException {
        String range = answer.headers().firstValue("Content-Range").orElse("");
        if (size > 0 && !(answer.statusCode() == 206 && range.startsWith("bytes " + size + "-"))) {
            startOver();
        }
        byte[] chunk = new byte[CHUNK];
        for (int got = answer.body().read(chunk); got >= 0; got = answer.body().read(chunk)) {
            keep(chunk, got);
        }
        return null;
    }

    private void keep(byte[] chunk, int length) {
        digest.update(chunk, 0, length);
        try {
            ByteBuffer rest = ByteBuffer.wrap(chunk, 0, length);
            while (rest.hasRemaining()) {
                size += file.write(rest);
            }
        } catch (IOException error) {
            throw new LocalFileException(partial + ": " + error, error);
        }
    }

    private void startOver() {
        try {
            file.truncate(0);
        } catch (IOException error) {
            throw new LocalFileException(partial + ": " + error, error);
        }
        digest = Digests.sha256();
        size = 0;
    }
}
