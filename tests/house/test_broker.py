"""The folder broker: whole messages, each to one reader."""

import threading
from pathlib import Path

from kombu.connection import Connection
from kombu.simple import SimpleQueue

from panel import embedded


# Each test has a queue name of its own: kombu remembers bindings per process, not per folder.
def connect(var: Path) -> Connection:
    return Connection(transport="panel.broker:Transport", transport_options=embedded.broker_options(var))


def test_messages_arrive_in_the_order_in_which_they_were_sent(tmp_path: Path) -> None:
    with connect(tmp_path) as connection:
        queue = SimpleQueue(connection, "work")
        for number in range(5):
            queue.put({"number": number})

        arrived = [queue.get(timeout=30) for _ in range(5)]

        assert [message.payload["number"] for message in arrived] == [0, 1, 2, 3, 4]
        for message in arrived:
            message.ack()
        queue.close()
    assert list((tmp_path / "broker" / "messages").iterdir()) == []


def test_two_readers_share_the_messages_and_neither_gets_one_twice_or_half(tmp_path: Path) -> None:
    taken: list[int] = []
    finished = threading.Event()

    def read() -> None:
        with connect(tmp_path) as connection:
            queue = SimpleQueue(connection, "shared")
            while True:
                try:
                    message = queue.get(timeout=0.1)
                except queue.Empty:
                    if finished.is_set():
                        break
                    continue
                taken.append(message.payload["number"])
                message.ack()
            queue.close()

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    with connect(tmp_path) as connection:
        queue = SimpleQueue(connection, "shared")
        for number in range(300):
            queue.put({"number": number, "padding": "x" * 5000})
        queue.close()
    finished.set()
    for reader in readers:
        reader.join()

    assert sorted(taken) == list(range(300))
