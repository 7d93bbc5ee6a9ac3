/** The page of the engine's test: what the test calls in it. */
import { engine, type StartOptions, start } from "@convbook/engine/browser";
import { type Given, type Outcome, trial } from "./engine-trial.ts";

const run = async (options: StartOptions): Promise<Outcome> => {
  await start(options);
  const response = await fetch("given.json");
  return trial((await response.json()) as Given);
};

const refused = async (options: StartOptions): Promise<string[]> => {
  const message = await start(options).then(
    () => "",
    (error: Error) => error.message,
  );
  return [message, engine.reason, String(engine.available)];
};

Object.assign(globalThis, { run, refused });
