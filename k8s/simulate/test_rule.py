"""The rule by itself, one sentence of the documentation after the other."""

import unittest
from dataclasses import replace

from rule import SYNC_PERIOD, Autoscaler, Direction, Policy, ScaledObject, Trigger

FREE = Direction(0, (Policy("Pods", 1000, 15),))
SETTINGS = ScaledObject(5, 60, 0, 20, FREE, FREE, (Trigger("QueueLength", 100),))


def run(settings, queue, seconds, replicas=0, step=1):
    """The replicas at each second with this queue (a number, or a function of time)."""
    scaler = Autoscaler(settings, replicas)
    length = queue if callable(queue) else lambda _: queue
    return [scaler.decide(now, {"QueueLength": length(now), "MessageRate": 0}) for now in range(0, seconds, step)]


class Activation(unittest.TestCase):
    def test_a_job_starts_the_first_worker_at_the_next_poll(self):
        replicas = run(SETTINGS, lambda now: 1 if now >= 6 else 0, 12)
        self.assertEqual(replicas, [0] * 10 + [1] * 2)

    def test_activation_value_must_be_exceeded(self):
        settings = replace(SETTINGS, triggers=(Trigger("QueueLength", 100, activation=5),))
        self.assertEqual(run(settings, 5, 30)[-1], 0)
        self.assertEqual(run(settings, 6, 30)[-1], 1)

    def test_the_last_worker_goes_a_cooldown_after_the_last_activity(self):
        replicas = run(SETTINGS, lambda now: 1 if now <= 10 else 0, 90)
        self.assertEqual(replicas.index(0, 10), 70)

    def test_with_a_minimum_it_never_goes(self):
        self.assertEqual(set(run(replace(SETTINGS, min_replicas=2), 0, 300)), {2})


class Scaling(unittest.TestCase):
    def test_each_worker_is_for_so_many_jobs_rounded_up(self):
        self.assertEqual(run(SETTINGS, 401, 1, replicas=1), [5])
        self.assertEqual(run(SETTINGS, 1e6, 1, replicas=1), [20])
        self.assertEqual(run(SETTINGS, 1, 1, replicas=9), [1])

    def test_a_tenth_more_or_less_changes_nothing(self):
        for queue, replicas in [(1099, 10), (901, 10), (1101, 12), (899, 9)]:
            self.assertEqual(run(SETTINGS, queue, 1, replicas=10), [replicas], queue)

    def test_it_looks_every_fifteen_seconds(self):
        replicas = run(SETTINGS, lambda now: 500 if now > 0 else 100, 31, replicas=1)
        self.assertEqual(replicas.index(5), SYNC_PERIOD)

    def test_the_trigger_that_wants_most_decides(self):
        settings = replace(SETTINGS, triggers=(Trigger("QueueLength", 100), Trigger("MessageRate", 50)))
        scaler = Autoscaler(settings, 1)
        self.assertEqual(scaler.decide(0, {"QueueLength": 200, "MessageRate": 300}), 6)


class HoldingBack(unittest.TestCase):
    def test_pods_and_percent_count_from_the_start_of_their_period(self):
        up = Direction(0, (Policy("Pods", 4, 30),))
        replicas = run(replace(SETTINGS, up=up), 2000, 61, replicas=1, step=15)
        self.assertEqual(replicas, [5, 5, 9, 9, 13])
        up = Direction(0, (Policy("Percent", 100, 15),))
        self.assertEqual(run(replace(SETTINGS, up=up), 2000, 61, replicas=1, step=15), [2, 4, 8, 16, 20])

    def test_the_policy_that_allows_most_decides(self):
        up = Direction(0, (Policy("Percent", 100, 15), Policy("Pods", 4, 15)))
        self.assertEqual(run(replace(SETTINGS, up=up), 2000, 31, replicas=1, step=15), [5, 10, 20])

    def test_down_goes_by_policy_too(self):
        down = Direction(0, (Policy("Percent", 50, 60),))
        replicas = run(replace(SETTINGS, down=down), 1, 121, replicas=16, step=15)
        self.assertEqual(replicas, [8] * 4 + [4] * 4 + [2])

    def test_down_only_to_the_most_that_was_wanted_within_the_window(self):
        settings = replace(SETTINGS, down=Direction(60, FREE.policies))
        replicas = run(settings, lambda now: 1000 if now <= 15 else 1, 106, replicas=10, step=15)
        self.assertEqual(replicas, [10] * 6 + [1] * 2)

    def test_up_only_to_the_least_that_was_wanted_within_the_window(self):
        settings = replace(SETTINGS, up=Direction(30, FREE.policies))
        replicas = run(settings, lambda now: 1000 if now >= 15 else 100, 76, replicas=1, step=15)
        self.assertEqual(replicas, [1, 1, 1, 10, 10, 10])


if __name__ == "__main__":
    unittest.main()
