"""How the tests come by Apache Kafka: Maven where Java and Maven are, else Docker where one answers, else one line."""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.support.kafka_ways import apache_kafka, way
from tests.support.maven import JarsBroken, JarsUnavailable

Machine = Callable[..., None]


class _Engine(BaseHTTPRequestHandler):
    """Docker on a machine with no images, whose registry does not answer."""

    def do_GET(self) -> None:
        if self.path == "/version":
            self._answer(200, b'{"ApiVersion": "1.45"}')
        else:
            self._answer(200, b"[]" if "/images/" in self.path else b"OK")

    def do_POST(self) -> None:
        self._answer(500, b'{"message": "no such host"}')

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def docker() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Engine) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"tcp://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, docker: str) -> Machine:
    """A PATH with these tools alone, with Docker or without, in CI or not, with the setting or without."""

    def make(*tools: str, has_docker: bool = False, ci: bool = False, setting: str = "") -> None:
        for name in tools:
            (tmp_path / name).touch(mode=0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}")
        monkeypatch.setenv("DOCKER_HOST", docker if has_docker else f"unix://{tmp_path}/nobody")
        monkeypatch.setenv("CI", "1" if ci else "")
        monkeypatch.setenv("CAREPLAN_TEST_KAFKA", setting)

    return make


def test_java_and_maven_come_first(machine: Machine) -> None:
    machine("java", "mvn", has_docker=True)
    assert way() == "maven"


@pytest.mark.parametrize("tool", ["java", "mvn"])
def test_where_one_of_them_is_missing_docker_takes_their_place(machine: Machine, tool: str) -> None:
    machine(tool, has_docker=True)
    assert way() == "docker"


def test_with_neither_one_line_says_so(machine: Machine, tmp_path: Path) -> None:
    machine()
    with pytest.raises(JarsUnavailable, match=r"^Apache Kafka left out: .*$"):
        apache_kafka(tmp_path)


def test_where_docker_cannot_fetch_it_one_line_says_so(machine: Machine, tmp_path: Path) -> None:
    machine(has_docker=True)
    with pytest.raises(
        JarsUnavailable, match=r"^Apache Kafka left out: Docker cannot fetch apache/kafka:.* \(no such host\)$"
    ):
        apache_kafka(tmp_path)


def test_in_ci_docker_does_not_hide_that_java_is_missing(machine: Machine, tmp_path: Path) -> None:
    machine(has_docker=True, ci=True)
    with pytest.raises(JarsBroken):
        apache_kafka(tmp_path)


def test_the_setting_decides(machine: Machine) -> None:
    machine("java", "mvn", has_docker=True, setting="docker")
    assert way() == "docker"
    machine(has_docker=True, setting="maven")
    assert way() == "maven"


def test_a_setting_that_is_neither_is_named(machine: Machine) -> None:
    machine(setting="podman")
    with pytest.raises(ValueError, match="podman"):
        way()
