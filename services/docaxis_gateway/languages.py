"""Which of our languages a caller reads (RFC 9110, section 12.5.4); Vietnamese unless told."""

from functools import lru_cache

from docaxis_runtime.error_table import LANGUAGES


@lru_cache(maxsize=256)
def choose_language(accept_language: str) -> str:
    """The language with the highest weight among ours; ties go to the one named first."""
    best, best_weight = LANGUAGES[0], 0.0
    for item in accept_language[:200].split(","):
        tag, _, parameter = item.strip().partition(";")
        language = tag.strip().lower().partition("-")[0]
        weight = _weight(parameter.strip())
        if language in LANGUAGES and weight > best_weight:
            best, best_weight = language, weight
    return best


def _weight(parameter: str) -> float:
    if not parameter:
        return 1.0
    name, _, value = parameter.partition("=")
    try:
        weight = float(value) if name.strip() == "q" else 0.0
    except ValueError:
        return 0.0
    return weight if 0.0 <= weight <= 1.0 else 0.0
