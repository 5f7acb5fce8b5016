"""Apache Kafka that asks who comes: TLS, SCRAM, and a list of who may do what. A second listener, without, is the operator's."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest

from local.ports import free_port
from tests.support.certificates import certificate_of
from tests.support.kafka import ApacheKafka

_GUARDED = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=OPERATOR://127.0.0.1:{operator},GUARDED://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=OPERATOR://127.0.0.1:{operator},GUARDED://localhost:{port}
listener.security.protocol.map=OPERATOR:PLAINTEXT,GUARDED:SASL_SSL,CONTROLLER:PLAINTEXT
inter.broker.listener.name=OPERATOR
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.guarded.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.guarded.ssl.keystore.type=PEM
listener.name.guarded.ssl.keystore.location={certificate}
"""
_RESOURCES = {"topic": 2, "group": 3}
_PATTERNS = {"literal": 3, "prefix": 4}
_OPERATIONS = {"Read": 3, "Write": 4, "Create": 5, "Describe": 8}
_ALLOW = 3


@dataclass(frozen=True)
class Rule:
    user: str
    resource: str
    name: str
    pattern: str
    operation: str


class GuardedKafka(ApacheKafka):
    """`users`: names and passwords."""

    def __init__(self, home: Path, users: Mapping[str, str]) -> None:
        home.mkdir(parents=True, exist_ok=True)
        certificate_of("localhost", home)
        self._operator = free_port()
        credentials = (f"SCRAM-SHA-512=[name={name},password={word}]" for name, word in users.items())
        self.format_options = tuple(part for each in credentials for part in ("--add-scram", each))
        super().__init__(home)

    @property
    def authority(self) -> str:
        """The certificate in PEM, which signed itself."""
        pem = (self.home / "certificate.pem").read_text()
        return pem[: pem.index("-----BEGIN PRIVATE KEY")]

    @property
    def bootstrap_servers(self) -> str:
        return f"localhost:{self.port}"

    @property
    def port_of_the_operator(self) -> int:
        return self._operator

    def configuration(self) -> str:
        mine = {line.partition("=")[0] for line in _GUARDED.splitlines()}
        rest = [line for line in super().configuration().splitlines() if line.partition("=")[0] not in mine]
        ports = {"port": self.port, "operator": self._operator, "controller": self._controller}
        return _GUARDED.format(**ports, certificate=self.home / "certificate.pem") + "\n".join(rest)

    async def allow(self, rules: Iterable[Rule]) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=f"127.0.0.1:{self._operator}")
        await admin.start()
        try:
            for rule in rules:
                kinds = _RESOURCES[rule.resource], rule.name, _PATTERNS[rule.pattern]
                request = CreateAclsRequest(*kinds, f"User:{rule.user}", "*", _OPERATIONS[rule.operation], _ALLOW)
                answer = await admin._send_to_controller(request)
                assert [code for code, *_ in answer.creation_responses] == [0], answer
        finally:
            await admin.close()
