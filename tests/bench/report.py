"""The figures of a benchmark run as Markdown."""

OURS, HOP, PAIR = "instatunnel", "nginx-tls", "haproxy-x2"


def _figure(results, name, measurement, key):
    return results.get(name, {}).get(measurement, {}).get("median", {}).get(key)


def _number(value, digits):
    return "–" if value is None else f"{value:,.{digits}f}"


def _ratio(value, base):
    return "–" if value is None or not base else f"{value / base:.2f}"


def spread(results, measurement, key, base):
    """Lowest and highest ratio of our program to `base` over the rounds, each against the same round; None without them."""
    ours, other = (results.get(name, {}).get(measurement, {}).get("rounds", []) for name in (OURS, base))
    ratios = [a[key] / b[key] for a, b in zip(ours, other) if a.get(key) and b.get(key)]
    return (min(ratios), max(ratios), len(ratios)) if ratios else None


def _rows(header, lines):
    return "\n".join(["| " + " | ".join(header) + " |", "|" + "---|" * len(header)] + ["| " + " | ".join(line) + " |" for line in lines]) + "\n"


def table(targets, results):
    """Three tables: small requests, bulk, memory and start; then every error that a measurement met."""

    def get(target, measurement, key):
        return _figure(results, target.name, measurement, key)

    small, bulk, rest, trouble = [], [], [], []
    for t in targets:
        total = get(t, "c64", "us")
        small.append([
            t.name, _number(get(t, "c1", "rps"), 0), f"{_number(get(t, 'c1', 'p50_ms'), 2)} / {_number(get(t, 'c1', 'p99_ms'), 2)}",
            _number(get(t, "c64", "rps"), 0), f"{_number(get(t, 'c64', 'p50_ms'), 2)} / {_number(get(t, 'c64', 'p99_ms'), 2)}",
            f"{_number(get(t, 'c1', 'us_edge'), 1)} + {_number(get(t, 'c1', 'us_client'), 1)}",
            f"{_number(get(t, 'c64', 'us_edge'), 1)} + {_number(get(t, 'c64', 'us_client'), 1)}",
            _number(total, 1), _ratio(total, _figure(results, HOP, "c64", "us"))])
        bulk.append([
            t.name, _number(get(t, "down", "mb_s"), 0), _number(get(t, "down", "s_gib"), 2),
            _ratio(get(t, "down", "s_gib"), _figure(results, PAIR, "down", "s_gib")),
            _number(get(t, "up", "mb_s"), 0), _number(get(t, "up", "s_gib"), 2),
            _ratio(get(t, "up", "s_gib"), _figure(results, PAIR, "up", "s_gib"))])
        rest.append([
            t.name, f"{_number(get(t, 'idle', 'mib_edge'), 1)} / {_number(get(t, 'idle', 'mib_client'), 1)}",
            _number(get(t, "idle", "kib_each_edge"), 1), _number(get(t, "idle", "kib_each_client"), 1),
            f"{_number(get(t, 'down', 'peak_mib_edge'), 0)} / {_number(get(t, 'down', 'peak_mib_client'), 0)}",
            _number(get(t, "start", "url_s"), 3), _number(get(t, "start", "first_answer_s"), 3)])
        for measurement, figures in results[t.name].items():
            for row in figures["rounds"]:
                if row.get("error") or row.get("failed"):
                    trouble.append(f"- {t.name}, {measurement}: {row.get('error') or str(row['failed']) + ' failed requests'}")
    return "\n".join([
        "### Small requests (1 KiB, kept connections)\n",
        _rows(["way", "req/s, 1", "p50 / p99 ms, 1", "req/s, 64", "p50 / p99 ms, 64", "CPU µs/request edge + client, 1",
               "CPU µs/request edge + client, 64", "sum, 64", f"÷ {HOP}"], small),
        "### Bulk (one transfer)\n",
        _rows(["way", "down MB/s", "down CPU s/GiB", f"÷ {PAIR}", "up MB/s", "up CPU s/GiB", f"÷ {PAIR}"], bulk),
        "### Memory and start\n",
        _rows(["way", "idle MiB edge / client", "KiB per idle visitor, edge", "client", "peak MiB edge / client", "start to URL s",
               "start to first answer s"], rest),
    ] + (["Trouble:\n"] + trouble + [""] if trouble else []))


def goals(results):
    """What the project promises, beside what this run measured. Empty when our own program was not measured."""
    if OURS not in results:
        return ""

    def against(measurement, key, base):
        ours, other = _figure(results, OURS, measurement, key), _figure(results, base, measurement, key)
        return ours / other if ours is not None and other else None

    figures = [
        (f"CPU per small request, 64 connections, ÷ {HOP}", against("c64", "us", HOP), 1.0),
        (f"CPU per GiB down ÷ {PAIR}", against("down", "s_gib", PAIR), 0.9),
        (f"CPU per GiB up ÷ {PAIR}", against("up", "s_gib", PAIR), 0.9),
        ("KiB per idle TLS visitor at the edge", _figure(results, OURS, "idle", "kib_each_edge"), 16),
        ("KiB per idle TLS visitor at the client", _figure(results, OURS, "idle", "kib_each_client"), 0.1),
        ("seconds from start to URL", _figure(results, OURS, "start", "url_s"), 0.3),
    ]
    small = spread(results, "c64", "us", HOP)
    if small is not None:
        figures[0] = (f"{figures[0][0]}, of the medians ({small[0]:.2f} to {small[1]:.2f} in {small[2]} rounds)", *figures[0][1:])
    lines = [[what, "–" if value is None else f"{value:.2f}", f"≤ {limit:g}", "not measured" if value is None else "yes" if value <= limit else "no"]
             for what, value, limit in figures]
    # A median below the goal is not yet a goal that is reached whenever somebody looks.
    if small is not None and lines[0][-1] == "yes" and small[1] > figures[0][2]:
        lines[0][-1] = "in the median, not in every round"
    return "### Goals\n\n" + _rows(["figure", "measured", "goal", "reached"], lines)
