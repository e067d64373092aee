"""``python -m tools.bench_hub``: memory and seconds per learner of the hub, and from them how many a machine holds.

Memory is PSS: what processes share, such as TensorFlow's libraries and the pages of shared files, is counted once and
divided among them. As root, each learner has an account, and is told apart by it.
"""

import argparse
import concurrent.futures
import json
import statistics
import threading
import time
from pathlib import Path

import psutil

from tools import hub_room

NOTEBOOKS = ["03_attach_new_head", "05_train_the_head", "06_fine_tune"]
MACHINES = (4, 8, 16, 32, 64)  # GB
FOR_THE_SYSTEM = 0.5  # GB that the system needs beside the hub


class Sampler(threading.Thread):
    """Notes twice a second what the processes of each learner take, in MB, until it is stopped."""

    def __init__(self, users):
        super().__init__(daemon=True)
        self.users, self.samples, self._end = users, {user: [] for user in users}, threading.Event()

    def run(self):
        """Note, until `stop`."""
        while not self._end.wait(0.5):
            memory = by_user(self.users)
            for user in self.users:
                self.samples[user].append(memory[user])

    def stop(self):
        """Return the peak and the mean of each learner, averaged over learners."""
        self._end.set()
        self.join()
        peaks = [max(values) for values in self.samples.values()]
        return statistics.mean(peaks), statistics.mean(statistics.mean(values) for values in self.samples.values())


def pss(processes):
    """Return the memory of processes in MB; those that have ended take none."""
    total = 0
    for process in processes:
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            continue
    return total / 1e6


def by_user(users):
    """Return the memory of each user in MB."""
    own = {user: [] for user in users}
    for process in psutil.process_iter(["username"]):
        own.get(process.info["username"], []).append(process)
    return {user: pss(processes) for user, processes in own.items()}


def of_the_hub(room):
    """Return the memory of the hub, its proxy and its services in MB."""
    found = {"hub": [], "proxy": [], "services": []}
    for process in [room.process, *psutil.Process(room.process.pid).children(recursive=True)]:
        line = " ".join(psutil.Process(process.pid).cmdline())
        kind = "services" if "service" in line or "culler" in line else "proxy" if "http-proxy" in line else "hub"
        if "learner.py" not in line and "ipykernel" not in line:
            found[kind].append(psutil.Process(process.pid))
    return {kind: pss(processes) for kind, processes in found.items()}


def processor_seconds(users):
    """Return the seconds of processor time that each user's processes have taken so far."""
    spent = dict.fromkeys(users, 0.0)
    for process in psutil.process_iter(["username", "cpu_times"]):
        if process.info["username"] in spent:
            spent[process.info["username"]] += sum(process.info["cpu_times"][:2])
    return spent


def run_at_once(visitors, notebook):
    """Run a notebook for all visitors at the same time; return what one of them took."""
    users = [visitor.user for visitor in visitors]
    sampler, before, started = Sampler(users), processor_seconds(users), time.monotonic()
    sampler.start()

    def run(visitor):
        kernel = visitor.kernel(f"{notebook}.ipynb")
        kernel.run_all(visitor.read(f"{notebook}.ipynb"))
        return kernel, time.monotonic() - started

    with concurrent.futures.ThreadPoolExecutor(len(visitors)) as pool:
        kernels, seconds = zip(*pool.map(run, visitors), strict=True)
    after, (peak, mean) = processor_seconds(users), sampler.stop()
    rest = statistics.mean(by_user(users).values())
    for visitor, kernel in zip(visitors, kernels, strict=True):
        kernel.close()
        visitor.call("DELETE", f"kernels/{kernel.id}")
    time.sleep(3)
    spent = statistics.mean(after[user] - before[user] for user in users)
    return {"peak": peak, "mean": mean, "after": rest, "seconds": max(seconds), "processor": spent}


def measure(notebooks, sizes):
    """Start a hub, and return what it and its learners take."""
    names = [f"Hubbench {number}" for number in range(max(sizes))]
    with hub_room.room(names, ["--features", *notebooks, "--quiet"]) as room:
        visitors = [room.visitor(user) for user in sorted(room.passwords) if user != "teacher"]
        results = {"empty hub": of_the_hub(room), "runs": {}}
        for visitor in visitors:
            visitor.log_in()
        started = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(len(visitors)) as pool:
            list(pool.map(lambda visitor: visitor.start(), visitors))
        results["start"] = time.monotonic() - started
        results["idle learner"] = statistics.mean(by_user([visitor.user for visitor in visitors]).values())
        results["hub"] = of_the_hub(room)
        for notebook in notebooks:
            for size in sizes:
                results["runs"][f"{notebook} {size}"] = found = run_at_once(visitors[:size], notebook)
                print(notebook, size, {name: round(value) for name, value in found.items()}, flush=True)
        return results


def tables(results, notebooks, sizes):
    """Return what was measured, and how many learners a machine holds, as Markdown."""
    hub = sum(results["hub"].values())
    parts = ", ".join(f"{name} {value:.0f}" for name, value in results["hub"].items())
    lines = [
        f"Hub {hub:.0f} MB ({parts}); a learner with JupyterLab and no kernel {results['idle learner']:.0f} MB; "
        f"{max(sizes)} servers started at once in {results['start']:.0f} s.\n",
        "| notebook | learners at once | peak MB a learner | mean MB | MB at its end | seconds | processor seconds |",
        "|---|---|---|---|---|---|---|",
    ]
    for key, found in results["runs"].items():
        notebook, size = key.split()
        numbers = (found[name] for name in ("peak", "mean", "after", "seconds", "processor"))
        lines.append(f"| {notebook} | {size} | {' | '.join(f'{number:.0f}' for number in numbers)} |")
    most = [results["runs"][f"{notebook} {max(sizes)}"] for notebook in notebooks]
    worst, typical = max(found["peak"] for found in most), statistics.mean(found["after"] for found in most)
    two = 2 * typical - results["idle learner"]
    lines += [
        "",
        f"| memory of the machine | all at their peak in the heaviest notebook ({worst:.0f} MB) | one notebook open "
        f"({typical:.0f} MB) | two open ({two:.0f} MB) |",
        "|---|---|---|---|",
    ]
    for size in MACHINES:
        free = size * 1000 - FOR_THE_SYSTEM * 1000 - hub
        lines.append(f"| {size} GB | {' | '.join(str(max(0, int(free // each))) for each in (worst, typical, two))} |")
    return "\n".join(lines)


def main():
    """Measure, print the tables, and keep the numbers where that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench_hub", description=__doc__)
    parser.add_argument("--notebooks", nargs="+", default=NOTEBOOKS)
    parser.add_argument("--learners", nargs="+", type=int, default=[1, 2, 4], help="how many at once")
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    given = parser.parse_args()
    results = measure(given.notebooks, given.learners)
    if given.json:
        given.json.write_text(json.dumps(results, indent=1))
    print(tables(results, given.notebooks, given.learners))


if __name__ == "__main__":
    main()
