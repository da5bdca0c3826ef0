"""The queue by itself, with answers that can be worked out by hand."""

import unittest

from fleet import STEP, Worker, simulate

WORKER = Worker(throughput=100, start=2)


def steady(rate, seconds):
    return [rate * STEP] * round(seconds / STEP)


class Fleet(unittest.TestCase):
    def test_who_keeps_up_has_nobody_waiting(self):
        outcome = simulate([0.0] * 30 + steady(90, 60), WORKER, lambda now, metrics: 1)
        self.assertAlmostEqual(outcome.jobs, 90 * 60)
        self.assertEqual((outcome.p50, outcome.worst, outcome.most), (0, 0, 1))
        self.assertAlmostEqual(outcome.pod_hours, 63 / 3600)

    def test_twice_too_much_makes_waits_grow_by_a_second_a_second(self):
        outcome = simulate([0.0] * 30 + steady(200, 10) + [0.0] * 200, WORKER, lambda now, metrics: 1)
        self.assertAlmostEqual(outcome.worst, 10, delta=3 * STEP)
        self.assertAlmostEqual(outcome.p50, 5, delta=3 * STEP)
        self.assertAlmostEqual(outcome.p99, 9.9, delta=3 * STEP)

    def test_a_worker_works_once_it_has_started(self):
        outcome = simulate([1.0] + [0.0] * 50, WORKER, lambda now, metrics: 1)
        self.assertAlmostEqual(outcome.worst, 2, delta=2 * STEP)

    def test_the_controller_sees_the_queue_and_the_rate(self):
        seen = []
        simulate(steady(50, 10), WORKER, lambda now, metrics: seen.append(metrics) or 0)
        self.assertAlmostEqual(seen[-1]["QueueLength"], 500, delta=10)
        self.assertAlmostEqual(seen[-1]["MessageRate"], 50, delta=1)


if __name__ == "__main__":
    unittest.main()
