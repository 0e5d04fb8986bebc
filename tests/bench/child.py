"""Runs in a fresh interpreter without any site-packages: imports a handler, answers events with it, tells what it took.

`python -I -S child.py`, with what to do as JSON on standard input; prints JSON. Standard library only, and as little of
it as can be: what is imported here is not part of what is measured.
"""

import json
import sys
import time
from resource import RUSAGE_SELF, getrusage


class Context:
    function_name = "bench"
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:bench"
    aws_request_id = "bench"
    memory_limit_in_mb = 512

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def main() -> None:
    task = json.loads(sys.stdin.read())
    sys.path[:0] = task["path"]
    import os

    os.environ.update(task["environ"])
    before = getrusage(RUSAGE_SELF)
    start = time.perf_counter()
    module = __import__(task["module"], fromlist=["handler"])
    handler = module.handler
    ready = time.perf_counter()
    answer = handler(task["event"], Context())
    end = time.perf_counter()
    after = getrusage(RUSAGE_SELF)
    with open("/proc/self/status") as status:  # noqa: PTH123 no import; ru_maxrss counts what the parent had before the fork
        memory = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    modules = sorted(sys.modules)
    warm = []
    for _ in range(task.get("warm", 0)):
        begun = time.perf_counter()
        handler(task["event"], Context())
        warm.append(time.perf_counter() - begun)
    print(
        json.dumps(
            {
                "answer": answer,
                "wall": end - start,
                "init": ready - start,
                "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
                "user": after.ru_utime - before.ru_utime,
                "memory": memory,
                "modules": modules,
                "warm": warm,
            }
        )
    )


main()
