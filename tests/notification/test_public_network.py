"""Addresses are judged as they are connected to: whatever a name meant before, and whatever it means afterwards."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpcore2
import pytest

from services.notification.adapters.public_network import AddressNotAllowed, PublicNetwork, look_up
from services.notification.adapters.webhook import LARGEST_ANSWER, WebhookOutlet
from services.notification.domain.happening import Happening
from services.notification.domain.message import Told
from tests.support import facts
from tests.support.certificates import certificate_of
from tests.support.receivers import Answer, Receiver, receiver

pytestmark = pytest.mark.anyio
SECRET = bytes(range(32))
TOLD = Told(facts.an_id(1), Happening(facts.an_id(2), facts.an_id(3), "completed", (), facts.START), "clinic", None)


class Resolver:
    """Answers each look-up with the next of `answers`, the last one for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers, self.looks = list(answers), 0

    async def __call__(self, _: str, __: int) -> Sequence[str]:
        self.looks += 1
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


@pytest.fixture
async def here() -> AsyncIterator[Receiver]:
    async with receiver() as side:
        yield side


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"], ["0.0.0.0"], ["fe80::1%lo"],
     ["8.8.8.8", "127.0.0.1"], ["2606:4700:4700::1111", "::1"], [], ["nonsense"]],
    ids=str,
)  # fmt: skip
async def test_a_name_with_any_address_that_is_not_public_is_not_connected_to(
    addresses: list[str], here: Receiver
) -> None:
    network = PublicNetwork(resolve=Resolver(addresses))
    with pytest.raises(AddressNotAllowed):
        await network.connect_tcp("partner.example", here.port, timeout=20)
    assert here.connections == 0


@pytest.mark.parametrize("host", ["2130706433", "0177.0.0.1", "0x7f.1", "127.1", "0", "localhost"])
async def test_the_systems_resolver_reads_odd_forms_and_what_they_mean_is_judged(host: str, here: Receiver) -> None:
    with pytest.raises((AddressNotAllowed, httpcore2.ConnectError)):
        await PublicNetwork().connect_tcp(host, here.port, timeout=20)
    assert here.connections == 0


async def test_a_name_that_changes_after_it_was_judged_gains_nothing(here: Receiver) -> None:
    """DNS rebinding: the first look says public, the next says loopback."""
    resolver = Resolver(["192.0.2.1"], ["127.0.0.1"])
    network = PublicNetwork(resolve=resolver, allow_loopback=False)
    with pytest.raises(AddressNotAllowed):
        await network.connect_tcp("partner.example", here.port, timeout=20)
    assert resolver.looks == 1, "judged and connected to in one look"
    with pytest.raises(AddressNotAllowed):
        await network.connect_tcp("partner.example", here.port, timeout=20)
    assert here.connections == 0


async def test_the_connection_goes_to_the_address_that_was_judged(here: Receiver) -> None:
    resolver = Resolver(["127.0.0.1"], ["192.0.2.1"])
    outlet = WebhookOutlet(
        allow_loopback=True, network=PublicNetwork(allow_loopback=True, resolve=resolver), timeout_seconds=20
    )
    outcome = await outlet.send(here.url, TOLD, [SECRET])
    await outlet.close()
    assert outcome.delivered
    assert resolver.looks == 1
    assert here.received[0].headers["host"] == f"localhost:{here.port}"


async def test_an_unreachable_address_among_public_ones_is_passed_over(here: Receiver) -> None:
    network = PublicNetwork(allow_loopback=True, resolve=Resolver(["127.0.0.9", "127.0.0.1"]))
    stream = await network.connect_tcp("localhost", here.port, timeout=20)
    await stream.aclose()


async def test_without_the_setting_a_loopback_url_is_not_even_tried(here: Receiver) -> None:
    outlet = WebhookOutlet(timeout_seconds=20)
    for url in (here.url, f"https://127.0.0.1:{here.port}/", f"https://localhost:{here.port}/"):
        assert (await outlet.send(url, TOLD, [SECRET])).code == "ADDRESS_NOT_ALLOWED"
    assert here.connections == 0
    await outlet.close()


async def test_unix_sockets_are_no_network() -> None:
    with pytest.raises(AddressNotAllowed):
        await PublicNetwork(allow_loopback=True).connect_unix_socket("/run/postgresql")


async def test_the_resolver_gives_each_address_once() -> None:
    assert "127.0.0.1" in await look_up("127.0.0.1", 80)


async def test_tls_asks_for_the_name_and_not_for_the_address(tmp_path: Path) -> None:
    server, trust = certificate_of("partner.example", tmp_path)
    network = PublicNetwork(allow_loopback=True, resolve=Resolver(["127.0.0.1"]))
    async with receiver(tls=server) as here:
        outlet = WebhookOutlet(allow_loopback=True, network=network, trust=trust, timeout_seconds=20)
        right = await outlet.send(f"https://partner.example:{here.port}/", TOLD, [SECRET])
        wrong = await outlet.send(f"https://another.example:{here.port}/", TOLD, [SECRET])
        await outlet.close()
        assert (right.code, wrong.code) == ("DELIVERED", "UNREACHABLE")
        assert len(here.received) == 1


async def test_an_untrusted_certificate_is_not_spoken_to(tmp_path: Path) -> None:
    server, _ = certificate_of("partner.example", tmp_path)
    network = PublicNetwork(allow_loopback=True, resolve=Resolver(["127.0.0.1"]))
    async with receiver(tls=server) as here:
        outlet = WebhookOutlet(network=network, timeout_seconds=20)
        assert (await outlet.send(f"https://partner.example:{here.port}/", TOLD, [SECRET])).code == "UNREACHABLE"
        await outlet.close()
        assert here.received == []


async def test_proxies_of_the_environment_are_not_used(here: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    outlet = WebhookOutlet(allow_loopback=True, timeout_seconds=20)
    assert (await outlet.send(here.url, TOLD, [SECRET])).delivered
    await outlet.close()


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(200, body=b"x" * (LARGEST_ANSWER * 4)), "DELIVERED"),
        (Answer(404, body=b"x" * (LARGEST_ANSWER * 4)), "HTTP_STATUS"),
        (Answer(200, headers={"x": "y" * 500_000}), "PROTOCOL"),
        (Answer(302, headers={"Location": "http://169.254.169.254/"}), "REDIRECT"),
        (Answer(999), "HTTP_STATUS"),
    ],
    ids=lambda value: str(value)[:20],
)
async def test_whatever_a_receiver_answers_is_an_outcome(answer: Answer, code: str, here: Receiver) -> None:
    here.answer = lambda _: answer
    outlet = WebhookOutlet(allow_loopback=True, timeout_seconds=20)
    assert (await outlet.send(here.url, TOLD, [SECRET])).code == code
    await outlet.close()
