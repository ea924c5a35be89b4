package docaxis.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CredentialsTest {
    @TempDir Path folder;

    @Test
    void aFileIsReadWithTheKeyBesideIt() throws Exception {
        Credentials read = Credentials.load(SampleAxis.credentialsFile(folder, "Ed25519"));
        assertEquals("s-1", read.systemId());
        assertEquals(List.of("G22", "H26"), read.organisations());
        assertTrue(read.baseUrl().isEmpty());
        assertEquals("Credentials[systemId=s-1, keyId=k-1]", read.toString());
    }

    @Test
    void aKeyThatOthersCanReadIsRefused() throws Exception {
        Path file = SampleAxis.credentialsFile(folder, "Ed25519");
        Path key = folder.resolve("sample.key.pem");
        Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-r-----"));
        String told = refused(file);
        assertTrue(told.contains("0600") && told.contains("sample.key.pem"), told);
    }

    @Test
    void whatCannotBeUsedIsToldWithItsFile() throws Exception {
        assertTrue(refused(folder.resolve("none.json")).contains("none.json: there is no such file"));
        Path file = SampleAxis.credentialsFile(folder, "Ed25519");
        Files.writeString(file, Files.readString(file).replace("system_id", "sistem_id"));
        assertTrue(refused(file).contains("system_id is missing"));
        Files.writeString(file, "[");
        assertTrue(refused(file).contains("sample.json"));
    }

    @Test
    void otherKindsOfKeysAreRefused() throws Exception {
        for (String kind : List.of("RSA", "X25519")) {
            Path file = SampleAxis.credentialsFile(folder, kind);
            assertTrue(refused(file).contains("sample.key.pem"), kind);
        }
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
        generator.initialize(384);
        Path file = SampleAxis.credentialsFile(folder, generator.generateKeyPair());
        assertTrue(refused(file).contains("neither Ed25519 nor on P-256"));
        Path key = folder.resolve("sample.key.pem");
        Files.writeString(key, "no key");
        assertTrue(refused(file).contains("not a private key in PEM form"));
    }

    @ParameterizedTest
    @CsvSource({"Ed25519, Ed25519, EdDSA", "EC, SHA256withECDSAinP1363Format, ES256"})
    void anAssertionIsWhatRfc7523AsksForAndSignedWithTheKey(
            String kind, String scheme, String algorithm) throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance(kind);
        if (kind.equals("EC")) {
            generator.initialize(256);
        }
        KeyPair pair = generator.generateKeyPair();
        Credentials credentials = Credentials.load(SampleAxis.credentialsFile(folder, pair));
        String jwt = Assertion.make(credentials, Instant.ofEpochSecond(1_000));
        String[] parts = jwt.split("\\.");
        JsonNode header = Json.MAPPER.readTree(Base64.getUrlDecoder().decode(parts[0]));
        assertEquals(algorithm, header.get("alg").asText());
        assertEquals("k-1", header.get("kid").asText());
        JsonNode claims = Json.MAPPER.readTree(Base64.getUrlDecoder().decode(parts[1]));
        assertEquals("s-1", claims.get("iss").asText());
        assertEquals("s-1", claims.get("sub").asText());
        assertEquals("docaxis", claims.get("aud").asText());
        assertEquals(1_000, claims.get("iat").asLong());
        assertTrue(claims.get("exp").asLong() <= 1_300, "the axis takes at most five minutes");
        Signature check = Signature.getInstance(scheme);
        check.initVerify(pair.getPublic());
        check.update((parts[0] + "." + parts[1]).getBytes(StandardCharsets.US_ASCII));
        assertTrue(check.verify(Base64.getUrlDecoder().decode(parts[2])));
        assertFalse(jwt.equals(Assertion.make(credentials, Instant.ofEpochSecond(1_000))));
    }

    private static String refused(Path file) {
        return assertThrows(CredentialsUnusableException.class, () -> Credentials.load(file))
                .getMessage();
    }
}
