import type { NameValue, Plan, Step } from '../../plan/plan.ts';
import { parseTemplate, type Template } from '../../plan/template.ts';
import type { PreparedRequest } from '../http/exchange.ts';
import type { Origin } from '../http/origin.ts';
import type { ResponseWishes } from '../http/parser.ts';
import { alphanumericBytes, type Random } from './random.ts';
import { compileTarget, type OriginOf, type Target } from './target.ts';
import { isStatic, type Variables } from './variables.ts';

interface Header {
  readonly name: string;
  readonly value: Template;
}

const idempotent: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/**
 * One step's request: what never changes is written once, when the plan is compiled; a request without variables is a single
 * buffer from then on.
 */
export class RequestTemplate {
  readonly #method: string;
  readonly #target: Target;
  readonly #headers: readonly Header[];
  readonly #hasHost: boolean;
  readonly #body: Template | null;
  readonly #bodyBytes: number | null;
  readonly #sendsLength: boolean;
  readonly #wishes: ResponseWishes;
  readonly #fixed: PreparedRequest | null;

  constructor(plan: Plan, step: Step, wishes: ResponseWishes, originOf: OriginOf) {
    this.#method = step.method;
    this.#wishes = wishes;
    this.#target = compileTarget(plan.baseUrl, step, originOf);
    this.#headers = headersOf(plan.headers, step.headers);
    this.#hasHost = this.#headers.some(({ name }) => name.toLowerCase() === 'host');
    this.#body = step.body === null ? null : parseTemplate(step.body);
    this.#bodyBytes = step.bodyBytes;
    // RFC 9110 8.6: methods that mean a body say so even when it is empty.
    this.#sendsLength = step.body !== null || step.bodyBytes !== null || ['POST', 'PUT', 'PATCH'].includes(step.method);
    const isFixed =
      this.#target.isFixed &&
      this.#bodyBytes === null &&
      [...this.#headers.map(({ value }) => value), this.#body ?? []].every(isStatic);
    this.#fixed = isFixed ? this.#render(null, null) : null;
  }

  /** Null when a variable is not set, or what it holds cannot stand where the template puts it. */
  render(variables: Variables, random: Random): PreparedRequest | null {
    return this.#fixed ?? this.#render(variables, random);
  }

  #render(variables: Variables | null, random: Random | null): PreparedRequest | null {
    const target = this.#target.render(variables);
    const headers = target === null ? null : this.#head(target.origin, target.path, variables);
    if (target === null || headers === null) return null;
    const body = this.#renderBody(variables, random);
    if (body === null) return null;
    const head = this.#sendsLength ? `${headers}Content-Length: ${body.length}\r\n\r\n` : `${headers}\r\n`;
    const bytes = Buffer.allocUnsafe(head.length + body.length);
    bytes.write(head, 0, 'latin1');
    bytes.set(body, head.length);
    return { origin: target.origin, bytes, wishes: this.#wishes, isIdempotent: idempotent.has(this.#method) };
  }

  #head(origin: Origin, path: string, variables: Variables | null): string | null {
    let head = `${this.#method} ${path} HTTP/1.1\r\n`;
    if (!this.#hasHost) head += `Host: ${origin.authority}\r\n`;
    for (const { name, value } of this.#headers) {
      const text = renderWith(variables, value);
      // A line break in a variable would add headers or whole requests; beyond Latin-1 a header has no defined bytes.
      if (text === null || unsendable.test(text)) return null;
      head += `${name}: ${text}\r\n`;
    }
    return head;
  }

  #renderBody(variables: Variables | null, random: Random | null): Buffer | null {
    if (this.#bodyBytes !== null) return alphanumericBytes(this.#bodyBytes, random!);
    if (this.#body === null) return noBody;
    const text = renderWith(variables, this.#body);
    return text === null ? null : Buffer.from(text, 'utf8');
  }
}

const noBody = Buffer.alloc(0);
const unsendable = /[\u0000-\u0008\u000a-\u001f\u007f]|[^\u0000-\u00ff]/;

export function renderWith(variables: Variables | null, template: Template): string | null {
  if (template.length === 0) return '';
  const [first] = template;
  if (template.length === 1 && typeof first === 'string') return first;
  return variables === null ? null : variables.render(template);
}

/** The plan's headers, replaced by the step's of the same name, and the two every client should send. */
function headersOf(general: readonly NameValue[], own: readonly NameValue[]): readonly Header[] {
  const names = new Set(own.map(({ name }) => name.toLowerCase()));
  const kept = general.filter(({ name }) => !names.has(name.toLowerCase()));
  for (const { name } of kept) names.add(name.toLowerCase());
  return [
    ...(names.has('user-agent') ? [] : [{ name: 'User-Agent', value: ['tutti'] }]),
    ...(names.has('accept') ? [] : [{ name: 'Accept', value: ['*/*'] }]),
    ...kept.map(({ name, value }) => ({ name, value: [value] })),
    ...own.map(({ name, value }) => ({ name, value: parseTemplate(value) })),
  ];
}
