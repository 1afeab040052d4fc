"""Tables of what was measured."""
import os
import statistics

# What a line is called, its unit, the work and the field that it is from.
LINES = [(f"message {way}, {window} in flight each", "µs of CPU", f"{way} {window}", ("cpu_us",))
         for window in (1, 16) for way in ("out", "in")]
LINES += [("idle link, of 500", "KiB", "idle", ("kib_per_link",)),
          ("making a link", "ms of CPU", "idle", ("cpu_ms_per_link",))]
for _work, _what in (("nxdomain", "10,000 domains that don't exist"), ("silent", "10,000 domains without an answer")):
    LINES += [(_what, "MiB more", _work, ("growth_mib",)),
              (_what, "s of CPU", _work, ("cpu_s",)),
              *((f"meanwhile, to a {_new} server, {_which}", "ms", _work, (_field, _which))
                for _new, _field in (("known", "known_ms"), ("new", "new_ms")) for _which in ("median", "most")),
              ("meanwhile, messages that came late or never", "", _work, ("unanswered",))]
REFERENCE = "nightjar"


def load_average():
    return f"{os.getloadavg()[0]:.1f}"


def figure(results, work, fields):
    """The number of one server in one round, or nothing."""
    value = results.get(work)
    for field in fields:
        value = value and value.get(field)
    return value


def text(value):
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(peers, rounds):
    """Medians of all rounds in Markdown, with how much more the others need than Nightjar, and below what failed."""
    ratios = [peer for peer in peers if peer != REFERENCE] if REFERENCE in peers else []
    rows = [["figure", "unit", *peers, *(f"{peer} ÷ {REFERENCE}" for peer in ratios)],
            ["---", "---", *["---:"] * (len(peers) + len(ratios))]]
    for name, unit, work, fields in LINES:
        values = {}
        for peer in peers:
            found = [figure(results[peer], work, fields) for results in rounds]
            found = [value for value in found if value is not None]
            values[peer] = statistics.median(found) if found else None
        if any(value is not None for value in values.values()):
            own = values.get(REFERENCE)
            more = [values[peer] / own if own and values[peer] is not None else None for peer in ratios]
            rows.append([name, unit, *(text(value) for value in (*values.values(), *more))])
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines += [f"\n{peer}, {work}: {why}" for results in rounds for peer in peers
              for work, why in results[peer].get("failed", {}).items()]
    return "\n".join(lines)
