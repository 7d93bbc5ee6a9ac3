/** The environment's variables that a notebook's results may depend on. */

/**
 * Variables that are different from one start to the next, or from one terminal to the next, without meaning anything for
 * a result. They count all the same where the code names them.
 */
const passing = [
  /^(?:_|SHLVL|PWD|OLDPWD|INIT_CWD|COLUMNS|LINES|HOSTNAME|LS_COLORS|MAIL|LOGNAME|USERNAME|EDITOR|VISUAL|PAGER|PS1)$/,
  /^(?:TERM|COLORTERM|FORCE_COLOR|NO_COLOR|CLICOLOR|WINDOWID|DISPLAY|WAYLAND_DISPLAY|INVOCATION_ID|JOURNAL_STREAM)/,
  /^(?:SSH_|XDG_SESSION|XDG_RUNTIME|XDG_SEAT|XDG_VTNR|DBUS_|TMUX|STY|VSCODE_|GNOME_|KDE_|KONSOLE|ITERM|MEMORY_PRESSURE)/,
  // Package managers and test runners say which script they run.
  /^(?:npm_|NPM_|BERRY_|PROJECT_CWD|PNPM_SCRIPT|VITEST|TEST$|JEST_|PRE_COMMIT)/,
  // Continuous integration says which run this is.
  /^(?:GITHUB_|RUNNER_|ACTIONS_|GITLAB_|CI_|BUILD_|BUILDKITE_|CIRCLE_|TRAVIS_|JENKINS_|SYSTEM_|AGENT_|BITBUCKET_|DRONE_)/,
];

/**
 * The variables that count, each with its value.
 *
 * @param env The kernel's environment.
 * @param named Names that make a variable count in any case.
 */
export function relevantVariables(env: NodeJS.ProcessEnv, named: ReadonlySet<string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env)
      .filter(
        (entry): entry is [string, string] =>
          entry[1] !== undefined && (!passing.some((pattern) => pattern.test(entry[0])) || named.has(entry[0])),
      )
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}
