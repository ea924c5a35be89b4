"""`python -m docaxis_cli`: the same as `docaxis`."""

from docaxis_cli.main import main

if __name__ == "__main__":
    main()
