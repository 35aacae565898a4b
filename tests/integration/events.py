"""What came out of Kafka: a plain consumer that reads every CloudEvent of a topic prefix, and holds
each against the schema of its type."""

import dataclasses
import json
import time

import confluent_kafka

import eventschema

TOPICS = ("webhooks", "keys", "audit")


@dataclasses.dataclass
class Message:
    topic: str       # without the prefix: "webhooks"
    partition: int
    offset: int
    key: str
    headers: dict
    raw: bytes
    event: dict      # the CloudEvent

    @property
    def type(self):
        return self.event["type"]

    @property
    def data(self):
        return self.event["data"]


class Events:
    """Reads from the beginning of every topic, also of topics and partitions that come later.

        events.until(lambda messages: len(messages) == 3, topic="webhooks")
    """

    def __init__(self, bootstrap, prefix):
        self.prefix = prefix
        self.messages = []
        self.assigned = {}
        self.consumer = confluent_kafka.Consumer({
            "bootstrap.servers": bootstrap, "group.id": prefix + "reader", "log_level": 0,
            "enable.auto.commit": False, "auto.offset.reset": "earliest",
            "topic.metadata.refresh.interval.ms": 1000})

    def close(self):
        self.consumer.close()

    def of(self, topic=None, type=None):
        """Those read so far, in the order of each partition; type is matched as a prefix."""
        return [m for m in self.messages
                if topic in (None, m.topic) and m.type.startswith(type or "")]

    def until(self, is_enough, topic=None, type=None, seconds=60):
        """Reads until is_enough(messages of that topic and type); returns those messages."""
        deadline = time.monotonic() + seconds
        while not is_enough(self.of(topic, type)):
            if time.monotonic() > deadline:
                read = {int(m.event["sequence"]) for m in self.messages}
                missing = sorted(set(range(1, max(read, default=0) + 1)) - read)
                raise AssertionError(
                    f"not in Kafka after {seconds} s; read {len(read)} up to {max(read, default=0)}, "
                    f"without {missing[:20]}; next offsets {self.assigned}")
            self._read(0.2)
        return self.of(topic, type)

    def all(self, quiet_seconds=2.0):
        """Reads until nothing came for so long; for what must not be there."""
        while self._read(quiet_seconds):
            pass
        return self.messages

    def _read(self, seconds):
        self._assign()
        batch = self.consumer.consume(num_messages=1000, timeout=seconds)
        for message in batch:
            if message.error():
                if message.error().code() == confluent_kafka.KafkaError._PARTITION_EOF:
                    continue
                raise confluent_kafka.KafkaException(message.error())
            name = (message.topic(), message.partition())
            self.assigned[name] = message.offset() + 1
            self.messages.append(Message(
                topic=message.topic().removeprefix(self.prefix), partition=message.partition(),
                offset=message.offset(), key=(message.key() or b"").decode(),
                headers=dict(message.headers() or []), raw=message.value(),
                event=json.loads(message.value())))
            eventschema.check(self.messages[-1].event)
        return batch

    def _assign(self):
        """Takes in partitions that were not there before; the others go on where they are."""
        try:
            topics = self.consumer.list_topics(timeout=10).topics
        except confluent_kafka.KafkaException:
            return  # the broker is away: what is assigned stays
        found = {(name, partition) for name, topic in topics.items()
                 if name.startswith(self.prefix) for partition in topic.partitions}
        if found - self.assigned.keys():
            for name in found - self.assigned.keys():
                self.assigned[name] = confluent_kafka.OFFSET_BEGINNING
            self.consumer.assign([confluent_kafka.TopicPartition(topic, partition, offset)
                                  for (topic, partition), offset in self.assigned.items()])
