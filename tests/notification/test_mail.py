"""Mail to staff: without patient data, and by no server that has not proved who it is."""

import ssl
from pathlib import Path
from typing import Literal

import pytest
from aiosmtpd.smtp import LoginPassword

from services.notification.adapters.mail import MailOutlet
from services.notification.domain.happening import Happening
from services.notification.domain.message import Told
from tests.support import facts
from tests.support.certificates import certificate_of
from tests.support.notification import completed, desk
from tests.support.receivers import ACCOUNT, MailServer, mail_server

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")]
TOLD = Told(facts.an_id(1), Happening(facts.an_id(2), facts.an_id(3), "failed", (), facts.START), "clinic", None)
STAFF = "on-call@pharmacy.example"


async def test_staff_get_a_mail_without_patient_data_for_what_they_must_act_on(database_url: str) -> None:
    with mail_server() as mailbox:
        outlet = MailOutlet("127.0.0.1", mailbox.port, "careplan@pharmacy.example", security="none")
        async with desk(database_url, mail=outlet) as here, here.sending():
            await here.subscribe(kind="email", email=STAFF)
            order_id = await here.fails()
            await here.happens(completed(order_id))
            ((recipients, message),) = await mailbox.until(1)
            await here.until("delivered")
        assert recipients == [STAFF]
        assert message["Subject"] == f"Order {order_id}: failed"
        assert message["Auto-Submitted"] == "auto-generated"
        text = str(message.get_payload())
        assert "TIMEOUT" in text
        order = facts.order()
        for secret in (
            order.patient.first_name,
            order.patient.last_name,
            order.patient.mrn,
            order.provider.name,
            "PO-7",
        ):
            assert secret not in message.as_string()


async def test_a_mail_server_that_refuses_or_is_away_is_tried_again(database_url: str) -> None:
    with mail_server() as mailbox:
        mailbox.refuse = True
        outlet = MailOutlet("127.0.0.1", mailbox.port, "careplan@pharmacy.example", security="none")
        async with desk(database_url, mail=outlet) as here, here.sending():
            await here.subscribe(kind="email", email=STAFF)
            await here.fails()
            assert (await here.tried(1))["last_code"] == "MAIL_REFUSED"
            mailbox.refuse = False
            await here.everything_is_due()
            await mailbox.until(1)


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_mail_goes_encrypted_and_with_a_login_where_the_server_wants_both(
    security: Literal["starttls", "tls"], tmp_path: Path
) -> None:
    server, trust = certificate_of("localhost", tmp_path)
    with mail_server(server, starttls=security == "starttls") as mailbox:
        outlet = _mail_outlet(mailbox, security, trust=trust)
        assert (await outlet.send(STAFF, TOLD, [])).code == "DELIVERED"
        assert len(mailbox.received) == 1, "and this server takes nothing in clear"
        assert [LoginPassword(*login) for login in mailbox.logins] == [ACCOUNT]


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_wrong_password_is_a_refusal_and_leaves_no_mail(
    security: Literal["starttls", "tls"], tmp_path: Path
) -> None:
    server, trust = certificate_of("localhost", tmp_path)
    with mail_server(server, starttls=security == "starttls") as mailbox:
        outlet = _mail_outlet(mailbox, security, trust=trust, password="wrong")
        assert (await outlet.send(STAFF, TOLD, [])).code == "MAIL_REFUSED"
        assert mailbox.received == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("name", ["localhost", "mail.example"])
async def test_a_mail_server_that_cannot_prove_its_name_gets_neither_password_nor_mail(
    security: Literal["starttls", "tls"], name: str, tmp_path: Path
) -> None:
    """Its certificate is nobody's whom we trust, or another server's."""
    server, trust = certificate_of(name, tmp_path)
    with mail_server(server, starttls=security == "starttls") as mailbox:
        outlet = _mail_outlet(mailbox, security, trust=None if name == "localhost" else trust)
        assert (await outlet.send(STAFF, TOLD, [])).code == "UNREACHABLE"
        assert (mailbox.logins, mailbox.received) == ([], [])


async def test_a_mail_server_without_starttls_gets_neither_password_nor_mail() -> None:
    with mail_server() as mailbox:
        outlet = _mail_outlet(mailbox, "starttls", trust=None)
        assert not (await outlet.send(STAFF, TOLD, [])).delivered
        assert (mailbox.logins, mailbox.received) == ([], [])


def _mail_outlet(
    mailbox: MailServer,
    security: Literal["starttls", "tls"],
    trust: ssl.SSLContext | None,
    password: str = ACCOUNT.password.decode(),
) -> MailOutlet:
    username, sender = ACCOUNT.login.decode(), "careplan@pharmacy.example"
    return MailOutlet("localhost", mailbox.port, sender, security, username, password, trust=trust)
