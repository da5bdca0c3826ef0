"""How many workers there are to be: KEDA's rule between none and one, the HorizontalPodAutoscaler's from one on.

As documented: https://keda.sh/docs/latest/reference/scaledobject-spec/ and
https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/ (algorithm, tolerance, scaling policies,
stabilisation window). Numbers of a ScaledObject keep their names.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

# The autoscaler's own defaults, which a cluster's administrator may change.
SYNC_PERIOD = 15.0
TOLERANCE = 0.1


@dataclass(frozen=True)
class Policy:
    """So many pods, or so many per cent of them, in so many seconds."""

    kind: str
    value: int
    period: float


@dataclass(frozen=True)
class Direction:
    """What holds back one direction of scaling: the gentlest policy that allows most decides (selectPolicy Max)."""

    window: float
    policies: tuple[Policy, ...]

    @classmethod
    def read(cls, behaviour: dict) -> Direction:
        if behaviour.get("selectPolicy", "Max") != "Max":
            raise ValueError("only selectPolicy Max is modelled")
        policies = (Policy(p["type"], p["value"], p["periodSeconds"]) for p in behaviour["policies"])
        return cls(behaviour["stabilizationWindowSeconds"], tuple(policies))


@dataclass(frozen=True)
class Trigger:
    """A metric, and how much of it each worker is for."""

    mode: str
    value: float
    activation: float = 0.0


@dataclass(frozen=True)
class ScaledObject:
    """The numbers of KEDA's resource."""

    polling_interval: float
    cooldown_period: float
    min_replicas: int
    max_replicas: int
    up: Direction
    down: Direction
    triggers: tuple[Trigger, ...]

    @classmethod
    def read(cls, manifest: dict) -> ScaledObject:
        spec = manifest["spec"]
        behaviour = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
        metadata = (trigger["metadata"] for trigger in spec["triggers"])
        triggers = (Trigger(m["mode"], float(m["value"]), float(m.get("activationValue", 0))) for m in metadata)
        return cls(
            spec["pollingInterval"],
            spec["cooldownPeriod"],
            spec["minReplicaCount"],
            spec["maxReplicaCount"],
            Direction.read(behaviour["scaleUp"]),
            Direction.read(behaviour["scaleDown"]),
            tuple(triggers),
        )


@dataclass
class Autoscaler:
    """The two controllers with what they remember. Asked every so often; metrics are by the triggers' modes."""

    settings: ScaledObject
    replicas: int = 0
    next_poll: float = 0.0
    next_sync: float = 0.0
    last_active: float = -math.inf
    recommended: deque = field(default_factory=deque)  # (time, replicas), for the stabilisation windows
    changes: list = field(default_factory=list)  # (time, difference), for the policies

    def decide(self, now: float, metrics: dict[str, float]) -> int:
        """The number of replicas from now on."""
        if now >= self.next_poll:
            self.next_poll = now + self.settings.polling_interval
            self._activate(now, metrics)
        if now >= self.next_sync:
            self.next_sync = now + SYNC_PERIOD
            if self.replicas > 0:
                self._scale(now, metrics)
        return self.replicas

    def _activate(self, now: float, metrics: dict[str, float]) -> None:
        """KEDA's part: to the first worker at once, to none after the last activity and the cooldown."""
        if any(metrics[trigger.mode] > trigger.activation for trigger in self.settings.triggers):
            self.last_active = now
            if self.replicas == 0:
                self.replicas = max(1, self.settings.min_replicas)
        elif self.settings.min_replicas == 0:
            if now - self.last_active >= self.settings.cooldown_period:
                self.replicas = 0
        self.replicas = max(self.replicas, self.settings.min_replicas)

    def _scale(self, now: float, metrics: dict[str, float]) -> None:
        """The autoscaler's part, which knows no zero."""
        least, most = max(1, self.settings.min_replicas), self.settings.max_replicas
        wanted = max(self._wanted(trigger, metrics[trigger.mode]) for trigger in self.settings.triggers)
        wanted = min(max(wanted, least), most)
        self.recommended.append((now, wanted))
        longest = max(self.settings.up.window, self.settings.down.window)
        while self.recommended[0][0] < now - longest:
            self.recommended.popleft()
        # Up to the least that was recommended within the one window, down to the most within the other.
        up = min(count for at, count in self.recommended if at >= now - self.settings.up.window)
        down = max(count for at, count in self.recommended if at >= now - self.settings.down.window)
        target = self.replicas
        if up > target:
            target = min(up, max(target, self._limit(now, self.settings.up, 1)))
        elif down < target:
            target = max(down, min(target, self._limit(now, self.settings.down, -1)))
        if target != self.replicas:
            self.changes.append((now, target - self.replicas))
            self.replicas = target

    def _wanted(self, trigger: Trigger, metric: float) -> int:
        if abs(metric / (trigger.value * self.replicas) - 1) <= TOLERANCE:
            return self.replicas
        return math.ceil(metric / trigger.value)

    def _limit(self, now: float, direction: Direction, sign: int) -> int:
        """How far the policies let go, by what was changed in their periods already."""
        limits = []
        for policy in direction.policies:
            start = self.replicas - sum(diff for at, diff in self.changes if at > now - policy.period)
            if policy.kind == "Pods":
                limits.append(start + sign * policy.value)
            else:
                share = start * (1 + sign * policy.value / 100)
                limits.append(math.ceil(share) if sign > 0 else math.floor(share))
        return max(limits) if sign > 0 else min(limits)
