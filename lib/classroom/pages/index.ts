export { feedbackPage } from "./feedback.ts";
