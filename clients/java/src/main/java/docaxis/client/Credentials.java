package docaxis.client;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A system's identity at the axis, and the key that proves it: one small JSON file and one PEM file.
 */
public final class Credentials {
    private static final Set<PosixFilePermission> OTHERS =
            EnumSet.of(
                    PosixFilePermission.GROUP_READ,
                    PosixFilePermission.GROUP_WRITE,
                    PosixFilePermission.GROUP_EXECUTE,
                    PosixFilePermission.OTHERS_READ,
                    PosixFilePermission.OTHERS_WRITE,
                    PosixFilePermission.OTHERS_EXECUTE);

    private final String systemId;
    private final String keyId;
    private final SigningKey key;
    private final List<String> organisations;
    private final String baseUrl;

    private Credentials(
            String systemId,
            String keyId,
            SigningKey key,
            List<String> organisations,
            String baseUrl) {
        this.systemId = systemId;
        this.keyId = keyId;
        this.key = key;
        this.organisations = List.copyOf(organisations);
        this.baseUrl = baseUrl;
    }

    /**
     * Reads a credentials file and the key file that it names, relative to itself.
     *
     * @throws CredentialsUnusableException if they cannot be read, or others may read the key
     */
    public static Credentials load(Path file) {
        JsonNode content;
        try {
            content = Json.MAPPER.readTree(Files.readAllBytes(file));
        } catch (IOException error) {
            throw unusable(file, why(error), error);
        }
        String systemId = text(file, content, "system_id");
        String keyId = text(file, content, "key_id");
        Path keyFile =
                file.toAbsolutePath().resolveSibling(text(file, content, "private_key_file"));
        List<String> organisations = new ArrayList<>();
        for (JsonNode each : content.path("organisations")) {
            organisations.add(each.isTextual() ? each.asText() : each.path("code").asText());
        }
        return new Credentials(
                systemId,
                keyId,
                key(keyFile),
                organisations,
                content.path("base_url").isTextual() ? content.get("base_url").asText() : null);
    }

    private static SigningKey key(Path file) {
        try {
            if (file.getFileSystem().supportedFileAttributeViews().contains("posix")) {
                Set<PosixFilePermission> allowed = Files.getPosixFilePermissions(file);
                if (OTHERS.stream().anyMatch(allowed::contains)) {
                    throw unusable(
                            file,
                            "others on this machine can read this private key; set its mode to 0600",
                            null);
                }
            }
            return SigningKey.ofPem(Files.readString(file));
        } catch (IOException | GeneralSecurityException error) {
            throw unusable(file, why(error), error);
        }
    }

    private static String text(Path file, JsonNode content, String name) {
        JsonNode value = content.path(name);
        if (!value.isTextual() || value.asText().isEmpty()) {
            throw unusable(file, name + " is missing", null);
        }
        return value.asText();
    }

    private static String why(Exception error) {
        return error instanceof NoSuchFileException ? "there is no such file" : error.getMessage();
    }

    private static CredentialsUnusableException unusable(Path file, String why, Throwable cause) {
        return new CredentialsUnusableException(file + ": " + why, cause);
    }

    /** The system's id. */
    public String systemId() {
        return systemId;
    }

    /** Codes of the organisations that the system serves, the usual sender first. */
    public List<String> organisations() {
        return organisations;
    }

    /** The axis's address, where the file names one. */
    public Optional<String> baseUrl() {
        return Optional.ofNullable(baseUrl);
    }

    String keyId() {
        return keyId;
    }

    SigningKey key() {
        return key;
    }

    /** Names the system; never tells the key. */
    @Override
    public String toString() {
        return "Credentials[systemId=" + systemId + ", keyId=" + keyId + "]";
    }
}
