#!/usr/bin/env python3
"""
What a request of an application takes more: the demo's own, a traced request and its answer over HTTP on a kept
connection, over two routers, in a network without hopspan and in one with it; both directions stamped.

    request.py ROUNDS REQUESTS CLIENT SERVER ADDRESS CLIENT SERVER ADDRESS

CLIENT and SERVER are network namespaces' names; hopspan is up in the second network. REQUESTS a batch; the batches of
networks and of contexts or none take turns. One JSON object per row, in percent.
"""
import json
import os
import pathlib
import statistics
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
APP = TOP / "topologies/app"
PYTHON = TOP / "build/venv/bin/python"
# Spans are made and kept: exporting them is no part of a request.
ENVIRONMENT = os.environ | {"OTEL_BSP_SCHEDULE_DELAY": "3600000", "OTEL_BSP_MAX_QUEUE_SIZE": "1000000",
                            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "1000000", "OTEL_BSP_EXPORT_TIMEOUT": "1"}
KINDS = {"without": (0, False), "without again": (0, False), "no context": (1, False), "contexts": (1, True)}
PORT = 8080


def ask(address):
    """A batch for each line of standard input: how many requests, with contexts or not -> median and 99th, in ms."""
    sys.path.append(str(APP))
    import client
    client.telemetry.start("shop")
    connection = client.Connection(address, PORT)
    connection.connect()
    for line in sys.stdin:
        requests, tagged = map(int, line.split())
        (client.hopspan.instrument if tagged else client.hopspan.uninstrument)()
        times = sorted(client.checkout(connection, i % client.CARTS, 0)["ms"] for i in range(requests))
        print(times[len(times) // 2], times[len(times) * 99 // 100], flush=True)
    os._exit(0)  # the spans stay here


def start(namespace, *words):
    return subprocess.Popen(["ip", "netns", "exec", namespace, "taskset", "-c", "1", PYTHON, *words], env=ENVIRONMENT,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def quartiles(values):
    values = sorted(values)
    return [round(values[len(values) // 4], 2), round(statistics.median(values), 2),
            round(values[-1 - len(values) // 4], 2)]


def row(what, times, place, kind, base, target=None):
    def more(of, to):
        return [100 * (a[place] / b[place] - 1) for a, b in zip(times[of], times[to])]
    result = {"what": what, "base": base, "unit": "%", "more": quartiles(more(kind, base)),
              "base_value": quartiles([1e6 * t[place] for t in times[base]]),
              "noise": quartiles(more("without again", "without")), "rounds": len(times[kind]),
              "packets": len(times[kind]) * int(sys.argv[2]), "proof": "each was answered"}
    if target:
        result["target"] = target
    print(json.dumps(result))


def measure(clients, rounds, requests):
    times = {kind: [] for kind in KINDS}
    for number in range(rounds):
        for kind in list(KINDS) if number % 2 else reversed(KINDS):
            network, tagged = KINDS[kind]
            clients[network].stdin.write(f"{requests} {int(tagged)}\n")
            clients[network].stdin.flush()
            times[kind].append([float(word) for word in clients[network].stdout.readline().split()])
    return times


def main():
    rounds, requests = int(sys.argv[1]), int(sys.argv[2])
    processes = []
    try:
        servers = [start(namespace, APP / "server.py", "::", str(PORT)) for namespace in (sys.argv[4], sys.argv[7])]
        processes += servers
        for server in servers:
            server.stdout.readline()
        clients = [start(client, __file__, "ask", address) for client, address in (sys.argv[3:6:2], sys.argv[6:9:2])]
        processes += clients
        measure(clients, 1, requests)
        times = measure(clients, rounds, requests)
    finally:
        for process in processes:
            process.kill()
            process.wait()
    row("traced request over two routers, untagged, median", times, 0, "no context", "without")
    row("traced request, contexts both ways, median", times, 0, "contexts", "without", 1)
    row("traced request, contexts both ways, 99th percentile", times, 1, "contexts", "without")


if __name__ == "__main__":
    if sys.argv[1] == "ask":
        ask(sys.argv[2])
    else:
        main()
