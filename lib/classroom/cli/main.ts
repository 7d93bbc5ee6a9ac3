/** The command `convbook class`. Each subcommand is a file of this folder; what it needs is loaded when it runs. */
import { Command } from "commander";
import { bundleCommand } from "./bundle.ts";
import { checkCommand } from "./check.ts";
import { exportCommand } from "./export.ts";
import { feedbackCommand } from "./feedback.ts";
import { gradeCommand } from "./grade.ts";
import { makeCommand } from "./make.ts";
import { manualCommand } from "./manual.ts";
import { reportCommand } from "./report.ts";

export const classCommand = new Command("class")
  .description("one notebook becomes assignment, solution, grader and feedback")
  .addCommand(makeCommand)
  .addCommand(bundleCommand)
  .addCommand(gradeCommand)
  .addCommand(checkCommand)
  .addCommand(manualCommand)
  .addCommand(feedbackCommand)
  .addCommand(exportCommand)
  .addCommand(reportCommand);
