"""PURE. The style sheet of the report page, for light and dark mode."""

STYLE = """
:root { color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --ink: #16202b; --soft: #5a6675; --line: #dde2e8;
  --ok: #2b7bba; --empty: #8fb8d8; --skipped: #a9b2bd; --failed: #c8402f; --cancelled: #d9982b;
  --waiting: #e6e9ee; }
@media (prefers-color-scheme: dark) { :root {
  --page: #12171d; --card: #1b222b; --ink: #e8edf2; --soft: #9aa7b5; --line: #2e3843;
  --ok: #58a6dd; --empty: #35617f; --skipped: #67727f; --failed: #ef6f5e; --cancelled: #e0ac4f;
  --waiting: #2a323c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 32px 20px 48px; }
h1 { margin: 0; font-size: 26px; line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin: 0 0 4px; font-size: 17px; }
p { margin: 0; }
.soft { color: var(--soft); }
.soft, .wrap { overflow-wrap: anywhere; }
.state { display: inline-block; margin-left: 10px; padding: 1px 10px; border-radius: 999px;
  border: 1px solid currentColor; font-size: 13px; font-weight: 600; vertical-align: middle; }
.state.good { color: var(--ok); } .state.bad { color: var(--failed); }
.state.open { color: var(--cancelled); }
.cards { display: grid; gap: 12px; margin: 22px 0 12px;
  grid-template-columns: repeat(auto-fit, minmax(215px, 1fr)); }
.card, section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
.card { padding: 12px 16px; }
.card b { display: block; font-size: 24px; line-height: 1.3; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
.card .soft { font-size: 14px; }
.card b.bad { color: var(--failed); }
section { padding: 18px 20px; margin-top: 12px; }
.scroll { overflow-x: auto; }
svg { display: block; width: 100%; min-width: 620px; height: auto; margin-top: 8px; }
svg text { fill: var(--soft); font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; }
svg .end { text-anchor: end; } svg .middle { text-anchor: middle; }
svg .grid { stroke: var(--line); stroke-width: 1; } svg .axis { stroke: var(--soft); }
svg.strip { min-width: 0; height: 26px; border-radius: 6px; }
.fill-ok { fill: var(--ok); } .fill-empty { fill: var(--empty); }
.fill-skipped { fill: var(--skipped); } .fill-failed { fill: var(--failed); }
.fill-cancelled { fill: var(--cancelled); } .fill-waiting { fill: var(--waiting); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 22px; margin: 10px 0 0; padding: 0;
  list-style: none; }
.legend svg { display: inline-block; width: 11px; min-width: 0; height: 11px; margin: 0 6px 0 0; }
table { width: 100%; border-collapse: collapse; margin-top: 10px; }
th { text-align: left; color: var(--soft); font-weight: 600; font-size: 13px; }
th, td { padding: 7px 14px 7px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td:last-child { width: 100%; }
tr:last-child td { border-bottom: 0; }
.number { text-align: right; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
code { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.example { margin: 0 0 6px; overflow-wrap: anywhere; }
@media print { body { background: none; } section, .card { break-inside: avoid; } }
"""
"""Inlined in the page. The colours also differ in lightness, for readers with colour blindness."""
