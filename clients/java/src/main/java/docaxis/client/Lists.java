package docaxis.client;

import java.util.List;

/** Lists in answers: one that is absent is empty. */
final class Lists {
    private Lists() {}

    static <T> List<T> given(List<T> list) {
        return list == null ? List.of() : List.copyOf(list);
    }
}
