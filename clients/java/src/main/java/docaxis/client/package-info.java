/**
 * A client of the docaxis axis for document systems in Java. Start at {@link
 * docaxis.client.DocaxisClient}.
 */
package docaxis.client;
