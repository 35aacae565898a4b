"""The short version of ./dev soak: nothing answered is lost, nothing uncommitted is published."""

import uuid

import crashing


def test_kill_9_loses_nothing_answered_and_publishes_nothing_uncommitted(tmp_path, kafka):
    summary = crashing.crash(tmp_path, kafka.bootstrap, f"crash-{uuid.uuid4().hex[:8]}.", crashes=12)
    assert summary["crashes"] == 12
