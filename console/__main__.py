"""`python -m console` is `crossfade`."""

from console.main import main

if __name__ == "__main__":
    main()
