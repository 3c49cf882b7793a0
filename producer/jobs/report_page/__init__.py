"""PURE. A job's report as a self-contained HTML page: no network access, no script.

page.py    the page: headline numbers, outcomes, failures
times.py   the charts: throughput over time, in at most 200 bars, and file latency
charts.py  column charts and strips as SVG
style.py   the style sheet, for light and dark mode
"""

from funasr_fleet.producer.jobs.report_page.page import page

__all__ = ["page"]
