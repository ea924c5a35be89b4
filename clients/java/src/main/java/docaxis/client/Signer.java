package docaxis.client;

/**
 * Who signed a document, as printed on it.
 *
 * @param competence TM., KT., TL., TUQ. or Q.; empty where signed in person
 */
public record Signer(String competence, String position, String fullName) {}
