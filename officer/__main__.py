"""python -m officer: the same as the command officer."""

from officer.cli import main

if __name__ == "__main__":
    main()
