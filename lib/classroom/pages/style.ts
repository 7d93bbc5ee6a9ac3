/** The look of the classroom's pages: quiet, dark and light by the reader's system, from a phone's width up, on paper too. */

const light = `
  --paper: #ffffff; --ink: #1f2328; --soft: #59636e; --line: #d9dee4; --block: #f6f8fa; --accent: #0a5fc4;
  --good: #17692f; --part: #7d5700; --bad: #b3232c; --good-paper: #e9f6ec; --part-paper: #fff5da; --bad-paper: #fdeceb; --plot: transparent;`;
const dark = `
  --paper: #0f1318; --ink: #e2e8ef; --soft: #9aa5b1; --line: #2b323b; --block: #171c23; --accent: #6cb0ff;
  --good: #56d364; --part: #e3b341; --bad: #ff7b72; --good-paper: #12251a; --part-paper: #272114; --bad-paper: #2a1517; --plot: #f4f6f8;`;

export const pageStyle = `
:root { color-scheme: light dark; ${light}
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", Arial, sans-serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace; }
@media (prefers-color-scheme: dark) { :root { ${dark} } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.0625rem/1.6 var(--sans); overflow-wrap: anywhere; }
main { max-width: 46rem; margin: 0 auto; padding: 1.5rem 1.15rem 4rem; }
main.wide { max-width: 64rem; }
h1, h2, h3 { line-height: 1.25; letter-spacing: -.011em; text-wrap: balance; margin: 0; }
h1 { font-size: 1.75rem; } h2 { font-size: 1.2rem; } h3 { font-size: 1.0625rem; margin: 1.5rem 0 .5rem; }
a { color: var(--accent); text-underline-offset: .18em; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
p { margin: .5rem 0; } .soft { color: var(--soft); } small, .small { font-size: .875rem; }
code, samp { font-family: var(--mono); font-size: .875em; }
.who { color: var(--soft); margin: 0 0 .25rem; }
.total { display: flex; align-items: baseline; gap: .6rem; margin: 1rem 0 .4rem; }
.total strong { font-size: 2.25rem; line-height: 1; letter-spacing: -.02em; font-variant-numeric: tabular-nums; }
.bar { height: .5rem; border-radius: 999px; background: var(--line); overflow: hidden; } .bar span { display: block; height: 100%; background: var(--accent); border-radius: 999px; }
.notes { background: var(--part-paper); border-left: 3px solid var(--part); border-radius: 0 6px 6px 0; padding: .6rem 1rem; margin: 1.25rem 0 0; } .notes ul { margin: .25rem 0 0; padding-left: 1.1rem; }
section { border-top: 1px solid var(--line); padding-top: 1.4rem; margin-top: 1.6rem; }
.head { display: flex; align-items: baseline; justify-content: space-between; gap: 1rem; }
.points { flex: none; font-variant-numeric: tabular-nums; font-weight: 600; border-radius: 999px; padding: .1rem .7rem; background: var(--block); }
.points.good { color: var(--good); background: var(--good-paper); } .points.part { color: var(--part); background: var(--part-paper); } .points.bad { color: var(--bad); background: var(--bad-paper); }
.checks { list-style: none; padding: 0; margin: .8rem 0 0; } .checks > li { position: relative; padding: .3rem 0 .3rem 1.75rem; }
.checks > li::before { position: absolute; left: 0; top: .3rem; width: 1.25rem; text-align: center; font-weight: 700; }
.checks > .passed::before { content: "✓" / ""; color: var(--good); } .checks > .failed::before { content: "✗" / ""; color: var(--bad); }
.check { display: flex; justify-content: space-between; gap: 1rem; } .check .soft { flex: none; font-variant-numeric: tabular-nums; }
.failed .why { background: var(--block); border-radius: 8px; padding: .55rem .9rem; margin: .35rem 0 .3rem; }
.why p { margin: 0; } .why dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .1rem .9rem; margin: .35rem 0 0; } .why dt { color: var(--soft); } .why dd { margin: 0; }
.comment { border-left: 3px solid var(--accent); padding: .1rem 0 .1rem 1rem; margin: .9rem 0 0; white-space: pre-line; } .comment cite { display: block; font-style: normal; color: var(--soft); font-size: .875rem; }
figure { margin: 1rem 0 0; } figure img { display: block; max-width: 100%; height: auto; max-height: 120rem; object-fit: contain; border-radius: 6px; background: var(--plot); } figcaption { color: var(--soft); font-size: .875rem; margin-top: .3rem; }
details { margin-top: 2rem; color: var(--soft); font-size: .875rem; } summary { cursor: pointer; } details dl { margin: .6rem 0 0; display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .15rem 1rem; } details dd { margin: 0; }
.scroll { overflow-x: auto; margin: .8rem 0 0; } table { border-collapse: collapse; width: 100%; font-size: .9375rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: break-word; } th { color: var(--soft); font-weight: 600; } td.n, th.n { text-align: right; white-space: nowrap; } td:not(.n) { min-width: 9rem; } td:has(small, .small) { min-width: 16rem; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.chart { display: flex; align-items: flex-end; gap: .25rem; margin-top: 1.4rem; } .chart div { flex: 1 1 0; min-width: 0; text-align: left; } .chart b, .chart span { display: block; font-size: .75rem; line-height: 1.5; color: var(--soft); font-weight: 400; font-variant-numeric: tabular-nums; } .chart b { text-align: center; } .chart i { display: block; background: var(--accent); border-radius: 2px 2px 0 0; } .chart span { border-top: 1px solid var(--line); white-space: nowrap; }
table.keyed th:first-child, table.keyed td:first-child { position: sticky; left: 0; background: var(--paper); }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .8rem 1.5rem; margin: 1.2rem 0 0; padding: 0; } .facts div { border-top: 2px solid var(--line); padding-top: .4rem; } .facts dt { color: var(--soft); font-size: .875rem; } .facts dd { margin: 0; font-size: 1.35rem; font-weight: 600; white-space: nowrap; font-variant-numeric: tabular-nums; }
@media (max-width: 30rem) { table.keyed td:first-child { min-width: 0; max-width: 8.5rem; } h1 { font-size: 1.45rem; } .why dl { grid-template-columns: minmax(0, 1fr); gap: 0; } .why dd + dt { margin-top: .3rem; } details dl { grid-template-columns: minmax(0, 1fr); } details dd { margin-bottom: .35rem; } }
@media print { body { font-size: 11pt; } main { padding: 0; } section { break-inside: avoid; } }
`;
