import type { Step } from '../../plan/plan.ts';
import { parseTemplate, type Template } from '../../plan/template.ts';
import type { Origin } from '../http/origin.ts';
import { isStatic, type Variables } from './variables.ts';

/** `dynamic`: a variable named it. */
export type OriginOf = (url: URL, dynamic: boolean) => Origin;

/** Where a request goes: an origin and the path with its query. */
export interface Target {
  readonly isFixed: boolean;
  /** Null when a variable is not set or does not make a URL. `variables` may be null when `isFixed`. */
  render(variables: Variables | null): { readonly origin: Origin; readonly path: string } | null;
}

/** A path below baseUrl, joined with exactly one slash, or a whole URL; then the query parameters, percent-encoded. */
export function compileTarget(baseUrl: string, step: Step, originOf: OriginOf): Target {
  const path = parseTemplate(step.path);
  const query = step.queryParams.map(({ name, value }) => ({
    name: encodeURIComponent(name.toWellFormed()),
    value: parseTemplate(value),
  }));
  const base = new URL(baseUrl);
  const baseOrigin = originOf(base, false);
  const basePath = base.pathname.replace(/\/+$/, '');
  const isFixed = isStatic(path) && query.every(({ value }) => isStatic(value));
  return {
    isFixed,
    render(variables) {
      const text = renderTemplate(variables, path);
      const queryText = text === null ? null : renderQuery(variables, query, text.includes('?'));
      if (text === null || queryText === null) return null;
      if (!isWholeUrl(text)) {
        return { origin: baseOrigin, path: printable(`${basePath}/${text.replace(/^\/+/, '')}${queryText}`) };
      }
      const url = URL.parse(text + queryText);
      return url === null ? null : { origin: originOf(url, !isFixed), path: url.pathname + url.search };
    },
  };
}

const isWholeUrl = (text: string): boolean => /^https?:\/\//i.test(text);

function renderTemplate(variables: Variables | null, template: Template): string | null {
  if (variables !== null) return variables.render(template);
  return template.every((part) => typeof part === 'string') ? template.join('') : null;
}

function renderQuery(
  variables: Variables | null,
  query: readonly { readonly name: string; readonly value: Template }[],
  hasQuery: boolean,
): string | null {
  let text = '';
  for (const { name, value } of query) {
    const rendered = renderTemplate(variables, value);
    if (rendered === null) return null;
    text += `${text === '' && !hasQuery ? '?' : '&'}${name}=${encodeURIComponent(rendered.toWellFormed())}`;
  }
  return text;
}

/** What a request line cannot hold (blanks, control characters, beyond ASCII, #) percent-encoded; all else as it stands. */
function printable(path: string): string {
  if (/^[!-"$-~]*$/.test(path)) return path;
  return path.toWellFormed().replace(/[^!-"$-~]/gu, (character) => encodeURIComponent(character));
}
