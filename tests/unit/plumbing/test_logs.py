"""What is not to be acted on is no line of the log."""

from collections.abc import Iterator

import pytest
import stamina
import structlog

from plumbing.logs import configure_logs


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """What a test set up does not outlive the standard error that it captured."""
    yield
    structlog.reset_defaults()


@pytest.mark.parametrize("json", [True, False], ids=["JSON", "terminal"])
def test_a_try_that_is_made_again_says_nothing(capsys: pytest.CaptureFixture[str], json: bool) -> None:
    configure_logs(json=json)
    tries = 0
    for attempt in stamina.retry_context(on=OSError, attempts=3, wait_initial=0, wait_max=0, wait_jitter=0):
        with attempt:
            tries += 1
            if tries < 3:
                raise OSError
    printed = capsys.readouterr()
    assert (tries, printed.out + printed.err) == (3, "")
