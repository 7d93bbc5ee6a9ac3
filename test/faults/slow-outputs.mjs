/**
 * A kernel whose cell puts out too much and obeys an interrupt at once, but whose outputs and last word come long after its reply, as where
 * they wait in a queue. Its argument is the connection file.
 */
import { randomUUID } from "node:crypto";
import { readConnectionFile } from "../../lib/kernel/dist/protocol/connection.js";
import { KernelSockets } from "../../lib/kernel/dist/protocol/sockets.js";

/** How long after the reply, ms. */
const late = 1500;

let cell;
const answer = (channel, message, content) =>
  sockets.send(channel, message.header.msg_type.replace(/_request$/, "_reply"), content, message);
const status = (message, execution_state) => sockets.send("iopub", "status", { execution_state }, message);

const sockets = await KernelSockets.bind(readConnectionFile(process.argv[2]), randomUUID(), {
  shell: (message) => {
    status(message, "busy");
    if (message.header.msg_type === "execute_request") {
      cell = message;
      sockets.send("iopub", "stream", { name: "stdout", text: "x".repeat(5000) }, message);
      return;
    }
    answer("shell", message, { status: "ok", language_info: { name: "imagined" } });
    status(message, "idle");
  },
  control: (message) => {
    answer("control", message, { status: "ok" });
    if (message.header.msg_type === "interrupt_request") {
      const error = { ename: "KeyboardInterrupt", evalue: "", traceback: [] };
      answer("shell", cell, { status: "error", execution_count: 1, ...error });
      setTimeout(() => status(cell, "idle"), late);
    } else if (message.header.msg_type === "shutdown_request") {
      process.exit(0);
    }
  },
  stdin: () => {},
  log: () => {},
});
