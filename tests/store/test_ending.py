"""Tasks are ended for certain, also where a cancellation gets lost on its way."""

import asyncio
import contextlib

import pytest

from ccos.store import ending
from ccos.store.ending import end, stop_if_asked


async def going_on(told, *, losing=0, taking=0.0):
    """Goes on for ever; loses as many cancellations as `losing`, and then takes `taking` seconds to end."""
    try:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                told.append("asked")
                if len(told) > losing:
                    raise
    finally:
        await asyncio.sleep(taking)
        told.append("ended")


async def begun(*args, **kwargs):
    task = asyncio.create_task(going_on(*args, **kwargs))
    await asyncio.sleep(0)
    return task


async def test_a_task_that_lost_its_cancellation_is_asked_again(monkeypatch):
    monkeypatch.setattr(ending, "AGAIN_SECONDS", 0.01)
    told, fine = [], []
    tasks = [await begun(told, losing=3), await begun(fine)]
    await end(tasks, patience=0.01)
    assert told == ["asked"] * 4 + ["ended"] and fine == ["asked", "ended"]
    assert all(task.cancelled() for task in tasks)
    await end(tasks)  # none is left


async def test_a_task_may_take_its_time_and_is_asked_once():
    told = []
    await end([await begun(told, taking=0.05)])
    assert told == ["asked", "ended"]


async def test_whoever_is_cancelled_while_waiting_has_no_more_patience():
    told = []
    task = await begun(told, losing=1)
    waiting = asyncio.create_task(end([task], patience=3600))
    await asyncio.sleep(0.01)
    assert told == ["asked"] and not waiting.done()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert told == ["asked", "asked", "ended"]


async def test_a_fault_of_a_task_is_no_fault_of_who_ends_it():
    async def ill():
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("ill")

    task = asyncio.create_task(ill())
    await asyncio.sleep(0)
    await end([task])
    assert isinstance(task.exception(), ValueError)


async def test_what_lost_its_cancellation_stops_where_it_would_begin():
    async def serve():
        with contextlib.suppress(asyncio.CancelledError):  # as a wait does that was done in the same moment
            await asyncio.Event().wait()
        stop_if_asked()
        return "served"

    task = asyncio.create_task(serve())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    stop_if_asked()  # nobody asked this one
