/** Terminal text as HTML: colours, and what carriage returns and backspaces leave standing. */
import { AnsiUp } from "ansi_up";

/** Terminal text as escaped HTML with coloured spans. */
export function ansiToHtml(text: string): string {
  const converter = new AnsiUp();
  converter.use_classes = true;
  // Links in a notebook's output would be shown under any text they like.
  converter.url_allowlist = {};
  return converter.ansi_to_html(overwrite(text.replaceAll(systemCommands, "")));
}

/** What tells a terminal its title, where a link leads and the like: none of it is text, what stands between two of them is. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: terminals are told by them
const systemCommands = /\u001b\](?:(?!\u001b\\|\u0007)[\s\S]){0,4096}(?:\u0007|\u001b\\)/g;
const backspace = "\u0008";

/** What a terminal would show: a carriage return starts the line again, a backspace takes a character back. */
export function overwrite(text: string): string {
  if (!text.includes("\r") && !text.includes(backspace)) {
    return text;
  }
  return text.replaceAll("\r\n", "\n").split("\n").map(overwriteLine).join("\n");
}

function overwriteLine(line: string): string {
  const shown: string[] = [];
  for (const character of line) {
    if (character === backspace) {
      shown.pop();
    } else {
      shown.push(character);
    }
  }
  // A shorter text written over a longer one leaves the longer one's end.
  return shown
    .join("")
    .split("\r")
    .reduce((before, after) => (after.length >= before.length ? after : after + before.slice(after.length)), "");
}
