package docaxis.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ReceiptVerifierTest {
    private static final Base64.Encoder ENCODER = Base64.getUrlEncoder().withoutPadding();
    private static final String CLAIMS =
            """
            {"at":"2026-11-22T01:02:03.004Z","content_digest":"ab","document_id":"d-1",\
            "iss":"docaxis","jti":"r-1","kind":"accepted","sender":"o-1"}""";

    private KeyPair pair;
    private String x;

    @BeforeEach
    void makeAKey() throws Exception {
        pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        byte[] spki = pair.getPublic().getEncoded();
        x = ENCODER.encodeToString(Arrays.copyOfRange(spki, spki.length - 32, spki.length));
    }

    @Test
    void aGenuineReceiptTellsItsClaims() throws Exception {
        for (int number = 0; number < 8; number++) {
            makeAKey(); // Half of all keys have an odd x, which is another branch.
            ReceiptClaims claims = ReceiptVerifier.verify(receipt(header(), CLAIMS) + "\n", keys());
            assertEquals("r-1", claims.id());
            assertEquals("accepted", claims.kind());
            assertEquals(Instant.parse("2026-11-22T01:02:03.004Z"), claims.at());
        }
    }

    @Test
    void aThumbprintIsThatOfRfc8037() {
        // Of RFC 8037's sample key, whose thumbprint is in its appendix A.3.
        assertEquals(
                "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
                ReceiptVerifier.thumbprint("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"));
    }

    @Test
    void rule1ThePartsAreThreeInTheirOneForm() throws Exception {
        String good = receipt(header(), CLAIMS);
        assertCode("receipt_malformed", good + ".x", keys());
        assertCode("receipt_malformed", "", keys());
        assertCode("receipt_malformed", good + "=", keys());
        String alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        int last = alphabet.indexOf(good.charAt(good.length() - 1));
        String spareBits = good.substring(0, good.length() - 1) + alphabet.charAt(last + 1);
        assertCode("receipt_malformed", spareBits, keys());
        assertCode("receipt_malformed", receipt("[]", CLAIMS), keys());
        assertCode("receipt_malformed", receipt(header(), "7"), keys());
        assertCode("receipt_malformed", receipt(header(), "{\"iss\":\"docaxis\"}"), keys());
        assertCode(
                "receipt_malformed", receipt(header(), CLAIMS.replace("docaxis", "other")), keys());
        String critical = header().replace("{", "{\"crit\":[\"exp\"],");
        assertCode("receipt_malformed", receipt(critical, CLAIMS), keys());
    }

    @Test
    void rule2OnlyReceiptsAndOnlyEddsa() throws Exception {
        for (String other :
                new String[] {
                    header().replace("docaxis-receipt+jws", "JWT"),
                    header().replace("EdDSA", "none"),
                    header().replace("EdDSA", "HS256")
                }) {
            assertCode("receipt_wrong_type", receipt(other, CLAIMS), keys());
        }
    }

    @Test
    void rule3TheKeyIsPublishedUnderItsThumbprint() throws Exception {
        String good = receipt(header(), CLAIMS);
        assertCode("receipt_unknown_key", good, "{\"keys\":[]}".getBytes(StandardCharsets.UTF_8));
        String renamed = new String(keys(), StandardCharsets.UTF_8);
        renamed = renamed.replace(ReceiptVerifier.thumbprint(x), "mine");
        String under = header().replace(ReceiptVerifier.thumbprint(x), "mine");
        assertCode(
                "receipt_unknown_key",
                receipt(under, CLAIMS),
                renamed.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void rule4TheSignatureHolds() throws Exception {
        String good = receipt(header(), CLAIMS);
        String changed = encoded(CLAIMS.replace("d-1", "d-2"));
        String[] parts = good.split("\\.");
        assertCode("receipt_bad_signature", parts[0] + "." + changed + "." + parts[2], keys());
        assertCode("receipt_bad_signature", parts[0] + "." + parts[1] + ".AAAA", keys());
    }

    @Test
    void aGenuineReceiptAboutAnotherDocumentProvesNothingOfThisOne() throws Exception {
        ReceiptClaims claims = ReceiptVerifier.verify(receipt(header(), CLAIMS), keys());
        ReceiptVerifier.requireAbout(claims, "d-1");
        ReceiptInvalidException other =
                assertThrows(
                        ReceiptInvalidException.class,
                        () -> ReceiptVerifier.requireAbout(claims, "d-2"));
        assertEquals("receipt_about_other", other.code());
    }

    private static void assertCode(String code, String jws, byte[] keys) {
        ReceiptInvalidException error =
                assertThrows(
                        ReceiptInvalidException.class, () -> ReceiptVerifier.verify(jws, keys));
        assertEquals(code, error.code());
    }

    private String header() {
        return "{\"alg\":\"EdDSA\",\"kid\":\""
                + ReceiptVerifier.thumbprint(x)
                + "\",\"typ\":\"docaxis-receipt+jws\"}";
    }

    private byte[] keys() {
        return ("{\"keys\":[{\"kty\":\"RSA\"},{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\""
                        + x
                        + "\",\"kid\":\""
                        + ReceiptVerifier.thumbprint(x)
                        + "\"}]}")
                .getBytes(StandardCharsets.UTF_8);
    }

    private String receipt(String header, String claims) throws Exception {
        String signed = encoded(header) + "." + encoded(claims);
        Signature signature = Signature.getInstance("Ed25519");
        signature.initSign(pair.getPrivate());
        signature.update(signed.getBytes(StandardCharsets.US_ASCII));
        return signed + "." + ENCODER.encodeToString(signature.sign());
    }

    private static String encoded(String text) {
        return ENCODER.encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }
}
