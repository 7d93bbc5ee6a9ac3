import { Command } from "commander";
export const startCommand = new Command("start");
