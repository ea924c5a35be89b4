package docaxis.client;

/**
 * Keeps one valid access token. However many threads call, one renews and the others take what it
 * got.
 */
final class Tokens {
    private final Source source;
    private String present;
    private long renewAtNanos;

    /** The answer of the token's address. */
    record Token(String accessToken, double expiresIn) {}

    @FunctionalInterface
    interface Source {
        Token ask() throws InterruptedException;
    }

    Tokens(Source source) {
        this.source = source;
    }

    /** Gives a token; another one than {@code refused}, where that is given. */
    synchronized String present(String refused) throws InterruptedException {
        long now = System.nanoTime();
        if (present == null || now - renewAtNanos >= 0 || present.equals(refused)) {
            Token token = source.ask();
            // A fifth of its life early: the axis's clock and the way there need room.
            renewAtNanos = now + (long) (token.expiresIn() * 0.8e9);
            present = token.accessToken();
        }
        return present;
    }
}
