/** The look of a page: quiet, readable, dark and light, from a phone's width up. */
import { alertStyle } from "./alerts.ts";

const light = `
  --paper: #ffffff; --ink: #1f2328; --soft: #59636e; --line: #d9dee4; --block: #f6f8fa; --accent: #0a5fc4;
  --mark: #fff8c5; --error-paper: #fff1f0; --error-line: #d1242f; --warn-paper: #fff8e6; --warn-line: #d4a72c; --figure: transparent;
  --black: #24292f; --red: #b3232c; --green: #17692f; --yellow: #7d5700; --blue: #0a5fc4; --magenta: #7c3aad; --cyan: #106e75; --white: #59636e;`;
const dark = `
  --paper: #0f1318; --ink: #e2e8ef; --soft: #9aa5b1; --line: #2b323b; --block: #171c23; --accent: #6cb0ff;
  --mark: #4d3f00; --error-paper: #2a1517; --error-line: #f4635c; --warn-paper: #272114; --warn-line: #b98a1b; --figure: #f4f6f8;
  --black: #9aa5b1; --red: #ff7b72; --green: #56d364; --yellow: #e3b341; --blue: #79c0ff; --magenta: #d2a8ff; --cyan: #56d4dd; --white: #e2e8ef;`;

const colours = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
const ansi = colours
  .map(
    (name) =>
      `.ansi-${name}-fg, .ansi-bright-${name}-fg { color: var(--${name}); }\n.ansi-${name}-bg, .ansi-bright-${name}-bg { background: color-mix(in srgb, var(--${name}) 22%, transparent); }`,
  )
  .join("\n");

