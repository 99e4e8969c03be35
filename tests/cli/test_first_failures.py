"""The first failure of each class, in its own words."""

from app.benchmarks.measures import MeasureContext, MeasuredResult, measure
from app.cli.first_failures import FirstFailures
from tests.benchmarks.records import make_error, make_record


def result(error_type: str, error: str | None) -> MeasuredResult:
    return measure(make_error(error_type=error_type, error=error), MeasureContext("p", "m", "openai-compatible"))


def test_only_the_first_of_each_class_is_told() -> None:
    failures = FirstFailures()
    failures.take([measure(make_record(), MeasureContext("p", "m", "openai-compatible"))])
    failures.take([result("tls", "certificate has expired"), result("connect", "refused"), result("connect", "other")])
    assert list(failures.lines()) == ["first connect: refused", "first tls: certificate has expired"]


def test_what_a_server_sent_cannot_steer_the_terminal() -> None:
    failures = FirstFailures()
    failures.take([result("http_4xx", "\x1b[2Jgone\r\n" + "x" * 1000)])
    (line,) = failures.lines()
    assert line.isprintable()
    assert len(line) < 400
