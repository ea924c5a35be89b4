"""`python -m docaxis_standalone`: the standalone by its settings alone, as a container runs it."""

import sys

from docaxis_runtime.log_setup import configure_logging
from docaxis_runtime.settings import SettingsInvalid, load_settings
from docaxis_standalone.main import run_standalone
from docaxis_standalone.settings import StandaloneSettings


def main() -> int:
    """Serve until told to stop; returns the exit status, 2 for wrong settings."""
    try:
        settings = load_settings(StandaloneSettings)
    except SettingsInvalid as error:
        sys.stderr.write(f"{error}\n")
        return 2
    configure_logging(settings.log_style.value, settings.log_level)
    return run_standalone(settings.data)


if __name__ == "__main__":
    raise SystemExit(main())
