"""`python -m ccos` is the `ccos` command."""

from ccos.cli import main

if __name__ == "__main__":
    main()
