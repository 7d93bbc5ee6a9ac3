/**
 * The supervisor's heap stays small. V8 would let the space for new objects grow to 32 MB after one long output, and leave
 * it so; what a message takes is short-lived, so that the megabytes which the space begins with are enough. Imported first:
 * loading the other modules would make it grow, too.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--semi-space-growth-factor=1");
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** After how many bytes of messages their remains are worth collecting. */
const worthwhile = 1 << 23;
/** How long after the last of them nothing more is expected, ms. */
const quiet = 200;

let sent = 0;
let timer: NodeJS.Timeout | undefined;

/**
 * To be told of each message. What large ones leave behind is many times their size, and V8, which knows of no hurry, would
 * keep it: it is collected once there is silence.
 */
export function messageSent(bytes: number): void {
  sent += bytes;
  if (sent >= worthwhile) {
    timer ??= setTimeout(() => {
      timer = undefined;
      sent = 0;
      collect();
    }, quiet).unref();
    timer.refresh();
  }
}
