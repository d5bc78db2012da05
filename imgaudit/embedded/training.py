"""The loop that every stage of training shares: learning rate, running mean of the weights, checkpoints, log."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed, nn


def rank() -> int:
    """Which of the processes that train together this is, from 0."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def averaged(checkpoint: Path, prefix: str) -> dict[str, Tensor]:
    """The running mean of one module's weights out of a checkpoint."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)["mean"]
    lead = f"{prefix}."
    return {name.removeprefix(lead): value for name, value in state.items() if name.startswith(lead)}


def workers() -> int:
    """How many processes train together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


@dataclass(frozen=True)
class Plan:
    """How long and how fast a stage learns. It ends after `steps`, or after `minutes` of work if that comes first."""

    name: str
    steps: int
    minutes: float
    rate: float
    batch: int
    seed: int = 0
    decay: float = 0.999
    checkpoint_minutes: float = 3.0


@dataclass
class Loop:
    """A stage under way; started again in the same folder, it goes on from the last checkpoint.

    `weights` are the modules that learn. The loop keeps a running mean of them, which is what gets exported.
    """

    plan: Plan
    folder: Path
    weights: nn.ModuleDict
    device: torch.device
    step: int = 0
    worked: float = 0.0
    recent: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Read the last checkpoint, if there is one."""
        self.mean = {name: value.detach().clone() for name, value in self.weights.state_dict().items()}
        self.optimizer = torch.optim.AdamW(
            [parameter for parameter in self.weights.parameters() if parameter.requires_grad],
            lr=self.plan.rate,
            betas=(0.9, 0.99),
            weight_decay=0.01,
            fused=True,
        )
        path = self._checkpoint
        if path.exists():
            state = torch.load(path, map_location=self.device, weights_only=True)
            self.weights.load_state_dict(state["weights"])
            self.mean = state["mean"]
            self.optimizer.load_state_dict(state["optimizer"])
            self.step, self.worked = state["step"], state["worked"]

    @property
    def _checkpoint(self) -> Path:
        return self.folder / f"{self.plan.name}.pt"

    @property
    def progress(self) -> float:
        """Part of the stage that is done, 0 to 1, by steps or by time, whichever is further."""
        return max(self.step / self.plan.steps, self.worked / (60 * self.plan.minutes))

    def _rate(self) -> float:
        warm = min(1.0, (self.step + 1) / 100)
        return self.plan.rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, self.progress))))

    def run(
        self,
        loss: Callable[[torch.Generator, int], Tensor],
        report: Callable[[int], dict[str, Any]] | None = None,
    ) -> None:
        """Learn until the plan is fulfilled.

        A step's chance comes from seed and step alone, so a resumed run repeats it.
        """
        saved = self.worked
        while self.progress < 1:
            begun = time.monotonic()
            self._one_step(loss)
            self.worked += time.monotonic() - begun
            if self.step % 100 == 0:
                self._log()
            if self.worked - saved > 60 * self.plan.checkpoint_minutes:
                saved = self.worked
                self.save()
                if report is not None and not rank():
                    self._write({"step": self.step, **report(self.step)})
        self.save()

    def _one_step(self, loss: Callable[[torch.Generator, int], Tensor]) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate()
        seed = (self.plan.seed * 1_000_003 + self.step) * 64 + rank()
        value = loss(torch.Generator().manual_seed(seed), self.step)
        value.backward()
        self._agree()
        nn.utils.clip_grad_norm_(self.weights.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        keep = min(self.plan.decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for name, current in self.weights.state_dict().items():
                if current.is_floating_point():
                    self.mean[name].lerp_(current, 1 - keep)
                else:
                    self.mean[name].copy_(current)
        self.recent.append(float(value.detach()))

    def _agree(self) -> None:
        """Average gradients, and the time worked, over the processes that train together."""
        if workers() == 1:
            return
        gradients = [p.grad for p in self.weights.parameters() if p.grad is not None]
        worked = torch.tensor([self.worked], device=self.device)
        flat = torch.cat([*(gradient.flatten() for gradient in gradients), worked])
        distributed.all_reduce(flat)
        flat /= workers()
        self.worked = float(flat[-1])
        start = 0
        for gradient in gradients:
            gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
            start += gradient.numel()

    def _log(self) -> None:
        average = sum(self.recent) / len(self.recent)
        speed = self.worked / self.step
        self.recent.clear()
        self._write({"step": self.step, "loss": round(average, 5), "seconds_a_step": round(speed, 3)})

    def _write(self, record: dict[str, Any]) -> None:
        if rank():
            return
        line = json.dumps({"stage": self.plan.name, "minutes": round(self.worked / 60, 1), **record})
        print(line, flush=True)
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(line + "\n")

    def save(self) -> None:
        """Write a checkpoint whole or not at all; the first process does it for all."""
        if rank():
            return
        partial = self._checkpoint.with_suffix(".partial")
        state = {
            "weights": self.weights.state_dict(),
            "mean": self.mean,
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "worked": self.worked,
        }
        torch.save(state, partial)
        partial.replace(self._checkpoint)
