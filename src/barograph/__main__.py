"""`python -m barograph` is `barograph`."""

from barograph.cli.main import main

if __name__ == "__main__":
    main()
