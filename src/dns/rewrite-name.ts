import { formatName, lowerName, parseName } from './name.ts';
import type { Name } from './name.ts';
import { compileRegex } from './template-regex.ts';
import type { RewriteMatch } from './settings.ts';

export type HowToMatch = Extract<RewriteMatch, { readonly kind: 'name' }>['how'];

/** Whether a name in lower case is meant. */
export type NameTest = (name: Name) => boolean;

/** The new name, in lower case; null: not meant, or what comes out is no name. */
export type NameChange = (name: Name) => Name | null;

/** Text forms are in lower case with the dot at the end, as a Corefile's rules see names. */
export function compileTest(how: HowToMatch, from: string): NameTest {
  const text = from.toLowerCase();
  switch (how) {
    case 'exact': {
      const wanted = lowerName(nameOf(text) ?? '');
      return (name) => name === wanted;
    }
    case 'prefix':
      return (name) => formatName(name).startsWith(text);
    case 'suffix':
      return (name) => formatName(name).endsWith(withDot(text));
    case 'substring':
      return (name) => formatName(name).includes(text);
    case 'regex': {
      const regex = certainRegex(from);
      return (name) => regex.match(formatName(name)) !== null;
    }
  }
}

export function compileChange(how: HowToMatch, from: string, to: string): NameChange {
  const test = compileTest(how, from);
  const rewrite = compileText(how, from.toLowerCase(), how === 'regex' ? to : to.toLowerCase(), from);
  return (name) => {
    if (!test(name)) return null;
    const text = rewrite(formatName(name));
    const changed = text === null ? null : nameOf(text);
    return changed === null ? null : lowerName(changed);
  };
}

function compileText(how: HowToMatch, from: string, to: string, expression: string): (text: string) => string | null {
  switch (how) {
    case 'exact':
      return () => to;
    case 'prefix':
      return (text) => to + text.slice(from.length);
    case 'suffix':
      return (text) => text.slice(0, text.length - withDot(from).length) + withDot(to);
    case 'substring':
      return (text) => text.replaceAll(from, () => to);
    case 'regex': {
      const regex = certainRegex(expression);
      return (text) => {
        const match = regex.match(text);
        // The whole name is replaced, whatever part of it matched.
        return match === null ? null : to.replaceAll(/\{(\d{1,3})\}/g, (all, number: string) => match[Number(number)] ?? all);
      };
    }
  }
}

/** Settings were checked when they were read. */
function certainRegex(pattern: string): { match(text: string): readonly string[] | null } {
  const regex = compileRegex(pattern);
  if (!regex.ok) throw new TypeError(regex.problem.message);
  return regex.value;
}

function nameOf(text: string): Name | null {
  return parseName(withDot(text));
}

function withDot(text: string): string {
  return text.endsWith('.') ? text : `${text}.`;
}
