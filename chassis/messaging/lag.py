"""How far a reader is behind, counted from what it has committed: a poll that hangs counts as not handled."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from chassis.messaging.nudges import PatientConsumer
from chassis.metrics import KAFKA_LAG, PARTITIONS_READ
from chassis.telemetry import log

_EVERY_SECONDS = 5.0
_ANSWERS_WITHIN_SECONDS = 10.0
"""aiokafka asks on and on where no broker answers."""


@dataclass
class Lag:
    """Of one member of a group: its own partitions only, so that the sum over all members is the group's."""

    service: str
    topics: Sequence[str]
    consumer: AIOKafkaConsumer
    committed: dict[TopicPartition, int] = field(default_factory=dict)
    """Offsets by which the reader goes on; it writes them after each commit."""
    something_waits: bool = False
    """There is more to read, or the group has forgotten us: as far as was last heard."""
    _has_had_partitions: bool = False

    async def watch(self) -> None:
        try:
            while True:
                await self._measure()
                await asyncio.sleep(_EVERY_SECONDS)
        finally:
            self._show({}, 0)

    async def _measure(self) -> None:
        mine = self.consumer.assignment()
        try:
            async with asyncio.timeout(_ANSWERS_WITHIN_SECONDS):
                ends = await self.consumer.end_offsets(mine) if mine else {}
                handled = {partition: await self._handled_up_to(partition) for partition in ends}
                if isinstance(self.consumer, PatientConsumer):
                    handled |= await self._go_back_where_the_log_did(handled)
        except (KafkaError, TimeoutError):
            # Nobody answers, so nothing is read, whatever partitions are ours; the lag that was measured last stands.
            PARTITIONS_READ.labels(self.service).set(0)
            return
        behind = {partition: end - handled[partition] for partition, end in ends.items()}
        self._has_had_partitions |= bool(mine)
        self.something_waits = any(events > 0 for events in behind.values()) or (self._has_had_partitions and not mine)
        self._show(behind, len(mine))

    async def _handled_up_to(self, partition: TopicPartition) -> int:
        if partition not in self.committed:
            self.committed[partition] = await self.consumer.committed(partition) or 0
        return self.committed[partition]

    async def _go_back_where_the_log_did(self, handled: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """What is handled of partitions that count anew: nothing. The inbox knows what of it came before.

        The embedded broker can count a partition anew (docs/messaging.md), and answers who is ahead of it with nothing,
        for ever; Apache Kafka says that he is out of range. Where the log ends is exact with every fetch, unlike
        `end_offsets`, which on that broker is where its last batch began.
        """
        still_mine = handled.keys() & self.consumer.assignment()
        ends = {partition: self.consumer.highwater(partition) for partition in still_mine}
        set_back = {partition: 0 for partition, end in ends.items() if end is not None and end < handled[partition]}
        if set_back:
            for partition in set_back:
                place = {"topic": partition.topic, "partition": partition.partition}
                log.warning("partition.set_back", service=self.service, **place, ended=ends[partition])
            await self.consumer.seek_to_beginning(*set_back)
            self.committed |= set_back
        return set_back

    def _show(self, behind: dict[TopicPartition, int], partitions: int) -> None:
        PARTITIONS_READ.labels(self.service).set(partitions)
        for topic in self.topics:
            lag = sum(max(0, events) for partition, events in behind.items() if partition.topic == topic)
            KAFKA_LAG.labels(self.service, topic).set(lag)
