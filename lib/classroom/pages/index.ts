export { feedbackPage } from "./feedback.ts";
export { reportPage } from "./report.ts";
