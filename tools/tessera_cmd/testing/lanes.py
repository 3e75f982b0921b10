# SPDX-License-Identifier: MIT
"""Runs units side by side. A lane is a list of units that one process runs in order: those that
share a machine are one lane, any other unit is a lane by itself."""
import os
import pickle
import select
import signal
import struct
import sys
import traceback

from . import suites

LENGTH = struct.Struct("<Q")


def lanes_of(units):
    """(lanes that may have neighbours, lanes that run alone after them), each in the units' order."""
    shared, alone, named = [], [], {}
    for unit in units:
        if unit.alone:
            alone.append([unit])
        elif unit.lane in named:
            named[unit.lane].append(unit)
        else:
            shared.append([unit])
            if unit.lane:
                named[unit.lane] = shared[-1]
    return shared, alone


class Worker:
    """A process that runs a lane. Its results come through a pipe, each with its length before it."""

    def __init__(self, lane):
        self.lane = lane
        self.file, end = os.pipe()
        self.buffer = b""
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.file)
            status = 1
            try:
                work(lane, end)
                status = 0
            except KeyboardInterrupt:
                pass
            finally:
                os._exit(status)
        os.close(end)

    def fileno(self):
        return self.file

    def receive(self):
        """What came whole since the last time, or None at the end."""
        data = os.read(self.file, 1 << 16)
        if not data:
            return None
        self.buffer += data
        results = []
        while len(self.buffer) >= LENGTH.size:
            end = LENGTH.size + LENGTH.unpack_from(self.buffer)[0]
            if len(self.buffer) < end:
                break
            results.append(pickle.loads(self.buffer[LENGTH.size:end]))
            self.buffer = self.buffer[end:]
        return results

    def end(self):
        """The failure of a lane that did not run to its end; nothing for one that did."""
        os.close(self.file)
        _, status = os.waitpid(self.pid, 0)
        if status:
            yield suites.Result(self.lane[0].name, "failed", 0,
                                f"the process that ran it ended with status {status}")

    def stop(self):
        os.kill(self.pid, signal.SIGINT)
        os.waitpid(self.pid, 0)


def work(lane, end):
    try:
        for unit in lane:
            try:
                results = list(unit.run())
            except Exception:  # whatever a unit raises is its failure
                results = [suites.Result(unit.name, "failed", 0, traceback.format_exc())]
            for result in results:
                data = pickle.dumps(result)
                with open(end, "wb", buffering=0, closefd=False) as pipe:
                    view = memoryview(LENGTH.pack(len(data)) + data)
                    while view:
                        view = view[pipe.write(view):]
    finally:
        suites.SharedGuest.drop()
        sys.stdout.flush()


def run(units, jobs):
    """Runs the units, at most `jobs` lanes at a time; yields their results as they come."""
    shared, alone = lanes_of(units)
    yield from run_lanes(shared, jobs)
    yield from run_lanes(alone, 1)


def run_lanes(waiting, jobs):
    waiting, running = list(waiting), []
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                running.append(Worker(waiting.pop(0)))
            for worker in select.select(running, (), ())[0]:
                results = worker.receive()
                if results is None:
                    running.remove(worker)
                    results = worker.end()
                yield from results
    finally:
        for worker in running:
            worker.stop()
