package docaxis.client;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.EdECPoint;
import java.security.spec.EdECPublicKeySpec;
import java.security.spec.NamedParameterSpec;
import java.util.Base64;

/**
 * Checks receipts: a pure function of receipt and published keys, so that it works years later,
 * offline, with a stored key set. Rules; the first that fails names the code:
 *
 * <ul>
 *   <li>R1 It is a compact JWS in its one form, with JSON objects in it: {@code receipt_malformed}.
 *   <li>R2 Its type is {@code docaxis-receipt+jws} and its algorithm EdDSA, whatever else the header
 *       offers: {@code receipt_wrong_type}.
 *   <li>R3 Its key is in the set, under an id that is the key's thumbprint (RFC 7638): {@code
 *       receipt_unknown_key}.
 *   <li>R4 The signature holds (RFC 8037): {@code receipt_bad_signature}.
 * </ul>
 */
public final class ReceiptVerifier {
    private static final String TYPE = "docaxis-receipt+jws";
    private static final String ISSUER = "docaxis";
    private static final int MOST_CHARACTERS = 64 * 1024;
    private static final int KEY_BYTES = 32;
    private static final Base64.Encoder ENCODER = Base64.getUrlEncoder().withoutPadding();

    private ReceiptVerifier() {}

    /**
     * Checks a receipt against a key set, as {@code GET /api/v1/keys} gives it.
     *
     * @throws ReceiptInvalidException with the code of the rule that failed
     */
    public static ReceiptClaims verify(String jws, byte[] keySet) {
        String[] parts = jws.strip().split("\\.", -1);
        if (jws.length() > MOST_CHARACTERS || parts.length != 3) {
            throw malformed("not three parts");
        }
        ObjectNode header = object(parts[0]);
        ObjectNode payload = object(parts[1]);
        byte[] signature = decoded(parts[2]);
        if (header.has("crit")) {
            // RFC 7515, 4.1.11: who does not know an extension named critical must refuse.
            throw malformed("extensions are not understood");
        }
        if (!TYPE.equals(header.path("typ").textValue())
                || !"EdDSA".equals(header.path("alg").textValue())) {
            throw new ReceiptInvalidException("receipt_wrong_type", "");
        }
        PublicKey key = key(keySet, header.path("kid").textValue());
        if (!holds(key, parts[0] + "." + parts[1], signature)) {
            throw new ReceiptInvalidException("receipt_bad_signature", "");
        }
        return claims(payload);
    }

    /**
     * Checks that genuine claims are about this document.
     *
     * @throws ReceiptInvalidException {@code receipt_about_other}
     */
    public static void requireAbout(ReceiptClaims claims, String documentId) {
        if (!claims.documentId().equals(documentId)) {
            throw new ReceiptInvalidException(
                    "receipt_about_other", "it is about document " + claims.documentId());
        }
    }

    private static ReceiptClaims claims(ObjectNode payload) {
        if (!ISSUER.equals(payload.path("iss").textValue())) {
            throw malformed("issued by another than docaxis");
        }
        for (String name :
                new String[] {"jti", "kind", "at", "document_id", "content_digest", "sender"}) {
            if (!payload.path(name).isTextual()) {
                throw malformed(name + " is missing");
            }
        }
        try {
            return Json.MAPPER.treeToValue(payload, ReceiptClaims.class);
        } catch (IOException error) {
            throw malformed(error.getMessage());
        }
    }

    private static PublicKey key(byte[] keySet, String keyId) {
        JsonNode keys;
        try {
            keys = Json.MAPPER.readTree(keySet).path("keys");
        } catch (IOException error) {
            throw new IllegalArgumentException("not a key set (RFC 7517)", error);
        }
        for (JsonNode each : keys) {
            String x = each.path("x").textValue();
            if (keyId != null
                    && keyId.equals(each.path("kid").textValue())
                    && "OKP".equals(each.path("kty").textValue())
                    && "Ed25519".equals(each.path("crv").textValue())
                    && x != null
                    && keyId.equals(thumbprint(x))) {
                return publicKey(x);
            }
        }
        throw new ReceiptInvalidException("receipt_unknown_key", "");
    }

    /** Computes RFC 7638's name of an Ed25519 key. */
    static String thumbprint(String x) {
        String canonical = "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"" + x + "\"}";
        MessageDigest digest = Digests.sha256();
        return ENCODER.encodeToString(digest.digest(canonical.getBytes(StandardCharsets.UTF_8)));
    }

    /** Makes a key of 32 bytes, little-endian, whose last bit is x's sign (RFC 8032, 5.1.2). */
    private static PublicKey publicKey(String x) {
        try {
            byte[] raw = Base64.getUrlDecoder().decode(x);
            if (raw.length != KEY_BYTES) {
                throw new ReceiptInvalidException("receipt_unknown_key", "");
            }
            boolean xIsOdd = (raw[KEY_BYTES - 1] & 0x80) != 0;
            byte[] y = new byte[KEY_BYTES];
            for (int index = 0; index < KEY_BYTES; index++) {
                y[index] = raw[KEY_BYTES - 1 - index];
            }
            y[0] &= 0x7f;
            return KeyFactory.getInstance("Ed25519")
                    .generatePublic(
                            new EdECPublicKeySpec(
                                    NamedParameterSpec.ED25519,
                                    new EdECPoint(xIsOdd, new BigInteger(1, y))));
        } catch (IllegalArgumentException | GeneralSecurityException unreadable) {
            throw new ReceiptInvalidException("receipt_unknown_key", "");
        }
    }

    private static boolean holds(PublicKey key, String signed, byte[] signature) {
        try {
            Signature check = Signature.getInstance("Ed25519");
            check.initVerify(key);
            check.update(signed.getBytes(StandardCharsets.US_ASCII));
            return check.verify(signature);
        } catch (GeneralSecurityException notEvenASignature) {
            return false;
        }
    }

    private static ObjectNode object(String encoded) {
        try {
            if (Json.MAPPER.readTree(decoded(encoded)) instanceof ObjectNode object) {
                return object;
            }
        } catch (IOException error) {
            throw malformed("not JSON");
        }
        throw malformed("not a JSON object");
    }

    /** Reads base64url without padding, in its one form: no spare bits. */
    private static byte[] decoded(String text) {
        try {
            byte[] bytes = Base64.getUrlDecoder().decode(text);
            if (ENCODER.encodeToString(bytes).equals(text)) {
                return bytes;
            }
        } catch (IllegalArgumentException error) {
            throw malformed("not base64url");
        }
        throw malformed("base64url in another form");
    }

    private static ReceiptInvalidException malformed(String why) {
        return new ReceiptInvalidException("receipt_malformed", why);
    }
}
