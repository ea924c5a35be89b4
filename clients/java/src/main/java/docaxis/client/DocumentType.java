package docaxis.client;

/**
 * Kind of a document (QCVN 102).
 *
 * @param group 1 normative, 2 administrative
 * @param code its number there
 */
public record DocumentType(int group, int code, String name) {}
