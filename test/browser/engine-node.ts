/** Node's side of the engine's test in a page: reads what is given from its input, answers with the outcome. */
import { text } from "node:stream/consumers";
import { type Given, trial } from "./engine-trial.ts";

const given = JSON.parse(await text(process.stdin)) as Given;
console.log(JSON.stringify(await trial(given)));
