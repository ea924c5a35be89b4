package docaxis.client;

import java.nio.charset.StandardCharsets;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.interfaces.ECPrivateKey;
import java.security.interfaces.EdECPrivateKey;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECParameterSpec;
import java.security.spec.EllipticCurve;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;

/** A system's private key: Ed25519 (JWS algorithm EdDSA) or P-256 (ES256). */
final class SigningKey {
    private static final String LABEL = "PRIVATE KEY-----";
    private static final String BEGIN = "-----BEGIN " + LABEL;
    private static final String END = "-----END " + LABEL;

    private final PrivateKey key;
    private final boolean edwards;

    private SigningKey(PrivateKey key, boolean edwards) {
        this.key = key;
        this.edwards = edwards;
    }

    /** Reads PKCS #8 in PEM. Throws for any other content and any other kind of key. */
    static SigningKey ofPem(String pem) throws GeneralSecurityException {
        int begin = pem.indexOf(BEGIN);
        int end = pem.indexOf(END, Math.max(begin, 0));
        if (begin < 0 || end < 0) {
            throw new GeneralSecurityException("not a private key in PEM form (PKCS #8)");
        }
        byte[] der;
        try {
            der = Base64.getMimeDecoder().decode(pem.substring(begin + BEGIN.length(), end));
        } catch (IllegalArgumentException error) {
            throw new GeneralSecurityException("not base64", error);
        }
        PKCS8EncodedKeySpec encoded = new PKCS8EncodedKeySpec(der);
        try {
            PrivateKey key = KeyFactory.getInstance("Ed25519").generatePrivate(encoded);
            if (key instanceof EdECPrivateKey) {
                return new SigningKey(key, true);
            }
        } catch (GeneralSecurityException notEdwards) {
            // It may be the other kind, which is tried now.
        }
        PrivateKey key = KeyFactory.getInstance("EC").generatePrivate(encoded);
        AlgorithmParameters p256 = AlgorithmParameters.getInstance("EC");
        p256.init(new ECGenParameterSpec("secp256r1"));
        EllipticCurve curve = p256.getParameterSpec(ECParameterSpec.class).getCurve();
        if (key instanceof ECPrivateKey elliptic && elliptic.getParams().getCurve().equals(curve)) {
            return new SigningKey(key, false);
        }
        throw new GeneralSecurityException("the key is neither Ed25519 nor on P-256");
    }

    /** The JWS algorithm (RFC 7518, RFC 8037). */
    String algorithm() {
        return edwards ? "EdDSA" : "ES256";
    }

    /** Signs; ES256 gives the two numbers side by side, as JWS has them (RFC 7518, 3.4). */
    byte[] sign(String text) {
        try {
            Signature signature =
                    Signature.getInstance(edwards ? "Ed25519" : "SHA256withECDSAinP1363Format");
            signature.initSign(key);
            signature.update(text.getBytes(StandardCharsets.US_ASCII));
            return signature.sign();
        } catch (GeneralSecurityException error) {
            throw new IllegalStateException("this Java cannot sign with " + algorithm(), error);
        }
    }
}
