import { TuttiError } from '../lib/errors.ts';
import { clip } from './units.ts';

/** Text and variables in turn, as parsed from `GET /items/${id}`; empty for the empty text. */
export type Template = readonly (string | { readonly variable: string })[];

/**
 * Variables every iteration has without extracting them. `timestamp` is Unix milliseconds; `iteration`, `uuid` and `user`
 * are supplied by the generator.
 */
export const builtinVariables = ['timestamp', 'iteration', 'uuid', 'user'] as const;

export const variableNameForm = 'a letter or _ followed by letters, digits, _ and -';

export function isVariableName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_-]*$/.test(name);
}

/** What is wrong with a template, and the text it stands at. */
export interface TemplateFault {
  readonly fragment: string;
  readonly message: string;
}

/**
 * Splits a template. `${name}` is a variable, `$${` a literal `${`, everything else is itself: `$name` too, unlike in the
 * Rust tool, where `$id` also hits the start of `$id_token` and rewrites GraphQL (rust-loadtest.md 1.7).
 */
export function scanTemplate(text: string): { readonly parts: Template; readonly faults: readonly TemplateFault[] } {
  const parts: (string | { readonly variable: string })[] = [];
  const faults: TemplateFault[] = [];
  let literal = '';
  let at = 0;
  while (at < text.length) {
    const open = text.indexOf('${', at);
    if (open === -1) break;
    if (open > at && text[open - 1] === '$') {
      literal += text.slice(at, open - 1) + '${';
      at = open + 2;
      continue;
    }
    const close = text.indexOf('}', open);
    const name = close === -1 ? '' : text.slice(open + 2, close);
    const fault = faultOf(text.slice(open), close === -1 ? null : name);
    if (fault !== null) faults.push(fault);
    if (close === -1) {
      at = open;
      break;
    }
    literal += text.slice(at, open);
    if (literal !== '') parts.push(literal);
    literal = '';
    parts.push({ variable: name });
    at = close + 1;
  }
  literal += text.slice(at);
  if (literal !== '') parts.push(literal);
  return { parts, faults };
}

/** The parts of a template that a plan's validation has passed; throws PLAN_INVALID for one that it would not pass. */
export function parseTemplate(text: string): Template {
  const { parts, faults } = scanTemplate(text);
  if (faults.length > 0) throw new TuttiError('PLAN_INVALID', faults.map((fault) => fault.message).join('; '));
  return parts;
}

/** Names a template uses, each once. */
export function variablesOf(template: Template): readonly string[] {
  return [...new Set(template.flatMap((part) => (typeof part === 'string' ? [] : [part.variable])))];
}

function faultOf(rest: string, name: string | null): TemplateFault | null {
  const literally = 'or $${ for a literal ${';
  if (name === null) {
    const fragment = rest.slice(0, 20);
    return { fragment, message: `"${clip(fragment)}" has no closing brace; write \${name}, ${literally}` };
  }
  if (isVariableName(name)) return null;
  const fragment = `\${${name}}`;
  if (name === '') return { fragment, message: `"\${}" names no variable; write \${name}, ${literally}` };
  return {
    fragment,
    message: `"${clip(fragment)}" is no variable name; write ${variableNameForm} between the braces, ${literally}`,
  };
}
