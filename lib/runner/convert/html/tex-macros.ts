/** The commands that formulas define, for all formulas behind them on the page, as MathJax has it. */

/** As much of KaTeX's expansion of macros as is needed. */
interface Expansion {
  /** An argument's tokens, the last one first. */
  consumeArg(): { readonly tokens: readonly { readonly text: string }[] };
  future(): { readonly text: string };
  popToken(): unknown;
  isDefined(name: string): boolean;
}

/**
 * A new set of macros for the formulas of one page; KaTeX adds to it what they define. Beside what KaTeX knows, a command may
 * be defined again by \newcommand, as cells do that are copied, and \DeclareMathOperator is known.
 */
export function pageMacros(): Record<string, object> {
  return {
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
