"""Writes markdown.json: what nbconvert makes of kinds of Markdown.

    python3 markdown_oracle.py

It takes nbconvert 7.17 with mistune 3.3. Older ones (Debian's 6.5) have no task lists. No text is one that mistune and
CommonMark, or GitHub's tables, read differently: a pipe in code in a table, a number sign without a space behind it.
"""
import json
import pathlib

import mistune
import nbconvert
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

ATTACHMENTS = {"a.png": {"image/png": "TQ=="}}

SOURCES = {
    "task list": "- [ ] x\n- [x] y\n- [X] z",
    "task list, ordered": "1. [ ] one\n2. [x] two",
    "task list, loose": "- [ ] one\n\n- [x] two",
    "task list, nested": "- [ ] outer\n  - [x] inner\n    - [ ] deep\n  - plain",
    "task list with markup": "* [x] **bold** and `code`\n+ [ ] [link](https://example.org)",
    "task list beside plain items": "- [x] done\n- plain\n- [ ] open",
    "no task: nothing behind it": "- [ ]\n- [x]",
    "no task: no space behind it": "- [x]done",
    "no task: not in a list": "[ ] x",
    "no task: two spaces": "- [  ] x",
    "no task: escaped": "- \\[ ] x",
    "no task: not first": "- see [ ] x",
    "no task: in code": "- `[ ] x`",
    "task in a quotation": "> - [x] quoted",
    "task whose text is a paragraph with another": "- [x] one\n\n  two",
    "nested lists": "- a\n  - b\n    1. c\n    2. d\n- e",
    "a list that begins at 3": "3. a\n4. b",
    "a list right behind text": "text\n- a\n- b",
    "definition list": "term\n: definition",
    "definition list, two": "one\n: first\n: second\n\ntwo\n: **third**",
    "table": "| a | b |\n|---|---|\n| 1 | 2 |",
    "table, aligned": "| a | b | c | d |\n|:--|--:|:-:|---|\n| 1 | 2 | 3 | 4 |",
    "table without outer pipes": "a | b\n--- | ---\n1 | 2",
    "table with pipes": "| a | b |\n|---|---|\n| x \\| y | \\| |",
    "table with markup": "| **a** | [l](https://example.org) |\n|---|---|\n| ~~x~~ | `y` |",
    "strikethrough": "~~gone~~ and ~~**both**~~",
    "autolink": "https://example.org/a?b=c&d=e and <https://example.org> and <me@example.org>",
    "an address in brackets": "(see https://example.org/a)",
    "file names are no addresses": "main.py, README.md and example.com",
    "html comment": "a <!-- hidden --> b\n\n<!-- a block -->\n\nc",
    "details": "<details>\n<summary>More</summary>\n\n**inner** text\n\n</details>",
    "details, open": "<details open><summary>More</summary>inner</details>",
    "reference link": "[a][one], [two][] and [three]\n\n[one]: https://example.org/1 \"Title\"\n[two]: https://example.org/2\n[three]: <https://example.org/3>",
    "reference picture": "![words][pic]\n\n[pic]: attachment:a.png",
    "attachment": "![words](attachment:a.png)",
    "picture with title": "![a](attachment:a.png \"Title\")",
    "footnote is text": "text[^1]\n\n[^1]: https://example.org/note",
    "emphasis": "*a* _b_ **c** __d__ ***e*** snake_case_name 2*3*4",
    "hard breaks": "a  \nb\\\nc\nd",
    "entities": "&copy; &amp; &lt;b&gt; &#65; AT&T",
    "escapes": "\\*a\\* \\# \\_b\\_ \\`c\\`",
    "rule": "a\n\n---\n\nb\n\n***\n\nc",
    "headings": "# a\n\n## b\n\n### c ###\n\nd\n=\n\ne\n---",
    "quotation": "> a\n> b\n>\n> > c",
    "code in lists": "- a\n\n  ```\n  code\n  ```\n- b\n\n      indented",
    "fence with tildes": "~~~\na\n```\nb\n~~~",
    "code with backticks": "`` a ` b `` and ` c `",
    "inline html": "a <b>b</b> <kbd>Ctrl</kbd> H<sub>2</sub>O <mark>m</mark> <br> c",
    "block html": "<div align=\"center\">\n\n*a*\n\n</div>\n\n<p>b</p>",
    "link with title": "[a](https://example.org \"Title\") [b](<a b.html>) [c](#d)",
    "picture in a link": "[![a](attachment:a.png)](https://example.org)",
    "link with brackets": "[a (b)](https://example.org/a_(b))",
    "smart quotes are not made": "\"a\" -- 'b' (c) ...",
}

HEADINGS = [
    "My Head", "lower case", "UPPER", "two  spaces", "Trailing space ", "C++ & C#", "What? Why!", "1. Introduction", "Über uns", "日本語の 見出し",
    "Ünï cödé", "Emoji 🎉 party", "a/b/c", "f(x) = y", "50% of it", "**Bold** head", "*it* and `code()`", "[linked](https://example.org) head", "a_b-c d_e",
    "it's \"quoted\"", "A: B; C, D.", "dash - dash", "dash – en — em", "Привет мир", "The $x^2$ rule", "&amp; entity &lt;", "Tab\there", "2.1 Sub-section",
    "~~old~~ new", "<b>html</b> head", "#hash", "a+b=c", "email@example.org here", "x [ ] y", "École Élémentaire",
]


def render(source):
    return MarkdownWithMath(renderer=IPythonRenderer(escape=False, attachments=ATTACHMENTS)).render(source)


path = pathlib.Path(__file__).with_name("markdown.json")
pages = [[name, source, render(source)] for name, source in SOURCES.items()]
headings = [[text, render(f"# {text}")] for text in HEADINGS]
path.write_text(
    json.dumps(
        {"made by": f"nbconvert {nbconvert.__version__}, mistune {mistune.__version__}", "attachments": ATTACHMENTS, "pages": pages, "headings": headings},
        ensure_ascii=False,
        indent=1,
    )
    + "\n"
)
