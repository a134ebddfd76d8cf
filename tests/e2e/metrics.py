# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Reads Prometheus' text format 0.0.4, strictly, from its description and not from ours.

    metrics.py value PAGE NAME [LABEL=VALUE...]    the sum of the samples that have these labels; fails if there is none
    metrics.py compare PAGE STATUS                 the page says what `hopspan -j status` says
    metrics.py table PAGE DOCUMENT                 the document's table has all metrics, with their labels and help
"""

import json
import re
import sys

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?([eE][+-]?\d+)?|Inf)|NaN")
ESCAPES = {"\\": "\\", '"': '"', "n": "\n"}


class Wrong(Exception):
    pass


def need(condition, what):
    if not condition:
        raise Wrong(what)


def label_value(line, at):
    """The value that begins behind the quote at `at`, and where the line goes on."""
    value = ""
    while line[at] != '"':
        if line[at] == "\\":
            at += 1
            need(line[at] in ESCAPES, f"escape \\{line[at]}")
            value += ESCAPES[line[at]]
        else:
            value += line[at]
        at += 1
    return value, at + 1


def labels(line, at):
    found = {}
    while line[at] != "}":
        match = LABEL.match(line, at)
        need(match and not match[0].startswith("__"), f"label at {line[at:]}")
        at = match.end()
        need(line[at : at + 2] == '="', f"label {match[0]} without a value")
        need(match[0] not in found, f"label {match[0]} twice")
        found[match[0]], at = label_value(line, at + 2)
        need(line[at] in ",}", f"behind label {match[0]}: {line[at:]}")
        at += line[at] == ","
    return found, at + 1


def sample(line):
    match = NAME.match(line)
    need(match, "no name")
    at, found = match.end(), {}
    if line[at : at + 1] == "{":
        found, at = labels(line, at + 1)
    need(line[at : at + 1] == " " and NUMBER.fullmatch(line[at + 1 :]), f"no value: {line[at:]!r}")
    return match[0], found, float(line[at + 1 :])


def comment(line, families, last):
    """HELP opens a family, TYPE follows at once; other comments are none of ours."""
    match = re.fullmatch(r"# (HELP|TYPE) (\S+) (.+)", line)
    need(match and NAME.fullmatch(match[2]), "a comment that is neither HELP nor TYPE")
    kind, name, text = match.groups()
    if kind == "HELP":
        need(name not in families, "a family twice")
        need(not re.search(r"\\(?![\\n])", text), "an escape in HELP")
        families[name] = {"help": text, "type": None, "samples": [], "buckets": {}, "sums": {}}
        return name
    need(name == last and families[name]["type"] is None, "TYPE away from its HELP")
    need(text in ("counter", "gauge", "histogram"), f"type {text}")
    families[name]["type"] = text
    return name


def sample_take(family, part, found, value):
    """Of a histogram the count stands for all, with the labels that its buckets have but `le`."""
    if family["type"] != "histogram":
        need(part == "", "a sample outside of its family")
        family["samples"].append((found, value))
        return
    need(part in ("_bucket", "_sum", "_count"), "a sample outside of its family")
    if part == "_count":
        family["samples"].append((found, value))
    elif part == "_sum":
        family["sums"][tuple(sorted(found.items()))] = value
    else:
        need("le" in found, "a bucket without a bound")
        bound = float(found.pop("le"))
        family["buckets"].setdefault(tuple(sorted(found.items())), []).append((bound, value))


def histogram_check(name, family):
    """Each has a sum, and buckets that grow up to its count."""
    keys = {tuple(sorted(found.items())) for found, _ in family["samples"]}
    need(keys == set(family["buckets"]) == set(family["sums"]), f"{name}: buckets, sums and counts are of different ones")
    for found, count in family["samples"]:
        buckets = family["buckets"][tuple(sorted(found.items()))]
        bounds = [bound for bound, _ in buckets]
        need(bounds == sorted(set(bounds)), f"{name}: bounds fall: {buckets}")
        need([value for _, value in buckets] == sorted(value for _, value in buckets), f"{name}: values fall: {buckets}")
        need(buckets[-1] == (float("inf"), count), f"{name}: +Inf is not the count {count}: {buckets[-1]}")


def page_read(path):
    with open(path, encoding="utf-8", newline="") as file:
        text = file.read()
    need(text.endswith("\n") and "\r" not in text, "the end of lines")
    families, last, seen = {}, None, set()
    for number, line in enumerate(text.split("\n")[:-1], 1):
        try:
            if line.startswith("#"):
                last = comment(line, families, last)
                continue
            name, found, value = sample(line)
            need(last and families[last]["type"], "a sample outside of its family")
            need((name, *sorted(found.items())) not in seen, "a sample twice")
            seen.add((name, *sorted(found.items())))
            sample_take(families[last], name.removeprefix(last), found, value)
        except (Wrong, IndexError) as error:
            raise Wrong(f"line {number}: {error}: {line}") from None
    for name, family in families.items():
        family_check(name, family)
    return families


def family_check(name, family):
    """What the format leaves open and its users expect."""
    need(family["type"], f"{name} has no TYPE")
    need(name.startswith("hopspan_"), f"{name} is not hopspan's")
    need((family["type"] == "counter") == name.endswith("_total"), f"{name} is a {family['type']}")
    need(len({tuple(sorted(found)) for found, _ in family["samples"]}) <= 1, f"labels of {name} differ")
    if family["type"] == "histogram":
        histogram_check(name, family)
    if family["type"] == "counter":
        need(all(value >= 0 and value == int(value) for _, value in family["samples"]), f"{name} is no count")


def value_of(families, name, wanted):
    found = [value for have, value in families[name]["samples"] if wanted.items() <= have.items()]
    need(found, f"no sample {name} {wanted}")
    return sum(found)


def status_read(path):
    """What the page has to say, of `hopspan -j status`: samples that are not 0."""
    with open(path, encoding="utf-8") as file:
        status = json.load(file)
    expected = {}
    for netns in status["namespaces"]:
        cookie = netns["netns_cookie"]
        for role in ("stamp", "sink", "transit", "depart", "wait"):
            for outcome, count in netns.get(role, {}).items():
                expected["hopspan_packets_total", cookie, role, outcome] = count
        for path_seen in netns.get("paths", []):
            key = "hopspan_paths", cookie, path_seen["state"]
            expected[key] = expected.get(key, 0) + 1
        for device in netns["devices"]:
            for role in ("host", "router"):
                if device[role]:
                    expected["hopspan_device_info", cookie, device["dev"], role] = 1
    for cgroup in status["cgroups"]:
        for outcome, count in cgroup["sockopt"].items():
            expected["hopspan_contexts_total", cgroup["cgroup_id"], outcome] = count
    for forwarder in status["forwarders"]:
        for outcome, count in forwarder["counters"].items():
            expected["hopspan_forwarder_packets_total", forwarder["name"], outcome] = count
        for port in forwarder["ports"]:
            for direction in ("rx", "tx"):
                key = "hopspan_forwarder_port_packets_total", forwarder["name"], port["name"], direction
                expected[key] = port[direction + "_packets"]
    return expected


ORDER = {
    "hopspan_packets_total": ("netns", "role", "outcome"),
    "hopspan_paths": ("netns", "state"),
    "hopspan_device_info": ("netns", "dev", "role"),
    "hopspan_contexts_total": ("cgroup", "outcome"),
    "hopspan_forwarder_packets_total": ("forwarder", "outcome"),
    "hopspan_forwarder_port_packets_total": ("forwarder", "port", "direction"),
}


def compare(page, status):
    families, expected = page_read(page), status_read(status)
    said = {
        (name, *(have[label] for label in order)): value
        for name, order in ORDER.items()
        for have, value in families[name]["samples"]
        if value
    }
    for key in sorted(said.keys() | expected.keys()):
        need(said.get(key) == expected.get(key), f"{key}: page {said.get(key)}, status {expected.get(key)}")
    print(f"{len(said)} values are those of status")


def table(page, document):
    families = page_read(page)
    with open(document, encoding="utf-8") as file:
        rows = dict(re.findall(r"^\| `(hopspan_\w+)` \| (.*) \|$", file.read(), re.M))
    need(rows.keys() == families.keys(), f"only in one: {sorted(rows.keys() ^ families.keys())}")
    for name, row in rows.items():
        listed, text = row.split("|")
        need(text.strip() == families[name]["help"], f"{name}: page says {families[name]['help']!r}")
        need(families[name]["samples"], f"{name} has no sample on this page")
        for have, _ in families[name]["samples"]:
            need(set(have) == set(re.findall(r"`(\w+)`", listed)), f"{name}: labels {sorted(have)}")


def main(verb, *words):
    if verb == "value":
        print(int(value_of(page_read(words[0]), words[1], dict(word.split("=", 1) for word in words[2:]))))
    else:
        {"compare": compare, "table": table}[verb](*words)


try:
    main(*sys.argv[1:])
except Wrong as wrong:
    sys.exit(f"metrics.py: {wrong}")
