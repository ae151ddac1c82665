"""The result as a table, as lines of JSON, as Markdown for docs/performance.md, and as SVG."""

import json
from pathlib import Path


def number(value, unit=""):
    if value is None:
        return "-"
    if isinstance(value, int) or float(value).is_integer() and abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if "ratio" != unit else f"{value:.3f}" if value < 10 else f"{value:.1f}"


def verdict(made):
    if made["value"] is None:
        return "not available"
    if not made["met"]:
        return "not met"
    return "met, stretch too" if made.get("stretch_met") else "met"


def cells(made):
    spread = made["spread"]
    limit = "-" if made["limit"] is None else f"{made['sense']} {number(made['limit'], made['unit'])}"
    if made["stretch"] is not None:
        limit += f" [{number(made['stretch'], made['unit'])}]"
    return [str(made["target"]), made["name"], f"{number(made['value'], made['unit'])} {made['unit'] if 'ratio' != made['unit'] else ''}".strip(),
            f"{number(spread[0], made['unit'])} to {number(spread[1], made['unit'])}" if spread else "-", limit, verdict(made), str(made["rounds"]),
            "; ".join(remarks(made))]


def remarks(made):
    if made.get("ours") is not None and made.get("peer") is not None:
        yield f"{number(made['ours'])} against {number(made['peer'])}"
    if made.get("p99") is not None:
        yield f"p99 {number(made['p99'], 'ratio')}"
    if made.get("p999") is not None:
        yield f"p99.9 {number(made['p999'], 'ratio')}"
    if made.get("floor") is not None:
        yield f"floor {number(made['floor'])} ns"
    if made.get("reason"):
        yield made["reason"]


HEADS = ["#", "what", "result", "spread", "limit", "", "rounds", "remarks"]


def table(lines):
    rows = [HEADS, *map(cells, lines)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADS) - 1)]
    return "\n".join("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[-1]]).rstrip() for row in rows)


def markdown(lines):
    heads = [head or "verdict" for head in HEADS]
    rows = [heads, ["---"] * len(heads), *([cell.replace("|", "\\|") for cell in cells(made)] for made in lines)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def json_line(made):
    return json.dumps(made, ensure_ascii=False)


def plot_curves(drawn, folder):
    """One SVG for each curve: [(curve, {system: points})]. The paths, or None where pygal is missing."""
    try:
        import pygal
        from pygal.style import CleanStyle
    except ImportError:
        return None
    made = []
    for curve, values in drawn:
        chart = pygal.Line(logarithmic=True, title=curve.title, y_title=curve.unit, style=CleanStyle, js=[], human_readable=True)
        chart.x_labels = [label for label, _ in curve.runs]
        for system, points in values.items():
            chart.add(system, points)
        made.append(save(chart, folder, curve.group))
    return made


def plot_targets(lines, folder):
    """How much of its limit each row uses: below one is met, whichever way its limit is meant."""
    try:
        import pygal
        from pygal.style import CleanStyle
    except ImportError:
        return None
    shown = [(made["name"], made["value"] / made["limit"] if "<=" == made["sense"] else made["limit"] / made["value"])
             for made in lines if made["value"] and made["limit"]]
    if not shown:
        return []
    chart = pygal.HorizontalBar(title="Used of the limit (1 is the limit)", style=CleanStyle, js=[], show_legend=False, height=60 + 26 * len(shown))
    chart.x_labels = [name for name, _ in reversed(shown)]
    chart.add("", [{"value": used, "color": "#2a7" if used <= 1 else "#c33"} for _, used in reversed(shown)])
    return [save(chart, folder, "targets")]


def save(chart, folder, name):
    path = Path(folder) / (name.replace(" ", "_") + ".svg")
    path.write_bytes(chart.render())
    return path
