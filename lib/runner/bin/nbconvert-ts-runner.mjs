#!/usr/bin/env node
import { main } from "../dist/cli/main.js";

// A reader that has seen enough, such as head, closes the pipe, and a terminal may go: there is nobody to tell anything any
// more, but notebooks to run and save, and an exit code to end with.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error) => {
    if (error.code !== "EPIPE" && error.code !== "EIO") {
      throw error;
    }
  });
}
process.exitCode = await main(process.argv.slice(2));
