#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The last metrics that came by OTLP against the page of the same collector: push.py REQUESTS PAGE IDS. Each family of the
page with samples is there, sums and counts are equal, and exemplars are of the traces in IDS."""

import base64
import json
import re
import sys


def attributes(point):
    return tuple(sorted((a["key"], a["value"]["stringValue"]) for a in point.get("attributes", [])))


def pushed(path):
    with open(path, encoding="utf-8") as file:
        last = [json.loads(line) for line in file][-1]["metrics"]
    (resource,) = last["resourceMetrics"]
    (scope,) = resource["scopeMetrics"]
    names = {a["key"]: a["value"]["stringValue"] for a in resource["resource"]["attributes"]}
    assert names["service.name"] == "network" and names["host.name"], names
    return {metric["name"]: metric for metric in scope["metrics"]}


def page_values(path):
    """Of the page: name and labels to value; of histograms the counts."""
    values, types = {}, {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            kind = re.match(r"# TYPE (\S+) (\S+)", line)
            if kind:
                types[kind[1]] = kind[2]
            if line.startswith("#"):
                continue
            name, labels, value = re.fullmatch(r"([^{ ]+)(?:\{(.*)\})? (\S+)\n", line).groups()
            if name.endswith("_count") and types.get(name[:-6]) == "histogram":
                name = name[:-6]
            elif name not in types:
                continue
            values[name, tuple(sorted(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or "")))] = int(value)
    return values, types


def points(metric):
    for kind in ("sum", "gauge", "histogram"):
        if kind in metric:
            return kind, metric[kind].get("dataPoints", [])
    raise AssertionError(metric)


def check_histogram(name, point):
    assert sum(map(int, point["bucketCounts"])) == int(point["count"]), name
    assert len(point["bucketCounts"]) == len(point["explicitBounds"]) + 1, name
    assert point["explicitBounds"] == sorted(point["explicitBounds"]), name


def main(requests, page, ids):
    metrics, (values, types) = pushed(requests), page_values(page)
    assert metrics.keys() == types.keys(), metrics.keys() ^ types.keys()
    seen, traces = {}, set()
    for name, metric in metrics.items():
        kind, list_of_points = points(metric)
        assert kind == {"counter": "sum", "gauge": "gauge", "histogram": "histogram"}[types[name]], name
        assert kind == "gauge" or metric[kind]["aggregationTemporality"] == "AGGREGATION_TEMPORALITY_CUMULATIVE", name
        assert kind != "sum" or metric[kind]["isMonotonic"], name
        assert metric["description"] and metric["unit"], name
        for point in list_of_points:
            seen[name, attributes(point)] = int(point["count"] if kind == "histogram" else point["asInt"])
            if kind == "histogram":
                check_histogram(name, point)
            for exemplar in point.get("exemplars", []):
                assert name.startswith("hopspan_node_"), name
                traces.add(base64.b64decode(exemplar["traceId"]).hex())
    assert seen.keys() == values.keys(), sorted(seen.keys() ^ values.keys())[:5]
    differ = {key: (seen[key], values[key]) for key in seen if seen[key] != values[key]}
    moving = {"hopspan_store_bytes"}  # between the two
    assert {name for name, _ in differ} <= moving, differ
    with open(ids, encoding="utf-8") as file:
        known = {json.loads(line)["trace_id"] for line in file}
    assert traces and traces <= known, traces - known
    print(f"{len(metrics)} metrics, {len(seen)} values, {len(traces)} traces in exemplars")


main(*sys.argv[1:])
