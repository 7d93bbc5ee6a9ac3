/** One rank fails in one of several ways, while the others wait for it. */
import { mpi } from "@convbook/mpi";

const [how = "", timeout = "120"] = process.argv.slice(2);
const world = mpi.init();
await world.barrier();
// All are there: how long it took them to start is not what is tried.
mpi.init({ timeout: Number(timeout) });
if (world.rank === 1 && how !== "in the library") {
  switch (how) {
    case "throws":
      throw new TypeError("the data is bad");
    case "rejects":
      void Promise.reject(new RangeError("nobody listens"));
      break;
    case "leaves":
      process.exit(3);
      break;
    case "hangs":
      await new Promise((resolve) => setTimeout(resolve, 600_000));
      break;
    case "computes": {
      const end = Date.now() + 600_000;
      while (Date.now() < end) {
        // Without ever coming back to the event loop.
      }
      break;
    }
    case "is killed":
      process.kill(process.pid, "SIGKILL");
      break;
    case "aborts":
      mpi.abort(5);
      break;
    case "ends":
      process.exit(0);
  }
  await new Promise((resolve) => setTimeout(resolve, 600_000));
}
if (how === "in the library") {
  // Where another program has it fail: ../launch.ts.
  await world.allreduce(new Float32Array(12_345));
}
await world.allreduce(new Float32Array(3));
console.log("went on");
