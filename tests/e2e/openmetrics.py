# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The page in its two formats, read by the parsers of Prometheus' own client: openmetrics.py TEXT OPENMETRICS IDS.

Both say the same, and exemplars are in their buckets and lead to requests in IDS (a JSON line each: trace_id, and span_id
of the CLIENT span).
"""

import json
import sys

from prometheus_client.openmetrics.parser import text_fd_to_metric_families as openmetrics_families
from prometheus_client.parser import text_fd_to_metric_families as text_families

MOVING = {"hopspan_export_retries", "hopspan_forwarder_clock_error_nanoseconds"}  # between the two
HISTOGRAMS_WITH_EXEMPLARS = {"hopspan_node_delay_seconds", "hopspan_node_queue_bytes"}


def families(read, path):
    with open(path, encoding="utf-8") as file:
        return {family.name: family for family in read(file)}


def sample_key(sample):
    """The two formats write a bound differently: 1024 and 1024.0."""
    labels = {name: float(value) if name == "le" else value for name, value in sample.labels.items()}
    return sample.name, tuple(sorted(labels.items()))


def values(family):
    return {sample_key(sample): sample.value for sample in family.samples}


def same(text, openmetrics):
    assert text.keys() == openmetrics.keys(), text.keys() ^ openmetrics.keys()
    for name, family in text.items():
        other = openmetrics[name]
        assert (family.type, family.documentation) == (other.type, other.documentation), name
        assert values(family).keys() == values(other).keys(), name
        assert name in MOVING or values(family) == values(other), name
        assert not other.unit or name.endswith("_" + other.unit), name
        assert not any(sample.exemplar for sample in family.samples), name


def buckets(family):
    """Each bucket with the bound below it."""
    below, last = None, None
    for sample in family.samples:
        if not sample.name.endswith("_bucket"):
            continue
        series = {name: value for name, value in sample.labels.items() if name != "le"}
        below = float(last[1]) if last and last[0] == series else float("-inf")
        last = series, sample.labels["le"]
        yield below, sample


def exemplars(family):
    """The contexts of those that there are."""
    for below, sample in buckets(family):
        if sample.exemplar:
            labels, value = sample.exemplar.labels, sample.exemplar.value
            assert below < value <= float(sample.labels["le"]), (below, sample)
            assert sample.exemplar.timestamp, sample
            yield labels["trace_id"], labels["span_id"]


def main(text_path, openmetrics_path, ids):
    text, openmetrics = families(text_families, text_path), families(openmetrics_families, openmetrics_path)
    same(text, openmetrics)
    with open(ids, encoding="ascii") as file:
        requests = {(line["trace_id"], line["span_id"]) for line in map(json.loads, file)}
    contexts = set()
    for name, family in openmetrics.items():
        found = set(exemplars(family))
        assert bool(found) == (name in HISTOGRAMS_WITH_EXEMPLARS), name
        contexts |= found
    assert contexts & requests, contexts
    units = {family.unit for family in openmetrics.values()} - {""}
    assert units == {"seconds", "nanoseconds", "bytes"}, units
    print(f"{len(text)} families in both formats; exemplars of {len(contexts)} packets, {len(contexts & requests)} known")


main(*sys.argv[1:])
