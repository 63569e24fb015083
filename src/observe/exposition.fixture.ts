export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A strict reader of the Prometheus text format 0.0.4, written from its grammar; throws on anything else. */
export function parseExposition(text: string): {
  readonly samples: readonly Sample[];
  readonly types: ReadonlyMap<string, string>;
} {
  const samples: Sample[] = [];
  const types = new Map<string, string>();
  if (text !== '' && !text.endsWith('\n')) throw new Error('the last line has no end');
  for (const line of text.split('\n').slice(0, -1)) {
    const type = /^# TYPE ([a-zA-Z_:][\w:]*) (counter|gauge|histogram)$/.exec(line);
    if (type !== null) {
      if (types.has(type[1] ?? '')) throw new Error(`a second TYPE: ${line}`);
      types.set(type[1] ?? '', type[2] ?? '');
    } else if (!/^# HELP [a-zA-Z_:][\w:]* .*$/.test(line)) samples.push(parseSample(line, types));
  }
  return { samples, types };
}

function parseSample(line: string, types: ReadonlyMap<string, string>): Sample {
  const name = /^[a-zA-Z_:][\w:]*/.exec(line)?.[0];
  if (name === undefined) throw new Error(`not a sample: ${line}`);
  if (!types.has(name) && !types.has(name.replace(/_(?:bucket|sum|count)$/, ''))) throw new Error(`no TYPE before: ${line}`);
  let at = name.length;
  const labels: Record<string, string> = Object.create(null) as Record<string, string>;
  if (line[at] === '{') {
    at += 1;
    while (line[at] !== '}') {
      const label = /^([a-zA-Z_]\w*)="/.exec(line.slice(at));
      if (label === null) throw new Error(`not a label at ${at}: ${line}`);
      const read = readQuoted(line, at + label[0].length);
      labels[label[1] ?? ''] = read.value;
      at = line[read.end] === ',' ? read.end + 1 : read.end;
    }
    at += 1;
  }
  const number = /^ (NaN|[+-]Inf|[-+]?[\d.]+(?:e[-+]?\d+)?)$/.exec(line.slice(at))?.[1];
  if (number === undefined) throw new Error(`no value: ${line}`);
  return { name, labels: { ...labels }, value: Number(number.replace('Inf', 'Infinity')) };
}

/** The text up to the closing quote; `end` is behind it. */
function readQuoted(line: string, start: number): { readonly value: string; readonly end: number } {
  let value = '';
  let at = start;
  while (line[at] !== '"') {
    if (at >= line.length) throw new Error(`no closing quote: ${line}`);
    if (line[at] === '\\') {
      at += 1;
      value += line[at] === 'n' ? '\n' : (line[at] ?? '');
    } else value += line[at] ?? '';
    at += 1;
  }
  return { value, end: at + 1 };
}
