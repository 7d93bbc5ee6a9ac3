/** The commands that formulas define, for all formulas behind them on the page, and those that MathJax has beside KaTeX's own. */

/** As much of KaTeX's expansion of macros as is needed. */
interface Expansion {
  /** An argument's tokens, the last one first. */
  consumeArg(): { readonly tokens: readonly { readonly text: string }[] };
  future(): { readonly text: string };
  popToken(): { readonly text: string };
  isDefined(name: string): boolean;
}

/**
 * A new set of macros for the formulas of one page; KaTeX adds to it what they define. Beside what KaTeX knows, a command may
 * be defined again by \newcommand, as cells do that are copied, and \DeclareMathOperator is known. Of what MathJax would put
 * around an argument for a style sheet the argument is left.
 */
export function pageMacros(): Record<string, object | string> {
  return {
    "\\mbox": "\\text{#1}",
    "\\textsc": "\\text{#1}",
    "\\mathds": "\\mathbb{#1}",
    "\\mathbbm": "\\mathbb{#1}",
    "\\iddots": '\\mathinner{\\char"22F0}',
    "\\require": (context: Expansion) => argument(context).slice(0, 0),
    "\\unicode": (context: Expansion) => unicode(argument(context)),
    "\\bbox": (context: Expansion) => {
      option(context);
      return `{${argument(context)}}`;
    },
    ...Object.fromEntries(["\\class", "\\cssId", "\\style", "\\enclose"].map((name) => [name, second])),
    "\\newcommand": (context: Expansion) => definition(context, argument(context)),
    "\\DeclareMathOperator": (context: Expansion) => {
      const star = context.future().text === "*";
      if (star) {
        context.popToken();
      }
      const name = argument(context);
      return `${definition(context, name)}{\\operatorname${star ? "*" : ""}{${argument(context)}}}`;
    },
  };
}

/** The beginning of a definition that KaTeX takes, whether the name is in use or not. */
function definition(context: Expansion, name: string): string {
  return `${context.isDefined(name.trim()) ? "\\renewcommand" : "\\providecommand"}{${name}}`;
}

/** An argument as it could have been written. */
function argument(context: Expansion): string {
  return [...context.consumeArg().tokens]
    .reverse()
    .map(({ text }) => (/^\\[a-zA-Z@]+$/.test(text) ? `${text} ` : text))
    .join("");
}

function second(context: Expansion): string {
  argument(context);
  return `{${argument(context)}}`;
}

/** Passes over an argument in square brackets. */
function option(context: Expansion): void {
  if (context.future().text === "[") {
    while (!/^(\]|EOF)$/.test(context.popToken().text)) {}
  }
}

/** The character of a number such as `x263a` or `9786`. */
function unicode(number: string): string {
  const code = Number(number.trim().replace(/^x/i, "0x"));
  return Number.isInteger(code) && code > 0x1f && code <= 0x10ffff ? `\\char"${code.toString(16).toUpperCase()} ` : "";
}
