/** How much of a submission gets into its result, which people read, pages show and spreadsheets open: whatever cells say, how often and how long. */
import type { Answer, Figure, Finding, TaskResult } from "../results/index.ts";

/** Of a message, in characters: a sentence, or the last words of a kernel. */
const longestText = 2000;
/** Of findings of one kind. */
const mostOfKind = 100;
/** Of all pictures together, in characters. */
const mostPictures = 24 * 2 ** 20;
/** Of all answers together, in characters. */
const mostWritten = 16 * 2 ** 20;
/** Cells of the student's own whose text is kept. */
const mostCells = 10_000;

/** A text that is as long as a message may be. */
export function bounded(text: string): string {
  return text.length > longestText ? `${text.slice(0, longestText)}…` : text;
}

/** Findings that somebody can read: of each kind the first ones, and how many there are more. */
export function boundedFindings(findings: readonly Finding[]): Finding[] {
  const counts = new Map<Finding["kind"], number>();
  const kept: Finding[] = [];
  for (const finding of findings) {
    const count = (counts.get(finding.kind) ?? 0) + 1;
    counts.set(finding.kind, count);
    if (count <= mostOfKind) {
      kept.push({ ...finding, message: bounded(finding.message) });
    }
  }
  const more = [...counts].filter(([, count]) => count > mostOfKind);
  return [
    ...kept,
    ...more.map(
      ([kind, count]): Finding => ({ kind, cell: null, message: `There are ${count - mostOfKind} more of this kind.` }),
    ),
  ];
}

/** Tasks whose messages are messages, and whose pictures together are no more than a page opens with. */
export function boundedTasks(tasks: readonly TaskResult[]): TaskResult[] {
  let left = mostPictures;
  return tasks.map(({ figures, reasons, ...task }) => {
    const shown: Figure[] = [];
    for (const figure of figures ?? []) {
      if (figure.data.length <= left) {
        left -= figure.data.length;
        shown.push(figure);
      }
    }
    return {
      ...task,
      reasons: reasons.map((reason) => ({
        ...reason,
        name: bounded(reason.name),
        ...(reason.message !== undefined && { message: bounded(reason.message) }),
      })),
      ...(shown.length > 0 && { figures: shown }),
    };
  });
}

/**
 * Answers that a result has room for: first those to the assignment's own cells, then what students added.
 *
 * @returns Them in their order, and how many had no room; these are in the notebook beside the result alone.
 */
export function boundedAnswers(answers: readonly Answer[]): { readonly answers: Answer[]; readonly left: number } {
  const order = [...answers.keys()].sort((a, b) => rank(answers[a]) - rank(answers[b]) || a - b);
  const kept = new Set<number>();
  let left = mostWritten;
  for (const index of order.slice(0, mostCells)) {
    const length = answers[index]?.source.length ?? 0;
    if (length <= left) {
      left -= length;
      kept.add(index);
    }
  }
  return { answers: answers.filter((_, index) => kept.has(index)), left: answers.length - kept.size };
}

/** Answers that somebody looks at come first. */
function rank(answer: Answer | undefined): number {
  return answer?.cell != null || answer?.task !== undefined ? 0 : 1;
}
