import asyncio

import pytest

from app.events.mailbox import Mailbox, MailboxClosedError


def contents(mailbox: Mailbox[str]) -> list[str]:
    return mailbox.take_waiting(100)


def test_order_is_kept() -> None:
    mailbox: Mailbox[str] = Mailbox(3)
    for item in "abc":
        mailbox.put(item)
    assert contents(mailbox) == ["a", "b", "c"]


def test_a_full_mailbox_gives_up_the_oldest_tick_of_the_same_key_first() -> None:
    mailbox: Mailbox[str] = Mailbox(3)
    mailbox.put("other 1", "other")
    mailbox.put("one 1", "one")
    mailbox.put("one 2", "one")
    mailbox.put("one 3", "one")
    assert contents(mailbox) == ["other 1", "one 2", "one 3"]
    assert (mailbox.dropped, mailbox.lost) == (1, 0)


def test_then_the_oldest_tick_of_any_key() -> None:
    mailbox: Mailbox[str] = Mailbox(3)
    mailbox.put("other 1", "other")
    mailbox.put("created")
    mailbox.put("other 2", "other")
    mailbox.put("one 1", "one")
    mailbox.put("completed")
    assert contents(mailbox) == ["created", "one 1", "completed"]
    assert (mailbox.dropped, mailbox.lost) == (2, 0)


def test_a_tick_never_displaces_anything_else() -> None:
    mailbox: Mailbox[str] = Mailbox(2)
    mailbox.put("created")
    mailbox.put("completed")
    mailbox.put("one 1", "one")
    assert contents(mailbox) == ["created", "completed"]
    assert (mailbox.dropped, mailbox.lost) == (1, 0)


def test_a_loss_is_counted_and_told() -> None:
    told: list[str] = []
    mailbox: Mailbox[str] = Mailbox(2, lambda: told.append("lost"))
    for item in ("created", "started", "completed", "deleted"):
        mailbox.put(item)
    assert contents(mailbox) == ["created", "started"]
    assert (mailbox.dropped, mailbox.lost) == (0, 2)
    assert told == ["lost", "lost"]


async def test_a_reader_waits_and_a_closed_mailbox_is_read_to_its_end() -> None:
    mailbox: Mailbox[str] = Mailbox(2)
    reader = asyncio.create_task(mailbox.get())
    await asyncio.sleep(0)
    assert not reader.done()
    mailbox.put("a")
    assert await reader == "a"
    mailbox.put("b")
    mailbox.close()
    mailbox.put("c")
    assert await mailbox.get() == "b"
    with pytest.raises(MailboxClosedError):
        await mailbox.get()


async def test_closing_wakes_a_waiting_reader() -> None:
    mailbox: Mailbox[str] = Mailbox(2)
    reader = asyncio.create_task(mailbox.get())
    await asyncio.sleep(0)
    mailbox.close()
    with pytest.raises(MailboxClosedError):
        await reader


def test_a_mailbox_needs_room_for_something() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Mailbox(0)
