"""`crossfade`, also as `python -m console`: ctrl-C and SIGTERM end it with one message from its first moment on."""

import gc
import signal
import sys

_INTERRUPTED = 130  # what typer makes of a KeyboardInterrupt


def main() -> None:
    """Entry point. A command that can end in order sets handlers of its own, and says itself how it ended."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        gc.disable()  # modules are no garbage: to look for some among them takes an eighth of the start
        try:
            from console.main import app  # here: it takes seconds, in which ctrl-C is to be answered too
        finally:
            gc.enable()
        gc.freeze()
        app()
    except KeyboardInterrupt:
        pass
    except SystemExit as ended:
        if ended.code != _INTERRUPTED:
            raise
    sys.stderr.write("crossfade: stopped before it was done\n  Next: Run the same command again.\n")
    sys.exit(75)  # plumbing.errors.ExitCode.TRY_LATER, which may not be imported yet


if __name__ == "__main__":
    main()
