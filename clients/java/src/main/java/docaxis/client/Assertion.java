package docaxis.client;

import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;

/** A signed statement of who calls (RFC 7523, section 2.2), good for one request of a token. */
final class Assertion {
    private static final String AUDIENCE = "docaxis";
    private static final long LIFETIME_S = 120;
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final Base64.Encoder BASE64URL = Base64.getUrlEncoder().withoutPadding();

    private Assertion() {}

    /** Makes a fresh one: the axis takes each only once. */
    static String make(Credentials credentials, Instant now) {
        Map<String, Object> header = new LinkedHashMap<>();
        header.put("alg", credentials.key().algorithm());
        header.put("kid", credentials.keyId());
        header.put("typ", "JWT");
        Map<String, Object> claims = new LinkedHashMap<>();
        claims.put("iss", credentials.systemId());
        claims.put("sub", credentials.systemId());
        claims.put("aud", AUDIENCE);
        claims.put("iat", now.getEpochSecond());
        claims.put("exp", now.getEpochSecond() + LIFETIME_S);
        claims.put("jti", randomText());
        String signed = encoded(Json.write(header)) + "." + encoded(Json.write(claims));
        return signed + "." + encoded(credentials.key().sign(signed));
    }

    /** The form for the token's address. */
    static byte[] form(Credentials credentials, Instant now) {
        // Nothing in these values needs to be escaped but the colons.
        String form =
                "grant_type=client_credentials&client_assertion_type="
                        + "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
                        + "&client_assertion="
                        + make(credentials, now);
        return form.getBytes(StandardCharsets.US_ASCII);
    }

    /** 128 bits that nobody guesses, as text for headers and claims. */
    static String randomText() {
        byte[] drawn = new byte[16];
        RANDOM.nextBytes(drawn);
        return encoded(drawn);
    }

    private static String encoded(byte[] bytes) {
        return BASE64URL.encodeToString(bytes);
    }
}
