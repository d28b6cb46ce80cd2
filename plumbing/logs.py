"""Logs as events with fields, one JSON line each on stderr (or coloured text on a terminal)."""

import logging
import sys

import structlog
from stamina.instrumentation import set_on_retry_hooks


def configure_logs(*, json: bool | None = None, level: int = logging.INFO) -> None:
    """Set up structlog and the standard library's logging to write to stderr.

    Args:
        json: True for JSON lines; by default JSON unless stderr is a terminal.
    """
    as_json = not sys.stderr.isatty() if json is None else json
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer] if as_json else [*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    # A try that is made again is nothing to act on; one that was the last is told by who asked for it.
    set_on_retry_hooks([])
    # Libraries speak up only when something is wrong: their request lines may hold addresses or values.
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(name)s %(levelname)s %(message)s")


def get_logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """A logger; the first word of an event names the subject: `log.warning("poll.page_retried", page=12)`."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(name)
    return logger
