"""Which URLs are taken, and which addresses are connected to."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notification.domain.endpoint import is_mail_address, may_connect, url_fault

PRIVATE = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1",
    "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1",
    "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0.0.0.0",
    "64:ff9b::10.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b:1::10.0.0.1", "2002:7f00:1::", "2002:808:808::", "2001::1",
    "2001:db8::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "100::1",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "172.32.0.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"]
LOOPBACK = ["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "64:ff9b::127.0.0.1"]


@pytest.mark.parametrize("address", PRIVATE)
def test_nothing_but_public_addresses_is_connected_to(address: str) -> None:
    assert not may_connect(ip_address(address), allow_loopback=False)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are(address: str) -> None:
    assert may_connect(ip_address(address), allow_loopback=False)


@pytest.mark.parametrize("address", PRIVATE)
def test_the_setting_opens_this_machine_and_nothing_else(address: str) -> None:
    assert may_connect(ip_address(address), allow_loopback=True) == (address in LOOPBACK)


@pytest.mark.parametrize(
    "url",
    [
        "https://partner.example/hook",
        "https://partner.example:8443/hook?a=b",
        "https://xn--bcher-kva.example/",
        "https://8.8.8.8/hook",
        "https://[2606:4700:4700::1111]/hook",
        "https://partner.example",
    ],
)
def test_https_to_a_name_or_a_public_address_is_taken(url: str) -> None:
    assert url_fault(url, allow_loopback=False) is None


TRICKS = [
    "http://partner.example/hook", "ftp://partner.example/", "file:///etc/passwd", "gopher://partner.example/",
    "//partner.example/", "partner.example", "", "https://", "https:///hook", "https:partner.example",
    "https://user@partner.example/", "https://user:pass@partner.example/", "https://partner.example@127.0.0.1/",
    "https://127.0.0.1%2f@partner.example/", "https://partner.example#@127.0.0.1/", "https://partner.example/#x",
    "https://partner.example\\@127.0.0.1/", "https://partner.example/a b", "https://partner.example/\r\nX: y",
    "https://partner.example/\x00", "https://bücher.example/", "https://partner。example/", "https://ⓛocalhost/",
    "https://127.0.0.1/", "https://0.0.0.0/", "https://169.254.169.254/latest/meta-data", "https://10.0.0.1/",
    "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[fe80::1%25eth0]/", "https://[::1",
    "https://2130706433/", "https://017700000001/", "https://0x7f000001/", "https://0x7f.0.0.1/", "https://0177.0.0.1/",
    "https://127.1/", "https://127.0.1/", "https://127.0.0.1./", "https://1.2.3.4.5/", "https://0x7f.1/",
    "https://localhost/", "https://localhost./", "https://LOCALHOST/", "https://part%6eer.example/", "https://-a.example/",
    "https://partner.example:0/", "https://partner.example:70000/", "https://partner.example:x/",
    "https://partner..example/", "https://partner.example/" + "a" * 2_000,
]  # fmt: skip


@pytest.mark.parametrize("url", TRICKS)
def test_what_two_readers_could_read_differently_or_is_not_public_is_refused(url: str) -> None:
    assert url_fault(url, allow_loopback=False) is not None


@given(st.text())
def test_any_text_gets_an_answer(text: str) -> None:
    url_fault(text, allow_loopback=True)
    url_fault(f"https://{text}", allow_loopback=False)
    is_mail_address(text)


def test_plain_http_is_for_this_machine_only_and_only_where_the_setting_says_so() -> None:
    for url in ("http://localhost:9/", "http://127.0.0.1:9/", "http://[::1]:9/"):
        assert url_fault(url, allow_loopback=True) is None
        assert url_fault(url, allow_loopback=False) is not None
    assert url_fault("http://partner.example/", allow_loopback=True) is not None
    assert url_fault("http://8.8.8.8/", allow_loopback=True) is not None


@pytest.mark.parametrize("address", ["on-call@pharmacy.example", "a.b+c@x.y-z.example"])
def test_plain_mail_addresses_are_taken(address: str) -> None:
    assert is_mail_address(address)


@pytest.mark.parametrize(
    "address",
    ["", "nobody", "a@b", "a b@c.example", "a@c.example\r\nBcc: d@e.example", "a@c.example,d@e.example",
     "A <a@c.example>", "a@[127.0.0.1]", "a@c.example\n", "ä@c.example", "a" * 65 + "@c.example", "a@" + "b." * 200 + "c"],
)  # fmt: skip
def test_what_could_end_a_header_or_reach_a_second_mailbox_is_no_address(address: str) -> None:
    assert not is_mail_address(address)
