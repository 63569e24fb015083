import { formatPlace, formatShare } from '../format.ts';
import { describeEnd, judgeVerdict } from '../trace-answer.ts';
import type { TraceAnswer, TraceEndAnswer, TraceStepAnswer } from '../trace-answer.ts';
import { element, find, setText, stateMark, table } from './element.ts';

/** The form of the trace and what comes of it. The result fills in a destination. */
export function setUpTrace(): (destination: string) => void {
  const form = find('trace-form', HTMLFormElement);
  const source = find('trace-source', HTMLInputElement);
  const destination = find('trace-destination', HTMLInputElement);
  const family = find('trace-family', HTMLSelectElement);
  const button = find('trace-start', HTMLButtonElement);
  const problem = find('trace-problem', HTMLElement);
  const result = find('trace-result', HTMLElement);
  const ask = async (): Promise<void> => {
    button.disabled = true;
    setText(problem, '');
    result.replaceChildren(element('p', { class: 'quiet' }, 'Reading the kernel and following the packet \u2026'));
    const asked = await askTrace({ source: source.value, destination: destination.value, family: family.value || null });
    button.disabled = false;
    setText(problem, asked.ok ? '' : asked.error);
    const wrong = asked.ok || asked.status !== 400 ? null : asked.error.startsWith('SOURCE') ? source : destination;
    for (const field of [source, destination]) field.setAttribute('aria-invalid', String(field === wrong));
    wrong?.focus();
    result.replaceChildren(...(asked.ok ? describeTrace(asked.answer) : []));
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void ask();
  });
  return (text) => {
    destination.value = text;
    source.focus();
    source.select();
  };
}

type Asked =
  | { readonly ok: true; readonly answer: TraceAnswer }
  | { readonly ok: false; readonly status: number; readonly error: string };

async function askTrace(question: Readonly<Record<string, string | null>>): Promise<Asked> {
  try {
    const headers = { 'Content-Type': 'application/json' };
    const answer = await fetch('trace', { method: 'POST', headers, body: JSON.stringify(question) });
    const text = await answer.text();
    if (answer.ok) return { ok: true, answer: JSON.parse(text) as TraceAnswer };
    return { ok: false, status: answer.status, error: readError(text) };
  } catch {
    return { ok: false, status: 0, error: 'The agent does not answer.' };
  }
}

/** Pages refuse with `{ error }`; what stands before them with a sentence. */
function readError(text: string): string {
  try {
    return (JSON.parse(text) as { readonly error: string }).error;
  } catch {
    return text.trim();
  }
}

function describeTrace(answer: TraceAnswer): readonly HTMLElement[] {
  const { source, destination, protocol, frontend, ends } = answer;
  const packet = `${protocol} from ${formatPlace(source.address, source.port)} (${source.device === null ? 'a process of this node' : `arrives on ${source.device}`}) to ${formatPlace(destination.address, destination.port)}`;
  const service = frontend === null ? 'no frontend of the agent' : `${frontend.kind} of ${frontend.servicePort}`;
  const cells = ends.map((end) => [
    stateMark(judgeVerdict(end.verdict), end.verdict),
    element('code', {}, formatPlace(end.address, end.port)),
    end.name ?? '\u2013',
    formatShare(end.probability),
    describeEnd(end),
  ]);
  return [
    element('p', { class: 'verdict' }, stateMark(judgeVerdict(answer.verdict), answer.verdict)),
    element('p', { class: 'sentence' }, answer.sentence),
    element('p', { class: 'quiet' }, `${packet}; ${service}.`),
    ...(cells.length === 0 ? [] : [table('Where it ends', ['Verdict', 'At', 'Name', 'Chance ', 'More'], cells)]),
    ...ends.map(describeSteps),
    ...listOf('Rules that are not understood', answer.unknown.map(stepLine)),
    ...listOf('What could not be read', answer.gaps),
    ...listOf('Notes', answer.notes),
    element('details', {}, element('summary', {}, 'As JSON'), element('pre', { tabindex: '0' }, JSON.stringify(answer, null, 2))),
  ];
}

function describeSteps(end: TraceEndAnswer): HTMLElement {
  const heading = `The way to ${end.name ?? formatPlace(end.address, end.port)}: ${end.steps.length} steps`;
  const steps = end.steps.map(({ hook, place, text }) =>
    element('li', {}, element('span', { class: 'quiet' }, `${hook ?? 'routing'} \u00b7 ${place}`), element('code', {}, text)),
  );
  return element('details', {}, element('summary', {}, heading), element('ol', { class: 'steps' }, ...steps));
}

function stepLine({ place, text }: TraceStepAnswer): string {
  return `${place}: ${text}`;
}

function listOf(heading: string, lines: readonly string[]): readonly HTMLElement[] {
  if (lines.length === 0) return [];
  return [element('h3', {}, heading), element('ul', {}, ...lines.map((line) => element('li', {}, line)))];
}
