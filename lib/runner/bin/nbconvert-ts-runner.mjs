#!/usr/bin/env node
import { main } from "../dist/cli/main.js";

// A reader that has seen enough, such as head, closes the pipe.
process.stdout.on("error", (error) => {
  if (error.code === "EPIPE") {
    process.exit();
  }
  throw error;
});
process.exitCode = await main(process.argv.slice(2));
