/**
 * The process that runs the user's code. Cells have Node's own realm, where they may change anything; what the kernel needs
 * in this process runs in a realm beside it.
 */
import { loadInOwnRealm } from "./own-realm.ts";

await loadInOwnRealm(new URL("./process.js", import.meta.url).href);
