"""Draws the dashboard's panels from Prometheus' answers: Grafana is no package of Debian's, so this is not its picture."""
import time

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

COLORS = {"green": "#3f9e4d", "red": "#d44a3a", "orange": "#e0882f", "blue": "#3274d9", "text": "#cccccc"}
plt.rcParams.update({"font.size": 7, "text.color": "#d8d9da", "axes.edgecolor": "#44464d", "axes.labelcolor": "#d8d9da",
                     "xtick.color": "#9fa1a6", "ytick.color": "#9fa1a6", "axes.facecolor": "#181b1f"})


def duration(value):
    size = abs(value)
    for unit, seconds in (("d", 86400), ("h", 3600), ("min", 60)):
        if size >= seconds:
            return f"{value / seconds:.1f} {unit}"
    return f"{value:.0f} s"


def legend(target, metric):
    text = target["legendFormat"]
    for name, value in metric.items():
        text = text.replace("{{" + name + "}}", value)
    return text


def color(defaults, value):
    chosen = "green"
    for step in defaults.get("thresholds", {}).get("steps", []):
        if step["value"] is None or value >= step["value"]:
            chosen = step["color"]
    return COLORS[chosen]


def mapping(settings, value):
    for each in settings.get("mappings", []):
        found = each["options"].get(str(int(value)))
        if found:
            return found["text"], COLORS[found["color"]]
    return None


def table(axes, panel, ask, filled):
    rows, columns = {}, []
    options = {t["id"]: t["options"] for t in panel["transformations"]}["organize"]
    names, hidden = options["renameByName"], options["excludeByName"]
    overrides = {o["matcher"]["options"]: {p["id"]: p["value"] for p in o["properties"]}
                 for o in panel["fieldConfig"]["overrides"]}
    for target in panel["targets"]:
        column = f"Value #{target['refId']}"
        for each in ask("query", query=filled(target["expr"]))["result"]:
            metric = each["metric"]
            row = rows.setdefault((metric["instance"], metric.get("target", "")), {})
            for name, value in list(metric.items()) + [(column, float(each["value"][1]))]:
                if not hidden.get(name) and name in names:
                    row[names[name]] = value
                    if names[name] not in columns:
                        columns.append(names[name])
    cells, shades = [], []
    for key in sorted(rows):
        line, shade = [], []
        for column in columns:
            value, fill = rows[key].get(column, ""), "#181b1f"
            settings = next((v for k, v in overrides.items() if column in k.split("|") or column.split(",")[0] in k.split("|")), {})
            if isinstance(value, float):
                text = duration(value) if settings.get("unit") == "s" else f"{value:.0f}"
                mapped = mapping(settings, value)
                if mapped and "custom.cellOptions" in settings:
                    text, fill = mapped
                elif mapped:
                    text = mapped[0]
                elif "thresholds" in settings:
                    fill = color(settings, value)
                value = text
            line.append(value)
            shade.append(fill)
        cells.append(line)
        shades.append(shade)
    axes.axis("off")
    drawn = axes.table(cells, colLabels=columns, cellColours=shades, colColours=["#22252b"] * len(columns), loc="upper left",
                       cellLoc="left", bbox=[0, max(0, 1 - 0.13 * (len(cells) + 1)), 1, min(1, 0.13 * (len(cells) + 1))])
    for cell in drawn.get_celld().values():
        cell.set_edgecolor("#2c3036")


def draw_panels(dashboard, ask, filled, file):
    height = max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in dashboard["panels"])
    figure = plt.figure(figsize=(15, height * 0.27), facecolor="#111217")
    end = time.time()
    for panel in dashboard["panels"]:
        grid = panel["gridPos"]
        top = 1 - grid["y"] / height
        if panel["type"] == "row":
            figure.text(0.01, top - 0.7 / height, "▾ " + panel["title"], fontsize=11, weight="bold")
            continue
        left, bottom = grid["x"] / 24, top - grid["h"] / height
        axes = figure.add_axes([left + 0.006, bottom + 0.35 / height, grid["w"] / 24 - 0.012, (grid["h"] - 1.3) / height])
        axes.set_title(panel["title"], loc="left", fontsize=8, pad=3)
        defaults = panel["fieldConfig"]["defaults"]
        if panel["type"] == "stat":
            value = float(ask("query", query=filled(panel["targets"][0]["expr"]))["result"][0]["value"][1])
            axes.set_facecolor(color(defaults, value))
            axes.set(xticks=[], yticks=[])
            axes.text(0.5, 0.5, f"{value:.0f}", ha="center", va="center", fontsize=22, transform=axes.transAxes)
            continue
        if panel["type"] == "table":
            table(axes, panel, ask, filled)
            continue
        axes.set_position([left + 0.035, bottom + 0.9 / height, grid["w"] / 24 - 0.045, (grid["h"] - 2.0) / height])
        series = []
        for target in panel["targets"]:
            for each in ask("query_range", query=filled(target["expr"]), start=end - 25, end=end, step=1)["result"]:
                series.append((legend(target, each["metric"]), [(float(t) - end, float(v)) for t, v in each["values"]]))
        series.sort()
        if panel["type"] == "timeseries":
            scale = 86400 if defaults["unit"] == "s" and max(v for _, p in series for _, v in p) > 86400 else 1
            for name, points in series:
                axes.plot([t for t, _ in points], [v / scale for _, v in points], linewidth=1, label=name)
            axes.set_ylabel("days" if scale > 1 else defaults["unit"])
            axes.grid(color="#2c3036", linewidth=0.4)
            axes.legend(fontsize=5, loc="center left", facecolor="#181b1f", edgecolor="none", framealpha=0.6,
                        labelcolor="#d8d9da", ncols=1 + len(series) // 9)
            continue
        axes.set_yticks(range(len(series)), [name for name, _ in series], fontsize=5)
        axes.set_position([left + 0.09, bottom + 0.9 / height, grid["w"] / 24 - 0.1, (grid["h"] - 2.0) / height])
        axes.invert_yaxis()
        for place, (_, points) in enumerate(series):
            if panel["type"] == "bargauge":
                value = points[-1][1]
                axes.barh(place, value / 86400, color=color(defaults, value))
                axes.text(value / 86400, place, " " + duration(value), va="center", fontsize=6)
                axes.set_xlabel("days")
                continue
            for at, value in points:
                axes.broken_barh([(at, 1)], (place - 0.4, 0.8), color=mapping(defaults, value)[1])
    figure.savefig(file, dpi=75, facecolor=figure.get_facecolor(), pil_kwargs={"optimize": True})
