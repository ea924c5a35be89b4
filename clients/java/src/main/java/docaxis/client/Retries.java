package docaxis.client;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;

/**
 * How often and how long a call is repeated. Every call may be: the axis makes repeats harmless.
 *
 * @param attempts attempts of one call, the first one included
 * @param patience no attempt is begun later than this after the first
 */
public record Retries(int attempts, Duration patience) {
    /** Six attempts within a minute. */
    public static final Retries USUAL = new Retries(6, Duration.ofSeconds(60));

    private static final double FIRST_S = 0.2;
    private static final double LONGEST_S = 5;

    /** Checks that there is at least one attempt. */
    public Retries {
        if (attempts < 1 || patience.isNegative()) {
            throw new IllegalArgumentException("at least one attempt, and no negative patience");
        }
    }

    @FunctionalInterface
    interface Attempt<T> {
        T run() throws IOException, InterruptedException;
    }

    /**
     * Runs an attempt until it succeeds. A lost connection and an answer that says "later" are
     * repeated, waiting longer each time, or as long as the axis asks; other refusals are not.
     */
    <T> T call(String where, Attempt<T> attempt) throws InterruptedException {
        long begin = System.nanoTime();
        for (int number = 1; ; number++) {
            Exception failure;
            Optional<Duration> asked = Optional.empty();
            try {
                return attempt.run();
            } catch (ProblemException problem) {
                if (!isTransient(problem)) {
                    throw problem;
                }
                failure = problem;
                asked = problem.retryAfter();
            } catch (IOException cut) {
                failure = cut;
            }
            Duration pause = pause(number, asked);
            Duration passed = Duration.ofNanos(System.nanoTime() - begin);
            if (number >= attempts || passed.plus(pause).compareTo(patience) > 0) {
                throw new AxisUnavailableException(where + ": " + words(failure), failure);
            }
            Thread.sleep(pause.toMillis());
        }
    }

    private static boolean isTransient(ProblemException problem) {
        return problem.retryable() || problem.status() == 502 || problem.status() == 504;
    }

    private static Duration pause(int number, Optional<Duration> asked) {
        double longest = Math.min(LONGEST_S, FIRST_S * Math.pow(2, number));
        Duration drawn =
                Duration.ofMillis((long) (1000 * ThreadLocalRandom.current().nextDouble(longest)));
        // Not all at once: those told the same moment come spread a little behind it.
        return asked.map(each -> each.plus(drawn.dividedBy(10))).orElse(drawn);
    }

    private static String words(Exception failure) {
        String message = failure.getMessage();
        return message != null ? message : failure.getClass().getSimpleName();
    }
}
