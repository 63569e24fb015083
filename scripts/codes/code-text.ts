/** How a code comes to be seen, and what becomes of the process; the texts stand in the table. */
export const levels = {
  end: 'error; the agent ends with 1',
  start: 'error at the start, which ends with 1; later a warning',
  warning: 'warning',
  place: 'by place',
  command: 'error of a command, which ends with 1',
  usage: 'error of a command, which ends with 2',
  finding: 'finding, by what was found',
  error: 'finding: error, ends with 1',
  caution: 'finding: warning',
  note: 'finding: note',
} as const;

/** Level, what it means in one sentence, and what an operator does about it, both without a full stop. */
export type CodeText = readonly [level: keyof typeof levels, meaning: string, action: string];

/** The codes of one room. */
export type CodeTexts = Readonly<Record<`WP_${string}`, CodeText>>;

export const nothing = 'nothing';
export const bug = 'report it as a bug, with the log around it';
