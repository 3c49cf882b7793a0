"""PURE. A job's report as one page of HTML that needs nothing else: no network, no script.

page.py    the page: headline numbers, outcomes, failures
times.py   what its charts show: throughput over time, and how long files took
bins.py    minutes -> at most some hundred bars of equal length
charts.py  columns and strips as SVG
style.py   the style sheet, for day and night
"""

from producer.report_page.page import page

__all__ = ["page"]
