"""What an engine uses: memory and processor of its process and all that it started, and its GPU.

Seen from outside, by the supervisor, so that an engine that hangs is measured too.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from dataclasses import asdict, dataclass
from typing import Any

import psutil

GPU_SECONDS = 10  # between two looks at the GPU, each of which starts a process
GPU_FIELDS = "memory.used,memory.total,utilization.gpu"


@dataclass(frozen=True)
class Usage:
    """Resident memory now and at most, in bytes; processor in percent of one core; the GPU in bytes and percent.

    The GPU's fields are None where there is none or it does not say; they are the device's, which is the engine's
    alone when it is pinned.
    """

    memory: int = 0
    memory_peak: int = 0
    processor: float = 0.0
    gpu: str | None = None
    gpu_memory: int | None = None
    gpu_memory_total: int | None = None
    gpu_load: float | None = None

    def to_dict(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None}


class Meter:
    """Measures the process `pid` and its descendants; `gpu` is the device that it was given ("" for none)."""

    def __init__(self, pid: int, gpu: str = "") -> None:
        self._pid = pid
        self._gpu = gpu
        self._probe = GpuProbe(gpu) if gpu else None
        self._peak = 0
        self._before: tuple[float, float] | None = None

    def read(self) -> Usage:
        """Usage at this moment; a process that has ended counts as nothing."""
        memory, processor_seconds = _sum_of_processes(self._pid)
        self._peak = max(self._peak, memory)
        now = time.monotonic()
        load = 0.0
        # A child that ended takes its seconds along: then the difference says nothing.
        if self._before and now > self._before[0] and processor_seconds >= self._before[1]:
            load = 100 * (processor_seconds - self._before[1]) / (now - self._before[0])
        self._before = (now, processor_seconds)
        gpu = self._probe.read() if self._probe else {}
        return Usage(memory, self._peak, round(load, 1), self._gpu or None, **gpu)

    def close(self) -> None:
        if self._probe:
            self._probe.close()


def _sum_of_processes(pid: int) -> tuple[int, float]:
    """Resident bytes and processor seconds of `pid` and its descendants."""
    memory, seconds = 0, 0.0
    with contextlib.suppress(psutil.Error):
        leader = psutil.Process(pid)
        for process in [leader, *leader.children(recursive=True)]:
            with contextlib.suppress(psutil.Error), process.oneshot():
                times = process.cpu_times()
                memory += process.memory_info().rss
                seconds += times.user + times.system
    return memory, seconds


class GpuProbe:
    """Asks nvidia-smi about one device now and then, without waiting for it; silent where it is absent."""

    def __init__(self, gpu: str) -> None:
        program = shutil.which("nvidia-smi")
        self._command = [
            program,
            f"--id={gpu}",
            f"--query-gpu={GPU_FIELDS}",
            "--format=csv,noheader,nounits",
        ]
        self._process: subprocess.Popen[str] | None = None
        self._asked = float("-inf")
        self._answer: dict[str, Any] = {}
        self._absent = program is None

    def read(self) -> dict[str, Any]:
        if self._absent:
            return {}
        if self._process and self._process.poll() is not None:
            self._answer = _parse(self._process.stdout.read())
            self.close()
        if self._process is None and time.monotonic() - self._asked >= GPU_SECONDS:
            self._asked = time.monotonic()
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        return self._answer

    def close(self) -> None:
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            self._process.wait()
            self._process.stdout.close()
            self._process = None


def _parse(line: str) -> dict[str, Any]:
    """`nvidia-smi`'s line (MiB, MiB, percent) as fields of Usage; a value that it does not have is left out."""
    names = ("gpu_memory", "gpu_memory_total", "gpu_load")
    units = (1 << 20, 1 << 20, 1)
    found: dict[str, Any] = {}
    for name, unit, text in zip(names, units, line.split(","), strict=False):
        with contextlib.suppress(ValueError):
            found[name] = int(float(text) * unit)
    return found
