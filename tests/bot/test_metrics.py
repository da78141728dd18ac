"""Metrics: each process's registry is its own, and the text is what Prometheus reads."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from bot.metrics import Metrics


def test_counts_are_rendered_and_do_not_leak_between_registries() -> None:
    metrics, other = Metrics(), Metrics()
    metrics.turns.labels("balance", "done").inc()
    metrics.turn_seconds.labels("balance").observe(0.004)
    metrics.outbox_rows.labels("operational").set(3)
    metrics.sends.labels("sendMessage", "ok").inc(2)
    metrics.ledger_commands.labels("burn", "refused").inc()
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(metrics.render().decode())
        for sample in family.samples
    }
    assert samples["jifen_turns_total", "balance", "done"] == 1
    assert samples["jifen_turn_seconds_bucket", "0.005", "balance"] == 1
    assert samples["jifen_turn_seconds_bucket", "0.002", "balance"] == 0
    assert samples["jifen_outbox_rows", "operational"] == 3
    assert samples["jifen_sends_total", "ok", "sendMessage"] == 2
    assert samples["jifen_ledger_commands_total", "burn", "refused"] == 1
    assert b"jifen_turns_total{" not in other.render()
