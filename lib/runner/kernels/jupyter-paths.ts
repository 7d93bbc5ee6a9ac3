/** Where Jupyter looks for its data, kernelspecs among it. Source: jupyter_core's `jupyter_path`. */
import { homedir } from "node:os";
import { pathsFor } from "../platform.ts";

/**
 * The data folders of Jupyter, in the order in which it searches them.
 *
 * @param env The environment; JUPYTER_PATH, JUPYTER_DATA_DIR, XDG_DATA_HOME, VIRTUAL_ENV, CONDA_PREFIX and APPDATA count.
 * @param system The system whose rules hold.
 */
export function jupyterDataPaths(
  env: NodeJS.ProcessEnv = process.env,
  system: NodeJS.Platform = process.platform,
): string[] {
  const { delimiter, dirname, join } = pathsFor(system);
  const paths: string[] = [];
  if (env.JUPYTER_PATH) {
    paths.push(...env.JUPYTER_PATH.split(delimiter).filter((path) => path !== ""));
  }
  const user = env.JUPYTER_DATA_DIR || userDataPath(env, system);
  const environments = [env.VIRTUAL_ENV, env.CONDA_PREFIX]
    .filter((prefix) => prefix)
    .map((prefix) => join(prefix as string, "share", "jupyter"));
  // Inside an environment its kernels go before the user's, as jupyter_core 5 has it.
  paths.push(...environments, user);
  if (system === "win32") {
    if (env.PROGRAMDATA) {
      paths.push(join(env.PROGRAMDATA, "jupyter"));
    }
  } else {
    paths.push("/usr/local/share/jupyter", "/usr/share/jupyter");
    // A Node that came with an environment has the environment's kernels beside it.
    paths.push(join(dirname(dirname(process.execPath)), "share", "jupyter"));
  }
  return [...new Set(paths)];
}

function userDataPath(env: NodeJS.ProcessEnv, system: NodeJS.Platform): string {
  const { join } = pathsFor(system);
  // Python's home folder: on Windows HOME, which some shells set, does not count.
  const home = (system === "win32" ? env.USERPROFILE : env.HOME) || homedir();
  switch (system) {
    case "darwin":
      return join(home, "Library", "Jupyter");
    case "win32":
      return env.APPDATA ? join(env.APPDATA, "jupyter") : join(home, ".jupyter", "data");
    default:
      return join(env.XDG_DATA_HOME || join(home, ".local", "share"), "jupyter");
  }
}
