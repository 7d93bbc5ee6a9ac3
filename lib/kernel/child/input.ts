/** `prompt`, `confirm` and `alert`: questions to the user, answered while the cell waits, as in a browser or Deno. */
import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { post } from "../wire/channel.ts";
import { cellOfOutput } from "./notebook-io.ts";
import { UserError } from "./realm.ts";

const nap = new Int32Array(new SharedArrayBuffer(4));
let answers: MessagePort | undefined;
let allowed = false;

/** Answers come through this port, past the event loop of the waiting thread. */
export function installInput(port: MessagePort): void {
  answers = port;
}

export function allowInput(allow: boolean): void {
  allowed = allow;
}

/** Asks for a line; `fallback` where the answer is empty, null where nobody can answer. */
export function prompt(message = "", fallback?: string): string | null {
  const answer = ask(message, false, "prompt");
  return answer === "" && fallback !== undefined ? fallback : answer;
}

/** Asks for yes or no; what is not yes is no. */
export function confirm(message = "Confirm"): boolean {
  return /^y(?:es)?$/i.test(ask(`${message} [y/N] `, false, "confirm").trim());
}

/** Shows a message until it was read. */
export function alert(message = "Alert"): void {
  ask(`${message} [Enter] `, false, "alert");
}

export function promptPassword(message = ""): string | null {
  return ask(message, true, "promptPassword");
}

/**
 * Asks for a line in the front-end's input box.
 *
 * @param what Who asks, for the error where nobody can answer.
 */
export function ask(prompt: string, password: boolean, what: string): string {
  if (!allowed || answers === undefined) {
    throw new UserError(`${what}: this front-end takes no input (the cell was sent with allow_stdin false)`);
  }
  // An answer to a question that was interrupted is not for this one.
  while (receiveMessageOnPort(answers) !== undefined) {}
  post({ type: "input", cell: cellOfOutput(), prompt: String(prompt), password });
  for (;;) {
    const received = receiveMessageOnPort(answers) as { message: { value: string } } | undefined;
    if (received !== undefined) {
      return received.message.value;
    }
    Atomics.wait(nap, 0, 0, 10);
  }
}