export const pageStyle = `
:root { color-scheme: light; ${light}
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", Arial, sans-serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace; }
:root[data-theme="dark"] { color-scheme: dark; ${dark} }
@media (prefers-color-scheme: dark) { :root[data-theme="auto"] { color-scheme: dark; ${dark} } }
* { box-sizing: border-box; }
html { scroll-padding-top: 1.5rem; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.0625rem/1.65 var(--sans); }
.page { display: grid; grid-template-columns: minmax(0, 1fr); max-width: 54rem; margin: 0 auto; padding: 0 1.25rem 5rem; }
main { min-width: 0; }
a { color: var(--accent); text-decoration-thickness: 1px; text-underline-offset: .18em; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
.skip { position: absolute; left: -999rem; } .skip:focus { left: 1rem; top: 1rem; background: var(--paper); padding: .5rem 1rem; z-index: 9; }
.bar { display: flex; align-items: center; gap: .75rem; padding: .9rem 0 .6rem; color: var(--soft); font-size: .875rem; }
.bar .about { flex: 1; min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
button.theme { flex: none; display: grid; place-items: center; width: 2.25rem; height: 2.25rem; border: 1px solid var(--line); border-radius: 999px; background: none; color: var(--soft); cursor: pointer; }
button.theme:hover { color: var(--ink); border-color: var(--soft); }
button.theme svg { width: 1.05rem; height: 1.05rem; }

h1, h2, h3, h4, h5, h6 { line-height: 1.25; margin: 2.2em 0 .6em; font-weight: 650; letter-spacing: -.011em; text-wrap: balance; }
h1 { font-size: 2.1rem; margin-top: .6em; letter-spacing: -.022em; } h2 { font-size: 1.5rem; padding-bottom: .3em; border-bottom: 1px solid var(--line); }
h3 { font-size: 1.2rem; } h4 { font-size: 1.05rem; } h5, h6 { font-size: 1rem; color: var(--soft); }
.anchor { margin-left: .35em; color: var(--soft); text-decoration: none; font-weight: 400; opacity: 0; } :is(h1,h2,h3,h4,h5,h6):hover .anchor, .anchor:focus { opacity: 1; }
p, ul, ol, dl, blockquote, table, details { margin: 0 0 1em; } li + li { margin-top: .25em; } .task-list-item { list-style: none; } .task-list-item-checkbox { margin: 0 .35em 0 -1.4em; vertical-align: -.1em; }
dt { font-weight: 600; } dd { margin: 0 0 .4em 1.5em; } ul, ol { padding-left: 1.5em; }
blockquote { margin-left: 0; padding: .1em 1.1em; border-left: 3px solid var(--line); color: var(--soft); }
blockquote > :last-child { margin-bottom: .1em; } hr { border: 0; border-top: 1px solid var(--line); margin: 2.5em 0; } mark { background: var(--mark); color: inherit; }
.not-loaded { color: var(--soft); font-size: .925em; border: 1px dashed var(--line); border-radius: 4px; padding: .1em .4em; overflow-wrap: anywhere; }
img, video { max-width: 100%; height: auto; }
code, pre, kbd, samp { font-family: var(--mono); font-size: .855em; }
:not(pre) > code { background: var(--block); border: 1px solid var(--line); border-radius: 4px; padding: .08em .32em; overflow-wrap: break-word; }
pre { margin: 0; line-height: 1.55; overflow-x: auto; tab-size: 4; }
pre code { font-size: inherit; }
.markdown pre, .raw pre { background: var(--block); border: 1px solid var(--line); border-radius: 8px; padding: .8em 1em; margin: 0 0 1em; }
.shiki, .shiki span { color: var(--shiki-light); font-style: var(--shiki-light-font-style); }
:root[data-theme="dark"] .shiki, :root[data-theme="dark"] .shiki span { color: var(--shiki-dark); font-style: var(--shiki-dark-font-style); }
@media (prefers-color-scheme: dark) { :root[data-theme="auto"] .shiki, :root[data-theme="auto"] .shiki span { color: var(--shiki-dark); font-style: var(--shiki-dark-font-style); } }

.cell.code { margin: 1.25em 0 1.6em; }
.input { position: relative; background: var(--block); border: 1px solid var(--line); border-radius: 8px; }
.input pre { padding: .8em 1em; }
.input .count { position: absolute; top: .85em; right: calc(100% + .9rem); color: var(--soft); font: .75rem/1.6 var(--mono); opacity: .8; white-space: nowrap; }
.copy { position: absolute; top: .45rem; right: .45rem; border: 1px solid var(--line); border-radius: 6px; background: var(--paper); color: var(--soft); font: .75rem/1 var(--sans); padding: .4rem .55rem; cursor: pointer; opacity: 0; }
.input:hover .copy, .copy:focus-visible { opacity: 1; } @media (hover: none) { .copy { display: none; } }
.outputs { display: flow-root; padding: .7em 0 0; } .outputs > * { margin: 0 0 .7em; } .outputs > :last-child { margin-bottom: 0; }
.outputs pre { padding: 0 1rem; white-space: pre-wrap; overflow-wrap: anywhere; max-height: 36rem; overflow: auto; }
/* Where an output goes on below, a shade says so: scroll bars may be hidden. A pixel above the end, which the paper over it may miss by a part of one. */
.outputs pre.plain, .outputs pre.result, .outputs pre.stdout { background: linear-gradient(var(--paper), var(--paper)) bottom / 100% .6rem no-repeat local, linear-gradient(transparent, var(--line)) left 0 bottom 1px / 100% .5rem no-repeat scroll; }
.outputs pre.shiki { background: none; } .outputs pre.plain, .outputs pre.result { white-space: pre; overflow-wrap: normal; }
.outputs pre.stderr { background: var(--warn-paper); border-left: 3px solid var(--warn-line); padding: .6em 1rem; border-radius: 0 6px 6px 0; }
.outputs pre.error { background: var(--error-paper); border-left: 3px solid var(--error-line); padding: .7em 1rem; border-radius: 0 6px 6px 0; max-height: none; white-space: pre; overflow-wrap: normal; }
.outputs .html, .outputs .markdown { padding: 0 1rem; overflow-x: auto; } .outputs .markdown > :last-child { margin-bottom: 0; }
.took { float: right; margin: .35rem .25rem 0 .75rem; color: var(--soft); font-size: .75rem; line-height: 1; font-variant-numeric: tabular-nums; }
.picture { display: block; margin: 0 auto; border-radius: 4px; } .figure { margin: 0; overflow-x: auto; text-align: center; }
.figure .live { margin: 0 auto; } .figure .live.vega-embed, .vega-embed { width: auto; max-width: 100%; } .vega-embed svg, .vega-embed canvas { max-width: 100%; height: auto; }
img.picture[src^="data:image/svg"] { background: var(--figure); } :root[data-theme="dark"] .figure .static img { padding: .5rem; }
.unknown { color: var(--soft); font-style: italic; padding: 0 1rem; }
details.hidden-part > summary { cursor: pointer; color: var(--soft); font-size: .875rem; padding: .2rem 0; }

.table { overflow-x: auto; margin: 0 0 1em; } .table > table { margin: 0; }
table { border-collapse: collapse; font-size: .925rem; line-height: 1.45; font-variant-numeric: tabular-nums; border: 0; }
th, td { padding: .42em .9em; border: 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
thead th { border-bottom: 2px solid var(--line); font-weight: 600; white-space: nowrap; } tbody tr:hover { background: var(--block); }
table.dataframe :is(td, th) { text-align: right; } caption { caption-side: bottom; color: var(--soft); font-size: .85rem; padding-top: .5em; }
.katex-display { overflow-x: auto; overflow-y: hidden; padding: .25em 0; } .katex { font-size: 1.1em; }

.toc { font-size: .9rem; line-height: 1.45; } .toc ul { list-style: none; margin: 0; padding: 0; } .toc ul ul { padding-left: .9rem; }
.toc a { display: block; padding: .22rem .7rem; color: var(--soft); text-decoration: none; border-left: 2px solid transparent; }
.toc a:hover { color: var(--ink); } .toc a[aria-current] { color: var(--accent); border-left-color: var(--accent); }
.toc summary { cursor: pointer; font-weight: 600; padding: .35rem .7rem; }
.toc details { border: 1px solid var(--line); border-radius: 8px; padding: .3rem; }
@media (min-width: 72rem) {
  .page { grid-template-columns: 15rem minmax(0, 50rem); column-gap: 4.5rem; max-width: 76rem; }
  .page.no-toc { grid-template-columns: minmax(0, 50rem); justify-content: center; } .bar { grid-column: 1 / -1; }
  .toc { position: sticky; top: 1.5rem; align-self: start; max-height: calc(100vh - 3rem); overflow-y: auto; }
  .toc details { border: 0; padding: 0; } .toc summary { list-style: none; pointer-events: none; color: var(--soft); font-size: .75rem; text-transform: uppercase; letter-spacing: .06em; } .toc summary::-webkit-details-marker { display: none; }
}
@media (max-width: 71.99rem) { .input .count { position: static; display: block; padding: .55em 1rem 0; } .input .count + pre { padding-top: .25em; } }
@media (max-width: 36rem) { body { font-size: 1rem; } .page { padding: 0 .9rem 3rem; } h1 { font-size: 1.65rem; } h2 { font-size: 1.3rem; } pre { font-size: .8rem; } .outputs pre, .outputs .html, .outputs .markdown { padding-left: .25rem; padding-right: .25rem; } }
@media print { .toc, .bar button, .copy, .anchor { display: none !important; } .input, .outputs > * { break-inside: avoid; } .outputs pre { max-height: none; } }
${alertStyle}.ansi-bold { font-weight: 600; }
${ansi}
`;
