"""PURE: a dashboard -> Grafana's JSON; equal declarations give equal text."""

import json
from typing import Any

from deploy.generating.dashboards import PanelPosition, placed
from deploy.generating.declaring import Dashboard, Panel, Query, Variable

SCHEMA = 39
"""Schema version of Grafana 10.4 and 11; newer versions migrate it automatically."""
TAG = "funasr-fleet"

_SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def to_json(dashboard: Dashboard) -> str:
    """Return the JSON file that Grafana provisions or imports."""
    return json.dumps(_page(dashboard), indent=2, ensure_ascii=False) + "\n"


def _page(dashboard: Dashboard) -> dict[str, Any]:
    shown = enumerate(placed(dashboard), start=1)
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.description,
        "tags": [TAG],
        "schemaVersion": SCHEMA,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": f"now-{dashboard.hours}h", "to": "now"},
        "links": [_link_to_the_others()],
        "templating": {"list": [_datasource(), *map(_variable, dashboard.variables)]},
        "annotations": {"list": []},
        "panels": [
            _heading(number, one, place) if isinstance(one, str) else _panel(number, one, place)
            for number, (one, place) in shown
        ],
    }


def _link_to_the_others() -> dict[str, Any]:
    return {
        "type": "dashboards",
        "title": "Dashboards of the fleet",
        "icon": "external link",
        "tooltip": "",
        "tags": [TAG],
        "asDropdown": False,
        "includeVars": False,
        "keepTime": True,
        "targetBlank": False,
    }


def _datasource() -> dict[str, Any]:
    return {
        "type": "datasource",
        "name": "datasource",
        "label": "Prometheus",
        "query": "prometheus",
        "refresh": 1,
        "includeAll": False,
        "multi": False,
    }


def _variable(variable: Variable) -> dict[str, Any]:
    query = f"label_values({variable.metric}, {variable.name})"
    every = {"allValue": ".*", "current": {"text": ["All"], "value": ["$__all"]}}
    return {
        "type": "query",
        "name": variable.name,
        "label": variable.label,
        "datasource": _SOURCE,
        "definition": query,
        "query": {"query": query, "refId": "values"},
        "refresh": 2,  # when the time range changes
        "sort": 2
        if variable.newest_first
        else 3,  # 2: by name, descending; 3: by number, ascending
        "includeAll": variable.many,
        "multi": variable.many,
        **(every if variable.many else {}),
    }


def _heading(number: int, title: str, place: PanelPosition) -> dict[str, Any]:
    return {
        "id": number,
        "type": "row",
        "title": title,
        "collapsed": False,
        "gridPos": _grid(place),
        "panels": [],
    }


def _panel(number: int, panel: Panel, place: PanelPosition) -> dict[str, Any]:
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": _SOURCE,
        "gridPos": _grid(place),
        "targets": [_target(panel, query, place) for place, query in enumerate(panel.queries)],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _options(panel),
    }


def _grid(place: PanelPosition) -> dict[str, int]:
    return {"x": place.x, "y": place.y, "w": place.width, "h": place.height}


def _target(panel: Panel, query: Query, place: int) -> dict[str, Any]:
    over_time = panel.kind in {"timeseries", "state-timeline"}
    return {
        "refId": chr(ord("A") + place),
        "datasource": _SOURCE,
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "range": over_time,
        "instant": not over_time,
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    by_value = panel.kind != "timeseries"
    found: dict[str, Any] = {
        "unit": panel.unit,
        "color": {"mode": "thresholds" if by_value else "palette-classic"},
        "thresholds": {"mode": "absolute", "steps": _steps(panel)},
        "mappings": _mappings(panel),
    }
    if not panel.meanings:
        found["min"] = 0
    if panel.most is not None:
        found["max"] = panel.most
    if panel.kind == "timeseries":
        found["custom"] = _lines(panel)
    if panel.kind == "state-timeline":
        found["custom"] = {"fillOpacity": 80, "lineWidth": 0}
    return found


def _steps(panel: Panel) -> list[dict[str, Any]]:
    base = {"color": "green" if panel.steps else "text", "value": None}
    return [base, *({"color": step.colour, "value": step.at} for step in panel.steps)]


def _mappings(panel: Panel) -> list[dict[str, Any]]:
    if not panel.meanings:
        return []
    options = {
        str(one.value): {"index": index, "text": one.text, "color": one.colour}
        for index, one in enumerate(panel.meanings)
    }
    return [{"type": "value", "options": options}]


def _lines(panel: Panel) -> dict[str, Any]:
    return {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 30 if panel.stacked else 5,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": "dashed" if panel.steps else "off"},
    }


def _options(panel: Panel) -> dict[str, Any]:
    last = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    match panel.kind:
        case "timeseries":
            return {
                "legend": {
                    "displayMode": "list",
                    "placement": "bottom",
                    "showLegend": True,
                    "calcs": [],
                },
                "tooltip": {"mode": "multi", "sort": "desc"},
            }
        case "stat":
            named = any(query.legend for query in panel.queries)
            return {
                "reduceOptions": last,
                "colorMode": "value",
                "graphMode": "none",
                "textMode": "value_and_name" if named else "value",
                "orientation": "auto",
            }
        case "gauge":
            return {"reduceOptions": last, "showThresholdMarkers": False}
        case "bargauge":
            return {"reduceOptions": last, "displayMode": "basic", "orientation": "horizontal"}
        case "state-timeline":
            return {
                "showValue": "never",
                "mergeValues": True,
                "rowHeight": 0.8,
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
                "tooltip": {"mode": "single"},
            }
